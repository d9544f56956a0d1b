"""One source, from media to rendered text."""
