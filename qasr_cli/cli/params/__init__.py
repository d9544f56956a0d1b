"""From option groups to a command's flags, and from what was typed back to option groups."""
