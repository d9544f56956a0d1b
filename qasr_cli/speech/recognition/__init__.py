"""What is said in chunks, and which answers look hallucinated."""
