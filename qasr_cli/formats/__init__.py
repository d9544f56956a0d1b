"""Transcripts and cues in, file texts out (and back where a reader is needed).

In go a transcript and its cues; out comes the whole text of a file, always ending with a newline. Formats
decide what is legal in a file of their kind and how text is escaped in it; they never move, drop or rewrap a
cue, and never touch the disk.

Subtitle files that others wrote come in through `captions`, whatever state they are in.

A new format is:
    1. a module `<name>_file.py` with `render(transcript, cues, options) -> str`, which says in its docstring
       what cannot be said in the format and what becomes of it;
    2. a row in `FORMATS` below;
    3. a round trip through a reader that is not ours in `tests/property/test_formats_roundtrip.py`, and its
       extension in `tests/golden/regenerate.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qasr_cli.formats.readers import script_reading
from qasr_cli.formats.writers import srt, transcript_json, tsv, txt, vtt
from qasr_cli.options import OutputOptions
from qasr_cli.records import Cue, Transcript

Render = Callable[[Transcript, Sequence[Cue], OutputOptions], str]


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of output file.

    Attributes:
        name: What the user calls it.
        extension: What the file name ends with, with its dot.
        render: Returns the text of a file.
        is_cue_based: Its text depends on the cues; otherwise they may be empty.
        is_line: One line for each source, for a stream rather than a file of its own; not part of `all`.
        is_subtitle: Players show it; who has one in another format needs no second.
    """

    name: str
    extension: str
    render: Render
    is_cue_based: bool = True
    is_line: bool = False
    is_subtitle: bool = False


FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        Format("srt", ".srt", srt.render, is_subtitle=True),
        Format("vtt", ".vtt", vtt.render, is_subtitle=True),
        Format("json", ".json", transcript_json.render),
        Format("txt", ".txt", txt.render, is_cue_based=False),
        Format("tsv", ".tsv", tsv.render),
        Format("jsonl", ".jsonl", transcript_json.render_line, is_line=True),
    )
}

parse_transcript = transcript_json.parse
parse_script = script_reading.parse_script
