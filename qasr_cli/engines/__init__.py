"""Implementations of the recognizer and the aligner; the only room with torch in it."""
