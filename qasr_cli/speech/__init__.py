"""Samples in, words with times out: voice activity, chunks, batches, alignment, words."""
