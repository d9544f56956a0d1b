"""LRC: lines of a song, each with the time when it begins.

In go lines; out come captions in order of time. `[00:12.30][01:02.30]text` is shown twice; a line without
text ends the one before; `[offset:500]` shows all of them 500 ms earlier. Times of words are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qasr_cli import languages
from qasr_cli.formats.readers.caption_file import (
    CaptionFile,
    Fault,
    FileContext,
    ends_by_next,
    plain_caption,
)
from qasr_cli.records import Caption
from qasr_cli.timebase import MS_PER_S

# Hours need a fraction behind a dot: in `[01:12:50]` the last digits are hundredths, as many programs write.
_CLOCK = r"(?:(\d{1,3}):(?=\d{1,4}:\d{1,2}[.,]))?(\d{1,4}):(\d{1,2})(?:[.:,](\d{1,3}))?"
_STAMP = re.compile(rf"\s*+\[{_CLOCK}\]")
_TAG = re.compile(r"\s*+\[([A-Za-z#]{1,20}):([^\[\]]*)\]\s*+")
_WORD_TIME = re.compile(rf"<{_CLOCK}>")
_OFFSET = re.compile(r"\s*+([+-]?\d{1,7})\s*+")


def is_like(lines: Sequence[str]) -> bool:
    """Whether most of the first lines begin with a time in brackets."""
    first = [line for line in lines[:400] if line.strip() and not _TAG.fullmatch(line)][:10]
    return bool(first) and 2 * sum(_STAMP.match(line) is not None for line in first) > len(first)


def read(lines: Sequence[str], _: FileContext) -> CaptionFile:
    """Read an LRC file."""
    faults: list[Fault] = []
    timed: list[tuple[int, int, str]] = []
    tags: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if tag := _TAG.fullmatch(line):
            tags[tag[1].lower()] = tag[2].strip()
            continue
        starts, at = [], 0
        while stamp := _STAMP.match(line, at):
            starts.append(_ms(stamp))
            at = stamp.end()
        if starts:
            text = _WORD_TIME.sub("", line[at:])
            timed += [(start_ms, number, text) for start_ms in starts]
        elif line.strip():
            faults.append(Fault(number, f"no time: {line.strip()[:60]!r}"))
    offset = _OFFSET.fullmatch(tags.get("offset", ""))
    length = _STAMP.fullmatch(f"[{tags.get('length', '')}]")
    captions = _captions(sorted(timed), int(offset[1]) if offset else 0, _ms(length) if length else None)
    language = languages.find(tags.get("la", ""))
    code = language.code if language else None
    return CaptionFile("lrc", tuple(captions), tuple(faults), language=code)


def _captions(
    timed: Sequence[tuple[int, int, str]], offset_ms: int, length_ms: int | None
) -> Iterator[Caption]:
    starts = [start_ms for start_ms, _, _ in timed]
    last_ms = max(starts, default=0)
    for (start_ms, number, text), following in zip(timed, ends_by_next(starts), strict=True):
        is_last = start_ms == last_ms and length_ms is not None and length_ms > start_ms
        end_ms = length_ms if is_last and length_ms is not None else following
        if text.strip():
            yield plain_caption(start_ms - offset_ms, end_ms - offset_ms, [text], number)


def _ms(stamp: re.Match[str]) -> int:
    hours, minutes, seconds, fraction = stamp.groups()
    whole = (int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)
    return whole * MS_PER_S + int((fraction or "0").ljust(3, "0"))
