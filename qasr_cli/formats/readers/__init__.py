"""Readers of subtitles, transcripts and scripts."""
