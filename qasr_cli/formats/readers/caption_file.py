"""The result of every reader of subtitle files: captions, faults, and lines to write back unchanged.

What a reader owes: each `Caption.line` and `Fault.line` is the line of the file, from 1, where the caption or
the fault begins (in JSON and XML the line of the object or element), because every finding is reported as
`file:line:`. A fault `is_fixable` only if writing the captions again repairs it without a loss.
"""

from __future__ import annotations

from dataclasses import dataclass

from qasr_cli.records import Caption, Transcript


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
        kind: srt, vtt, ass or json.
        captions: Captions in the order of the file.
        head: Lines before the first caption.
        tail: Lines after the last caption.
        encoding: Encoding of its bytes.
        is_guess: The encoding is a guess.
        language: Language code in the file itself, or None.
        transcript: Transcript in qasr's JSON, which has words with times; else None.
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
