"""Timed blocks of text, the cues that qasr makes and the captions of a subtitle file; and who speaks them.

`records` hands them on with the other values; everything imports them from there.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Speaker:
    """A speaker of a transcript.

    Attributes:
        label: As its words have it, such as `S1`.
        name: The name that is shown; "" shows the label.
    """

    label: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class LineSpeaker:
    """Who speaks a line of a cue, and what the line shows of it: it begins with `dash + name`.

    Attributes:
        label: As the words have it.
        dash: With its space, where the cue holds two speakers; else "".
        name: With its brackets or colon, where a turn begins and names are shown; else "".
    """

    label: str
    dash: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Cue:
    """A timed subtitle block.

    Always true of a transcript's cues: ordered, no overlap, each at least one non-empty line.

    Attributes:
        word_range: `[first, last)` into `Transcript.words`; the ranges of all cues partition the words.
        flags: Rules that could not be kept, by name (`cps`, `dur_min`).
        speakers: The speaker of each line; empty if speakers are not told apart.
    """

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    word_range: tuple[int, int]
    flags: tuple[str, ...] = ()
    speakers: tuple[LineSpeaker, ...] = ()


@dataclass(frozen=True, slots=True)
class Caption:
    """A timed block of a subtitle file from any program, right or wrong.

    Attributes:
        start_ms: Start; may be negative, or after the end.
        lines: The visible text, without styling; no line is empty.
        number: Its number or name in the file, or "".
        line: Its first line in the file, from 1; every reader of a format with lines sets it, since findings
            are reported by it. 0 where the caption comes from no file.
        marked: The lines with their styling, as in the file.
        place: Its position on the screen, "" for the usual one; two captions at different positions may be
            shown together.
        settings: Its other settings, as in the file.
        before: Other lines between the caption before and this one, as in the file.
        word_range: `[first, last)` into the transcript's words, if the file has them.
        speakers: The name of each line's speaker, "" if unknown; empty if the file names none.
    """

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    number: str = ""
    line: int = 0
    marked: tuple[str, ...] = ()
    place: str = ""
    settings: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    word_range: tuple[int, int] | None = None
    speakers: tuple[str, ...] = ()
