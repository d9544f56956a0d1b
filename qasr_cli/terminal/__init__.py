"""What the user sees on stderr, and the guard that keeps stdout for data."""
