"""The lanes of a run."""
