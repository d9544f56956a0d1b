"""Recognition of chunks, and detection of hallucinated hypotheses."""
