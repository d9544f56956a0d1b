"""What a subtitle file holds in any format: captions, what is broken, what to give back untouched."""

from __future__ import annotations

from dataclasses import dataclass

from qasr_cli.records import Caption, Transcript


@dataclass(frozen=True, slots=True)
class Fault:
    """A place that a player stumbles over; `is_mendable`: writing the file anew mends it."""

    line: int
    text: str
    is_mendable: bool = False


@dataclass(frozen=True, slots=True)
class CaptionFile:
    """A subtitle file that was read.

    Attributes:
        kind: srt, vtt, ass or json.
        captions: In the order of the file.
        head: Lines before the first caption.
        tail: Lines after the last one.
        encoding: What it was read as.
        is_guess: The encoding is not sure.
        language: What the file itself says, or None.
        transcript: What our own JSON knows beyond its captions.
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
