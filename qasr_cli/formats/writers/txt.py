"""Plain text: the transcript without times, for reading and searching.

In goes a transcript; out come paragraphs, one a line. Chunks are cut at silences and not at sentences, so a
segment that does not end a sentence is joined with the next: paragraphs never depend on the chunks.
"""

from __future__ import annotations

from collections.abc import Sequence

from qasr_cli import languages
from qasr_cli.formats.writers.spoken_text import one_line
from qasr_cli.options import OutputOptions
from qasr_cli.records import Cue, Segment, Transcript

_CLOSERS = "\"'”’»)]」』）】〉》"
_SENTENCE_MARKS = tuple(".!?…。！？؟۔।")


def render(transcript: Transcript, cues: Sequence[Cue], options: OutputOptions) -> str:
    """Return the text of a TXT file; empty without text."""
    del cues, options  # neither changes the text
    paragraph, paragraphs = "", []
    for segment in transcript.segments:
        paragraph = _append(paragraph, segment)
        if paragraph.rstrip(_CLOSERS).endswith(_SENTENCE_MARKS):
            paragraphs.append(paragraph)
            paragraph = ""
    return "".join(f"{text}\n" for text in (*paragraphs, paragraph) if text)


def _append(paragraph: str, segment: Segment) -> str:
    text = " ".join(one_line(segment.text).split())
    if not paragraph or not text:
        return paragraph + text
    return paragraph + languages.joint(paragraph, text) + text
