r"""MicroDVD and MPL2: one caption a line, `{120}{240}text|line` in frames or `[12][24]text|line` in tenths.

In go lines; out come captions. MicroDVD's frame rate is that of its first caption, `{1}{1}23.976`, or the
user's; without one it is refused, because any other rate moves every caption. Styling is left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from qasr_cli.errors import UndecodableError
from qasr_cli.formats.readers.caption_file import (
    CaptionFile,
    Fault,
    FileContext,
    ends_by_next,
    plain_caption,
)
from qasr_cli.records import Caption
from qasr_cli.timebase import MS_PER_S, broadcast_rate

_MICRODVD = re.compile(r"\A\s*+\{(\d{1,9})\}\{(\d{0,9})\}(.*)")
_MPL2 = re.compile(r"\A\s*+\[(\d{1,9})\]\[(\d{0,9})\](.*)")
_DEFAULT = re.compile(r"\s*+\{DEFAULT\}\{\}.*", re.IGNORECASE)  # styling of all captions
_RATE = re.compile(r"\s*+(\d{1,4}(?:[.,]\d{1,6})?)\s*+")
_STYLE = re.compile(r"\{[A-Za-z]:[^{}]*\}")
_MPL2_HZ = Fraction(10)


def is_microdvd(lines: Sequence[str]) -> bool:
    """Whether lines are MicroDVD."""
    return _is_like(lines, _MICRODVD)


def is_mpl2(lines: Sequence[str]) -> bool:
    """Whether lines are MPL2."""
    return _is_like(lines, _MPL2)


def _is_like(lines: Sequence[str], syntax: re.Pattern[str]) -> bool:
    first = [line for line in lines[:200] if line.strip()][:10]
    return bool(first) and 2 * sum(syntax.fullmatch(line) is not None for line in first) > len(first)


def read_microdvd(lines: Sequence[str], context: FileContext) -> CaptionFile:
    """Read a MicroDVD file.

    Raises:
        UndecodableError: It has no frame rate, and the user gave none.
    """
    first = next((match for line in lines if (match := _MICRODVD.fullmatch(line))), None)
    named = _RATE.fullmatch(first[3]) if first and first[1] in {"0", "1"} and first[2] in {"0", "1"} else None
    rate = broadcast_rate(Fraction(named[1].replace(",", "."))) if named else context.frame_rate
    if rate is None or not 1 <= rate <= 1_000:
        raise UndecodableError(
            "MicroDVD counts frames, and the file does not name their rate",
            "give the film's frame rate: --fps 23.976, or --fps 25",
        )
    return _read(lines, "microdvd", rate, is_skipping_first=named is not None)


def read_mpl2(lines: Sequence[str], _: FileContext) -> CaptionFile:
    """Read an MPL2 file."""
    return _read(lines, "mpl2", _MPL2_HZ, is_skipping_first=False)


def _read(lines: Sequence[str], kind: str, rate: Fraction, *, is_skipping_first: bool) -> CaptionFile:
    syntax = _MICRODVD if kind == "microdvd" else _MPL2
    faults: list[Fault] = []
    rows: list[tuple[int, int | None, str, int]] = []
    for number, line in enumerate(lines, 1):
        match = syntax.fullmatch(line)
        if match is not None:
            end = _ms(int(match[2]), rate) if match[2] else None
            rows.append((_ms(int(match[1]), rate), end, match[3], number))
        elif line.strip() and not _DEFAULT.fullmatch(line):
            faults.append(Fault(number, f"no caption: {line.strip()[:60]!r}"))
    if is_skipping_first:
        del rows[0]
    return CaptionFile(kind, tuple(_captions(rows)), tuple(faults))


def _ms(count: int, rate: Fraction) -> int:
    """Return the nearest millisecond of a frame."""
    return int(count * MS_PER_S / rate + Fraction(1, 2))


def _captions(rows: Sequence[tuple[int, int | None, str, int]]) -> list[Caption]:
    captions = []
    following = ends_by_next([row[0] for row in rows])
    for (start_ms, end_ms, text, number), next_ms in zip(rows, following, strict=True):
        shown = [_STYLE.sub("", line).strip().removeprefix("/") for line in text.split("|")]
        captions.append(plain_caption(start_ms, next_ms if end_ms is None else end_ms, shown, number))
    return captions
