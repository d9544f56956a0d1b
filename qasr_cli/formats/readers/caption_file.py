"""The result of every reader of subtitle files: captions, faults, and lines to write back unchanged.

What a reader owes: each `Caption.line` and `Fault.line` is the line of the file, from 1, where the caption or
the fault begins (in JSON and XML the line of the object or element), because every finding is reported as
`file:line:`. A fault `is_fixable` only if writing the captions again repairs it without a loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from qasr_cli.records import Caption, Segment, Transcript

UNENDED_MS = 3_000  # a last caption whose end the format does not have, until the next one would begin


@dataclass(frozen=True, slots=True)
class FileContext:
    """What is known of a file besides its text.

    Attributes:
        name: Its name, whose extension decides if the content does not.
        language: Code of the language that is wanted, if the file has several; None takes the first.
        frame_rate: Frames a second, for formats that count frames and do not name their rate.
    """

    name: str = ""
    language: str | None = None
    frame_rate: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A place in a file that players misread.

    Attributes:
        line: Its line; 0 for a fault of the whole file.
        is_fixable: Rewriting the file repairs it.
        is_of_times: It is one of the times alone: every word is read.
    """

    line: int
    text: str
    is_fixable: bool = False
    is_of_times: bool = False


@dataclass(frozen=True, slots=True)
class CaptionFile:
    """A parsed subtitle file.

    Attributes:
        kind: Name of its format, see `read_formats`.
        captions: Captions in the order of the file.
        head: Lines before the first caption.
        tail: Lines after the last caption.
        encoding: Encoding of its bytes.
        is_guess: The encoding is a guess.
        language: Language code in the file itself, or None.
        transcript: Transcript in qasr's JSON, which has words with times; else None.
        segments: Segments of another program's transcript, with the times of its words; empty without them.
    """

    kind: str
    captions: tuple[Caption, ...]
    faults: tuple[Fault, ...] = ()
    head: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()
    encoding: str = "utf-8"
    is_guess: bool = False
    language: str | None = None
    transcript: Transcript | None = None
    segments: tuple[Segment, ...] = ()


def plain_caption(start_ms: int, end_ms: int, lines: Sequence[str], line: int, place: str = "") -> Caption:
    """Return a caption of a format whose text has no styling, or whose styling was left out."""
    visible = tuple(filter(None, (" ".join(text.split()) for text in lines)))
    return Caption(start_ms, end_ms, visible, line=line, marked=visible, place=place)


def ends_by_next(starts_ms: Sequence[int]) -> list[int]:
    """Return an end for each caption of a format without ends: the next start that differs from its own."""
    ends: list[int] = []
    following: int | None = None
    for place in range(len(starts_ms) - 1, -1, -1):
        if place + 1 < len(starts_ms) and starts_ms[place + 1] != starts_ms[place]:
            following = starts_ms[place + 1]
        ends.append(starts_ms[place] + UNENDED_MS if following is None else following)
    return ends[::-1]
