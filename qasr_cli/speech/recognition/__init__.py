"""Chunks to hypotheses, and which of those look hallucinated."""
