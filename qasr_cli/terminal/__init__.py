"""Progress and logging on stderr, and the guard that reserves stdout for data."""
