"""WebVTT's blocks and times exactly as its standard has browsers read them.

In go the lines of a file without its header; out come its blocks. This is the algorithm of the standard (W3C
WebVTT: "WebVTT parser algorithm", "collect a WebVTT block", "collect WebVTT cue timings and settings"), and
nothing more lenient: what browsers drop has no times here. `webvtt_captions` makes captions of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qasr_cli.timebase import MS_PER_S

SIGNATURE = "WEBVTT"
ARROW = "-->"
_SIGNATURE_LINE = re.compile(rf"{SIGNATURE}(?:[ \t].*)?")
# Six digits of hours are a century; the standard has no limit.
_STAMP = r"(?:([0-9]{1,6}):)?([0-9]{2}):([0-9]{2})\.([0-9]{3})(?![0-9])"
_TIMES = re.compile(rf"\A[ \t\f]*+{_STAMP}[ \t\f]*+-->[ \t\f]*+{_STAMP}(.*+)")
_REGION = re.compile(r"REGION[ \t\f]*+")


@dataclass(frozen=True, slots=True)
class Times:
    """Times that browsers accept, and the settings behind them as written."""

    start_ms: int
    end_ms: int
    settings: str


@dataclass(frozen=True, slots=True)
class Block:
    """Lines `[first, last)` of a file.

    Attributes:
        arrow: Index of its line with an arrow, which is the first or the second one; None without any.
        times: Times of that line; None if browsers drop the block.
        is_region: It defines a region.
    """

    first: int
    last: int
    arrow: int | None = None
    times: Times | None = None
    is_region: bool = False


def is_signature(line: str) -> bool:
    """Whether browsers take a file with this first line for WebVTT."""
    return _SIGNATURE_LINE.fullmatch(line) is not None


def parse_times(line: str) -> Times | None:
    """Return the times of a line, or None if browsers reject it."""
    match = _TIMES.fullmatch(line)
    if match is None:
        return None
    start_ms, end_ms = _time_ms(match.groups()[:4]), _time_ms(match.groups()[4:8])
    if start_ms is None or end_ms is None:
        return None
    return Times(start_ms, end_ms, match[9])


def _time_ms(groups: Sequence[str | None]) -> int | None:
    hours, minutes, seconds, millis = (int(group or 0) for group in groups)
    if minutes > 59 or seconds > 59:
        return None
    return ((hours * 60 + minutes) * 60 + seconds) * MS_PER_S + millis


def header_end(lines: Sequence[str]) -> int:
    """Return the index after the header, which begins with the first line and ends as a cue begins."""
    ends = (place for place, line in enumerate(lines) if place and (not line or ARROW in line))
    return next(ends, len(lines))


def blocks(lines: Sequence[str], at: int) -> Iterator[Block]:
    """Yield the blocks from line `at` on; only an empty line, or a line with an arrow, ends one."""
    has_cue = False
    while at < len(lines):
        if not lines[at]:
            at += 1
            continue
        block = _block(lines, at, has_cue=has_cue)
        yield block
        has_cue = has_cue or block.times is not None
        at = block.last


def _block(lines: Sequence[str], first: int, *, has_cue: bool) -> Block:
    arrow = next((place for place in (first, first + 1) if _has_arrow(lines, place)), None)
    at = first + 1 if arrow is None else arrow + 1
    while at < len(lines) and lines[at] and ARROW not in lines[at]:
        at += 1
    if arrow is not None:
        return Block(first, at, arrow, parse_times(lines[arrow]))
    is_region = not has_cue and at > first + 1 and _REGION.fullmatch(lines[first]) is not None
    return Block(first, at, is_region=is_region)


def _has_arrow(lines: Sequence[str], place: int) -> bool:
    return place < len(lines) and ARROW in lines[place]
