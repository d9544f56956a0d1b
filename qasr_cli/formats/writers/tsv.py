"""Whisper's tab-separated values: start, end, text, in whole milliseconds.

In go cues; out comes a header and a line for each. Tabs and line breaks in a text become spaces.
"""

from __future__ import annotations

from collections.abc import Sequence

from qasr_cli.formats.writers.spoken_text import joined
from qasr_cli.options import OutputOptions
from qasr_cli.records import Cue, Transcript


def render(transcript: Transcript, cues: Sequence[Cue], options: OutputOptions) -> str:
    """Return the text of a TSV file."""
    del options  # nothing in it changes a table
    texts = [text.replace("\t", " ") for text in joined(cues, transcript)]
    rows = [f"{cue.start_ms}\t{cue.end_ms}\t{text}" for cue, text in zip(cues, texts, strict=True)]
    return "\n".join(["start\tend\ttext", *rows]) + "\n"
