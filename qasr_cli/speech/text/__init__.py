"""Display words and aligner tokens of a text."""
