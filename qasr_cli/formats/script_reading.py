r"""A script as people keep them: plain text, or subtitles whose times are to be found anew.

In goes a file's text; out come its blocks, each with its lines: a line of a plain text, a cue of an SRT file.
Styling (`<i>`, `{\an8}`) is left out; nothing else of the text is. Never looks at the old times.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import srt

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
        UndecodableError: It has SRT's time lines and is no whole SRT file.
    """
    if not _TIME_LINE.search(text):
        return ScriptFile(tuple((line.strip(),) for line in text.splitlines() if line.strip()), is_cued=False)
    try:
        contents = [cue.content for cue in srt.parse(text)]
    except srt.SRTParseError as error:
        raise UndecodableError(
            f"broken SRT after character {error.expected_start}", "mend it in a subtitle editor"
        ) from error
    cues = [tuple(filter(None, map(_plain, content.splitlines()))) for content in contents]
    return ScriptFile(tuple(cue for cue in cues if cue), is_cued=True)


def _plain(line: str) -> str:
    return " ".join(_STYLING.sub("", line).split())
