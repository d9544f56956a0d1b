"""Transcripts and cues in, file texts out (and back where a reader is needed)."""
