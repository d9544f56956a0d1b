"""Plain text: the transcript without times, for reading and searching.

In goes a transcript; out come paragraphs, one a line; where speakers are told apart, each turn begins with
its speaker's name and a colon.
"""

from __future__ import annotations

from collections.abc import Sequence

from qasr_cli.formats.writers.turns import paragraphs, shown_names
from qasr_cli.options import OutputOptions
from qasr_cli.records import Cue, Transcript


def render(transcript: Transcript, cues: Sequence[Cue], options: OutputOptions) -> str:
    """Return the text of a TXT file; empty without text."""
    del cues, options  # neither changes the text
    names = shown_names(transcript)
    lines = []
    for paragraph in paragraphs(transcript):
        text, label = paragraph.text, paragraph.speaker
        name = names.get(label, "") if label is not None and paragraph.is_turn else ""
        if text:
            lines.append(f"{name}: {text}\n" if name else f"{text}\n")
    return "".join(lines)
