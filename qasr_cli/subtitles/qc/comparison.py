"""Subtitles against a reference: SubER, where lines and captions break, and when captions start.

In go the captions of both; out come figures. For breaks and starts the two texts are matched word by word
whatever their times are, so that a constant offset shows as an offset and not as wrong breaks.
"""

from __future__ import annotations

import statistics
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from qasr_cli.records import Caption
from qasr_cli.subtitles.qc import suber

_NEAR_MS = 100
_ANCHOR_WORDS = 4  # a run of words that stands once in each text is the same place in both
_MAX_WORDS = 3_000  # that are compared at once: 36 MB


@dataclass(frozen=True, slots=True)
class Comparison:
    """How near subtitles are to a reference.

    Attributes:
        edit_rate: SubER in percent; below 20 is very good, above 50 bad.
        cue_f1: Of the ends of captions, 0 to 1; `line_f1` of line breaks inside captions, `break_f1` of both
            when their kind does not matter.
        n_starts: Captions that begin with the same word in both; what follows is about these, None if none.
        shift_ms: Median of our start less the reference's: above 0 where we are late.
        absolute_shift_ms: Median without signs.
        near_share: How many start within 100 ms.
    """

    edit_rate: float
    cue_f1: float
    line_f1: float
    break_f1: float
    n_starts: int
    shift_ms: float | None
    absolute_shift_ms: float | None
    near_share: float | None


@dataclass(frozen=True, slots=True)
class _Words:
    words: list[str]
    line_ends: set[int]  # words after which a line ends inside a caption
    cue_ends: set[int]
    starts_ms: dict[int, int]  # when the caption starts that a word is the first of


def compare(ours: Sequence[Caption], reference: Sequence[Caption], *, is_spaced: bool) -> Comparison:
    """Return how near `ours` are to `reference`."""
    mine, theirs = _words(ours, is_spaced=is_spaced), _words(reference, is_spaced=is_spaced)
    pairs = match(mine.words, theirs.words)
    shifts = [
        mine.starts_ms[i] - theirs.starts_ms[j]
        for i, j in pairs.items()
        if i in mine.starts_ms and j in theirs.starts_ms
    ]
    return Comparison(
        edit_rate=suber.subtitle_edit_rate(ours, reference, is_spaced=is_spaced),
        cue_f1=_f1(mine.cue_ends, theirs.cue_ends, pairs),
        line_f1=_f1(mine.line_ends, theirs.line_ends, pairs),
        break_f1=_f1(mine.line_ends | mine.cue_ends, theirs.line_ends | theirs.cue_ends, pairs),
        n_starts=len(shifts),
        shift_ms=statistics.median(shifts) if shifts else None,
        absolute_shift_ms=statistics.median(map(abs, shifts)) if shifts else None,
        near_share=sum(abs(shift) <= _NEAR_MS for shift in shifts) / len(shifts) if shifts else None,
    )


def _words(captions: Sequence[Caption], *, is_spaced: bool) -> _Words:
    text = _Words([], set(), set(), {})
    for caption in sorted(captions, key=lambda one: one.start_ms):
        first = len(text.words)
        for line in caption.lines:
            text.words.extend(suber.words_of(line, is_spaced=is_spaced))
            text.line_ends.add(len(text.words) - 1)
        if len(text.words) > first:
            text.starts_ms[first] = caption.start_ms
            text.line_ends.discard(len(text.words) - 1)
            text.cue_ends.add(len(text.words) - 1)
    text.line_ends.discard(-1)
    return text


def _f1(mine: set[int], theirs: set[int], pairs: dict[int, int]) -> float:
    """Return the harmonic mean of precision and recall; 1 where neither has anything to find."""
    if not mine and not theirs:
        return 1.0
    n_right = sum(pairs.get(place) in theirs for place in mine)
    return 2 * n_right / (len(mine) + len(theirs))


def match(ours: Sequence[str], reference: Sequence[str]) -> dict[int, int]:
    """Return which of our words is which of the reference's, in order; others stand for none."""
    pairs: dict[int, int] = {}
    edges = [(0, 0), *_anchors(ours, reference), (len(ours), len(reference))]
    for (i, j), (next_i, next_j) in pairwise(edges):
        pairs |= {i + a: j + b for a, b in _between(ours[i:next_i], reference[j:next_j])}
    return pairs


def _between(ours: Sequence[str], reference: Sequence[str]) -> list[tuple[int, int]]:
    """Match what stands between two anchors; without any for a quarter of an hour, half goes with half."""
    if not ours or not reference:
        return []
    if max(len(ours), len(reference)) <= _MAX_WORDS:
        return suber.aligned(ours, reference)
    i, j = len(ours) // 2, len(reference) // 2
    return [
        *_between(ours[:i], reference[:j]),
        *((i + a, j + b) for a, b in _between(ours[i:], reference[j:])),
    ]


def _anchors(ours: Sequence[str], reference: Sequence[str]) -> list[tuple[int, int]]:
    """Return places that are surely the same: the longest ordered list of runs that are unique in both."""
    here, there = _unique_runs(ours), _unique_runs(reference)
    common = sorted((here[run], there[run]) for run in here.keys() & there.keys())
    return _longest_rising(common)


def _unique_runs(words: Sequence[str]) -> dict[tuple[str, ...], int]:
    runs = [tuple(words[at : at + _ANCHOR_WORDS]) for at in range(len(words) - _ANCHOR_WORDS + 1)]
    counts = Counter(runs)
    return {run: at for at, run in enumerate(runs) if counts[run] == 1}


def _longest_rising(places: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest choice of places whose second numbers rise as the first do (patience sorting)."""
    tails: list[int] = []
    last_of: list[int] = []
    before = np.full(len(places), -1)
    for number, (_, j) in enumerate(places):
        at = bisect_left(tails, j)
        before[number] = last_of[at - 1] if at else -1
        tails[at : at + 1] = [j]
        last_of[at : at + 1] = [number]
    chosen, number = [], last_of[-1] if last_of else -1
    while number >= 0:
        chosen.append(places[number])
        number = int(before[number])
    return chosen[::-1]
