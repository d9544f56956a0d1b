"""Transcripts and cues in, file texts out, and back.

registry   what formats there are: names, help, renderers
writers    one module per output format
readers    subtitle files, transcripts and scripts, in whatever state they are

In go a transcript and its cues; out comes the whole text of a file, always ending with a newline. Formats
decide what is legal in a file of their kind and how text is escaped in it; they never move, drop or rewrap a
cue, and never touch the disk. Readers and writers do not know each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qasr_cli.formats.registry import FILE_FORMATS, FORMATS, SUBTITLE_EXTENSIONS, Format

if TYPE_CHECKING:
    from qasr_cli.formats.readers.script_reading import ScriptFile
    from qasr_cli.records import Transcript

__all__ = ["FILE_FORMATS", "FORMATS", "SUBTITLE_EXTENSIONS", "Format", "parse_script", "parse_transcript"]


def parse_transcript(text: str) -> Transcript:
    """Return the transcript that the formats `json` and `jsonl` wrote.

    Raises:
        UndecodableError: It is not JSON, has another schema, or a field is missing or wrong.
    """
    from qasr_cli.formats.readers import transcript_json

    return transcript_json.parse(text)


def parse_script(text: str) -> ScriptFile:
    """Return the blocks of a script: plain text or subtitles; see `readers.script_reading`.

    Raises:
        UndecodableError: It has no word, or it is a subtitle file of which a part would be lost.
    """
    from qasr_cli.formats.readers import script_reading

    return script_reading.parse_script(text)
