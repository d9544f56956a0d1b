"""Readers of systems' outputs: transcripts by qasr, and files of other programs."""
