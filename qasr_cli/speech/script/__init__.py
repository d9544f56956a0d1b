"""Alignment of a given script with a recognized source."""
