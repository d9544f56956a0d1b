r"""Scripts: plain text, or subtitles that get new times.

In goes a file's text; out come its blocks, each with its lines: a line of a plain text, a caption of an SRT,
WebVTT or ASS file. Styling (`<i>`, `{\an8}`) is left out, and nothing else. Never uses the old times.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from qasr_cli.errors import UndecodableError
from qasr_cli.formats.readers import captions
from qasr_cli.formats.readers.caption_file import CaptionFile, FileContext

_NUMBER = re.compile(r"[0-9]{1,9}")
_ANY_RATE = Fraction(25)


@dataclass(frozen=True, slots=True)
class Origin:
    """The place of a block in its file: the line, from 1, and the number of a cue."""

    line: int
    cue: int | None = None


@dataclass(frozen=True, slots=True)
class ScriptFile:
    """A script's blocks, each with its lines; `is_cued`: they are cues, whose breaks are kept.

    `origins` has one for each block.
    """

    blocks: tuple[tuple[str, ...], ...]
    is_cued: bool
    origins: tuple[Origin, ...]


def parse_script(text: str, name: str = "", language: str | None = None) -> ScriptFile:
    """Return the blocks of a script; empty ones are left out.

    Args:
        text: The whole file.
        name: Its name, which decides if the content does not.
        language: Code of the wanted language, if the file has several.

    Raises:
        UndecodableError: It has no words, is a damaged subtitle file, or markup of another kind.
    """
    # The old times are not used: any frame rate will do.
    file = captions.parse_if_timed(text, FileContext(name, language, _ANY_RATE))
    blocks = _lines(text) if file is None else _cues(file)
    blocks = [(block, origin) for block, origin in blocks if any(block)]
    if not any(char.isalnum() for block, _ in blocks for line in block for char in line):
        raise UndecodableError(
            "the script has no words", "give a text or subtitle file with the spoken words"
        )
    return ScriptFile(
        tuple(block for block, _ in blocks), file is not None, tuple(origin for _, origin in blocks)
    )


Located = tuple[tuple[str, ...], Origin]


def _lines(text: str) -> list[Located]:
    """Return each line; a Unicode line inside a line of the file has the latter's number."""
    of_file = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [
        ((line.strip(),), Origin(number))
        for number, whole in enumerate(of_file, 1)
        for line in whole.splitlines()
    ]


def _cues(file: CaptionFile) -> list[Located]:
    """Return each cue, with its number in the file or else its place among the cues.

    Raises:
        UndecodableError: Words would be lost.
    """
    losses = (fault for fault in file.faults if not (fault.is_fixable or fault.is_of_times))
    fault = next(losses, None)
    if fault is not None:
        raise UndecodableError(
            f"broken {file.kind.upper()} in line {fault.line}: {fault.text}", "repair it in a subtitle editor"
        )
    return [
        (
            tuple(" ".join(line.split()) for line in caption.lines),
            Origin(caption.line, int(caption.number) if _NUMBER.fullmatch(caption.number) else place),
        )
        for place, caption in enumerate(file.captions, 1)
    ]
