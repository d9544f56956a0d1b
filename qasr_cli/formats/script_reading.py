r"""A script as people keep them: plain text, or subtitles whose times are to be found anew.

In goes a file's text; out come its blocks, each with its lines: a line of a plain text, a cue of an SRT or
WebVTT file. Styling (`<i>`, `{\an8}`) is left out; nothing else of the text is. Never looks at the old times.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import srt
import webvtt

from qasr_cli.errors import UndecodableError

_TIME_LINE = re.compile(r"^\s*\d+:\d\d:\d\d[,.]\d+\s*-->", re.MULTILINE)
_STYLING = re.compile(r"</?[a-zA-Z][^<>]*>|\{\\[^{}]*\}")


@dataclass(frozen=True, slots=True)
class ScriptFile:
    """A script's blocks, each with its lines; `is_cued`: they are cues, whose breaks somebody chose."""

    blocks: tuple[tuple[str, ...], ...]
    is_cued: bool


def parse_script(text: str) -> ScriptFile:
    """Return the blocks of a script; empty ones are left out.

    Raises:
        UndecodableError: There are none, or it is a broken SRT file.
    """
    is_cued = text.startswith("WEBVTT") or bool(_TIME_LINE.search(text))
    blocks = _cues(text) if is_cued else [(line.strip(),) for line in text.splitlines()]
    kept = tuple(block for block in blocks if any(block))
    if not kept:
        raise UndecodableError("the script holds no words", "give a text or subtitle file with what is said")
    return ScriptFile(kept, is_cued)


def _cues(text: str) -> list[tuple[str, ...]]:
    try:
        if text.startswith("WEBVTT"):
            contents = [caption.text for caption in webvtt.from_string(text)]
        else:
            contents = [cue.content for cue in srt.parse(text)]
    except srt.SRTParseError as error:
        raise UndecodableError(
            f"broken SRT after character {error.expected_start}", "mend it in a subtitle editor"
        ) from error
    return [tuple(filter(None, map(_plain, content.splitlines()))) for content in contents]


def _plain(line: str) -> str:
    return " ".join(_STYLING.sub("", line).split())
