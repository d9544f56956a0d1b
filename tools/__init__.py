"""Programs for those who work on qasr; none of them is a part of it."""
