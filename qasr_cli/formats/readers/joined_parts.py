"""Subtitle files that were joined without moving the times of the second one.

In go captions in the order of the file; out comes a fault where the times begin anew. Sorting such a file by
time would mix its parts, so the fault is one that only a person can repair.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from qasr_cli.formats.readers.caption_file import Fault
from qasr_cli.records import Caption
from qasr_cli.timebase import MS_PER_S

_NEAR_START_MS = 60 * MS_PER_S  # a part begins within this of the first caption, and ends later
_N_ORDERED = 3  # captions before and after it that are in order


def restarts(captions: Sequence[Caption], parts: Collection[int] = ()) -> Iterator[Fault]:
    """Yield a fault for each caption where the times begin anew.

    Args:
        captions: Captions in the order of the file.
        parts: Lines with the marks of another file's begin.
    """
    marks = sorted(parts)
    for place, (before, caption) in enumerate(pairwise(captions), 1):
        if caption.start_ms >= before.start_ms:
            continue
        is_marked = bisect_right(marks, before.line) < bisect_right(marks, caption.line)
        is_first = caption.number == "1" and before.number not in {"", "0", "1"}
        if is_marked or is_first or _is_far(captions, place):
            back_s = (before.start_ms - caption.start_ms) / MS_PER_S
            text = f"the times begin again {back_s:g} s earlier: joined files, the second without its offset"
            yield Fault(caption.line, text, is_of_times=True)


def _is_far(captions: Sequence[Caption], place: int) -> bool:
    """Whether times go back to the start between two stretches that are in order."""
    starts = [one.start_ms for one in captions[max(place - _N_ORDERED, 0) : place + _N_ORDERED]]
    if len(starts) < 2 * _N_ORDERED:
        return False
    before, after = starts[:_N_ORDERED], starts[_N_ORDERED:]
    is_ordered = before == sorted(before) and after == sorted(after)
    is_from_start = after[0] <= captions[0].start_ms + _NEAR_START_MS
    is_back = before[-1] > max(after[0] + _NEAR_START_MS, after[-1])
    return is_ordered and is_from_start and is_back
