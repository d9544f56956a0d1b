"""Scoring: edits, error rates, intervals, comparisons, languages, times, subtitles, speakers."""
