"""qasr: media in, subtitles with word-level timings out. Importing this costs nothing."""

__version__ = "0.1.0"
