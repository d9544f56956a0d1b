"""From transcripts and cues to file texts, and back.

registry   the table of formats: names, help, renderers
writers    one module per output format
readers    subtitle files, even damaged ones, transcripts and scripts

In go a transcript and its cues; out comes the whole text of a file, always ending with a newline. A writer
decides what is legal in its format and how text is escaped; it never moves, drops or rewraps a cue, and never
touches the disk. Readers and writers do not import each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qasr_cli.formats.registry import COMMON_FORMATS, FILE_FORMATS, FORMATS, SUBTITLE_EXTENSIONS, Format

if TYPE_CHECKING:
    from qasr_cli.formats.readers.script_reading import ScriptFile
    from qasr_cli.records import Transcript

__all__ = [
    "COMMON_FORMATS",
    "FILE_FORMATS",
    "FORMATS",
    "SUBTITLE_EXTENSIONS",
    "Format",
    "parse_script",
    "parse_transcript",
]


def parse_transcript(text: str) -> Transcript:
    """Parse a transcript of the formats `json` and `jsonl`.

    Raises:
        UndecodableError: It is not JSON, has another schema, or a field is missing or wrong.
    """
    from qasr_cli.formats.readers import transcript_json

    return transcript_json.parse(text)


def parse_script(text: str, name: str = "") -> ScriptFile:
    """Return the blocks of a script: plain text or subtitles; see `readers.script_reading`.

    Raises:
        UndecodableError: It has no words, is a damaged subtitle file, or markup of another kind.
    """
    from qasr_cli.formats.readers import script_reading

    return script_reading.parse_script(text, name)
