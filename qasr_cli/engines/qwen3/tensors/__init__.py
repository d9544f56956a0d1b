"""Weights: read by name, multiplied, and packed in 8 bits."""
