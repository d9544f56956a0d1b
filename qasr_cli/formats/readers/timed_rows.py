"""Captions as rows: SBV and SubViewer, labels of Audacity, TSV of whisper.

In go lines; out come captions. SBV and SubViewer have a line of two times with text below, the others one row
a caption.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from qasr_cli.formats.readers.caption_file import CaptionFile, Fault, FileContext, plain_caption
from qasr_cli.records import Caption
from qasr_cli.timebase import MS_PER_S

_CLOCK = r"(\d{1,4}):(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMES = re.compile(rf"\s*+{_CLOCK}\s*+,\s*+{_CLOCK}\s*+")
_SUBVIEWER_HEADER = re.compile(r"\s*+\[[A-Za-z][^\[\]]*\].*")
_BREAK = re.compile(r"\[br\]", re.IGNORECASE)
_SECONDS = re.compile(r"\s*+(-?\d{1,8})(?:[.,](\d{1,9}))?\s*+")
_MILLISECONDS = re.compile(r"\s*+(-?\d{1,11})\s*+")
_TSV_HEAD = ("start", "end", "text")


def is_sbv(lines: Sequence[str]) -> bool:
    """Whether lines have the times of SBV or SubViewer."""
    return any(map(_TIMES.fullmatch, lines[:100]))


def read_sbv(lines: Sequence[str], _: FileContext) -> CaptionFile:
    """Read an SBV or a SubViewer file: two times, then text up to an empty line."""
    captions: list[Caption] = []
    faults: list[Fault] = []
    times: tuple[int, int, int] | None = None
    text: list[str] = []

    def finish() -> None:
        if times is not None:
            captions.append(plain_caption(times[0], times[1], text, times[2]))

    for number, line in enumerate(lines, 1):
        match = _TIMES.fullmatch(line)
        if match is not None:
            finish()
            times, text = (_clock_ms(match.groups()[:4]), _clock_ms(match.groups()[4:]), number), []
        elif times is None:
            if line.strip() and not _SUBVIEWER_HEADER.fullmatch(line):
                faults.append(Fault(number, f"text that belongs to no caption: {line.strip()[:60]!r}"))
        elif line.strip():
            text += _BREAK.split(line)
        # An empty line ends a caption for YouTube; text after it would be lost, and is kept here.
    finish()
    return CaptionFile("sbv", tuple(captions), tuple(faults))


def _clock_ms(groups: Sequence[str]) -> int:
    hours, minutes, seconds, fraction = groups
    whole = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
    return whole * MS_PER_S + int(fraction.ljust(3, "0"))


def is_labels(lines: Sequence[str]) -> bool:
    """Whether lines are labels of Audacity: two times in seconds, and a text, between tabs."""
    first = [line for line in lines[:200] if line.strip() and not line.startswith("\\")][:10]
    n_rows = sum(_row(line) is not None and any(mark in line for mark in ".,") for line in first)
    return bool(first) and 2 * n_rows > len(first)


def read_labels(lines: Sequence[str], _: FileContext) -> CaptionFile:
    """Read the labels of Audacity; those without text are left out."""
    captions: list[Caption] = []
    faults: list[Fault] = []
    for number, line in enumerate(lines, 1):
        row = _row(line)
        if row is not None:
            if row[2].strip():
                captions.append(plain_caption(row[0], row[1], [row[2]], number))
        elif line.strip() and not line.startswith("\\"):  # a label's range of frequencies
            faults.append(Fault(number, f"no label: {line.strip()[:60]!r}"))
    return CaptionFile("labels", tuple(captions), tuple(faults))


def _row(line: str) -> tuple[int, int, str] | None:
    start, end, text = _cells(line)
    times = [_SECONDS.fullmatch(start), _SECONDS.fullmatch(end)]
    if times[0] is None or times[1] is None:
        return None
    return _seconds_ms(times[0]), _seconds_ms(times[1]), text


def _cells(line: str) -> tuple[str, str, str]:
    start, _, rest = line.partition("\t")
    end, _, text = rest.partition("\t")
    return start, end, text


def _seconds_ms(match: re.Match[str]) -> int:
    """Return the nearest millisecond of decimal seconds; exact, whatever the digits."""
    exact = Fraction(f"{match[1]}.{match[2] or 0}") * MS_PER_S
    return int(exact + Fraction(1, 2)) if exact >= 0 else -int(-exact + Fraction(1, 2))


def is_tsv(lines: Sequence[str]) -> bool:
    """Whether the first line is the head of whisper's table."""
    first = next((line for line in lines if line.strip()), "")
    return [name.strip().lower() for name in first.split("\t")][:3] == list(_TSV_HEAD)


def read_tsv(lines: Sequence[str], _: FileContext) -> CaptionFile:
    """Read whisper's table: start and end in milliseconds, text."""
    captions: list[Caption] = []
    faults: list[Fault] = []
    is_head = True
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if is_head:
            is_head = False
            continue
        start, end, text = _cells(line)
        if _MILLISECONDS.fullmatch(start) and _MILLISECONDS.fullmatch(end):
            captions.append(plain_caption(int(start), int(end), [text], number))
        else:
            faults.append(Fault(number, f"no row of start, end and text: {line.strip()[:60]!r}"))
    return CaptionFile("tsv", tuple(captions), tuple(faults))
