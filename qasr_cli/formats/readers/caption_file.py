"""The result of every reader of subtitle files: captions, faults, and lines to write back unchanged."""

from __future__ import annotations

from dataclasses import dataclass

from qasr_cli.records import Caption, Transcript


@dataclass(frozen=True, slots=True)
class Fault:
    """A place in a file that players misread; if it `is_fixable`, rewriting the file repairs it."""

    line: int
    text: str
    is_fixable: bool = False


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
