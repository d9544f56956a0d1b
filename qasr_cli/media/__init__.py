"""Media files in, audio tracks and 16 kHz samples out; the only room that starts processes."""
