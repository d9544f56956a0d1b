"""What qasr reads: subtitles, transcripts, scripts."""
