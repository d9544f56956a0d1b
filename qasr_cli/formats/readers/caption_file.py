"""What every reader of subtitle files returns: captions, faults, and lines that are given back untouched."""

from __future__ import annotations

from dataclasses import dataclass

from qasr_cli.records import Caption, Transcript


@dataclass(frozen=True, slots=True)
class Fault:
    """A place in a file that players misread; `is_fixable`: writing the file anew repairs it."""

    line: int
    text: str
    is_fixable: bool = False


@dataclass(frozen=True, slots=True)
class CaptionFile:
    """A subtitle file that was read.

    Attributes:
        kind: srt, vtt, ass or json.
        captions: In the order of the file.
        head: Lines before the first caption.
        tail: Lines after the last one.
        encoding: Of its bytes.
        is_guess: The encoding is a guess.
        language: Code that the file itself names, or None.
        transcript: Of qasr's own JSON, which has words with times.
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
