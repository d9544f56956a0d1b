"""From option groups to a command's flags, and from parsed values back to option groups."""
