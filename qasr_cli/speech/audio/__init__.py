"""Voice activity detection and chunking."""
