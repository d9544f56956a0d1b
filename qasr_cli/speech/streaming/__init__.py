"""Endless speech: utterances, stable text and final text."""
