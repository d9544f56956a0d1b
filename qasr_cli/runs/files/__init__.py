"""Files that are written, leased and identified without harm."""
