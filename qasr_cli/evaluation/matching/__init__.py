"""Matching: which words of a recording belong to which utterance of its reference."""
