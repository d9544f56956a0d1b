"""Comparison of subtitles with a reference: SubER, breaks of lines and captions, starts of captions.

In go the captions of both; out come figures. For breaks and starts the two texts are matched word by word
without their times, so that a constant offset appears as an offset and not as wrong breaks.
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
    """The agreement of subtitles with a reference.

    Attributes:
        edit_rate: SubER in percent; below 20 is very good, above 50 bad.
        cue_f1: F1 of the ends of captions, 0 to 1; `line_f1` of line breaks inside captions, `break_f1` of
            both, whatever their kind.
        n_starts: Number of captions that begin with the same word in both; the next three are about these,
            and None without any.
        shift_ms: Median of the start minus the reference's start: above 0 means late.
        absolute_shift_ms: Median of the absolute values.
        near_share: Share of starts within 100 ms.
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


def compare(candidate: Sequence[Caption], reference: Sequence[Caption], *, is_spaced: bool) -> Comparison:
    """Compare captions with those of a reference."""
    candidate_text, reference_text = (
        _words(candidate, is_spaced=is_spaced),
        _words(reference, is_spaced=is_spaced),
    )
    pairs = match(candidate_text.words, reference_text.words)
    shifts = [
        candidate_text.starts_ms[i] - reference_text.starts_ms[j]
        for i, j in pairs.items()
        if i in candidate_text.starts_ms and j in reference_text.starts_ms
    ]
    return Comparison(
        edit_rate=suber.subtitle_edit_rate(candidate, reference, is_spaced=is_spaced),
        cue_f1=_f1(candidate_text.cue_ends, reference_text.cue_ends, pairs),
        line_f1=_f1(candidate_text.line_ends, reference_text.line_ends, pairs),
        break_f1=_f1(
            candidate_text.line_ends | candidate_text.cue_ends,
            reference_text.line_ends | reference_text.cue_ends,
            pairs,
        ),
        n_starts=len(shifts),
        shift_ms=statistics.median(shifts) if shifts else None,
        absolute_shift_ms=statistics.median(map(abs, shifts)) if shifts else None,
        near_share=sum(abs(shift) <= _NEAR_MS for shift in shifts) / len(shifts) if shifts else None,
    )


def _words(captions: Sequence[Caption], *, is_spaced: bool) -> _Words:
    text = _Words([], set(), set(), {})
    for caption in sorted(captions, key=lambda caption: caption.start_ms):
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


def _f1(candidate_ends: set[int], reference_ends: set[int], pairs: dict[int, int]) -> float:
    """Return the harmonic mean of precision and recall; 1 if both sets are empty."""
    if not candidate_ends and not reference_ends:
        return 1.0
    n_right = sum(pairs.get(place) in reference_ends for place in candidate_ends)
    return 2 * n_right / (len(candidate_ends) + len(reference_ends))


def match(candidate: Sequence[str], reference: Sequence[str]) -> dict[int, int]:
    """Return the indices of equal words in both texts, in order; other words are left out."""
    pairs: dict[int, int] = {}
    edges = [(0, 0), *_anchors(candidate, reference), (len(candidate), len(reference))]
    for (i, j), (next_i, next_j) in pairwise(edges):
        pairs |= {i + a: j + b for a, b in _between(candidate[i:next_i], reference[j:next_j])}
    return pairs


def _between(candidate: Sequence[str], reference: Sequence[str]) -> list[tuple[int, int]]:
    """Match the words between two anchors; a quarter of an hour without anchors is halved first."""
    if not candidate or not reference:
        return []
    if max(len(candidate), len(reference)) <= _MAX_WORDS:
        return suber.aligned(candidate, reference)
    i, j = len(candidate) // 2, len(reference) // 2
    return [
        *_between(candidate[:i], reference[:j]),
        *((i + a, j + b) for a, b in _between(candidate[i:], reference[j:])),
    ]


def _anchors(candidate: Sequence[str], reference: Sequence[str]) -> list[tuple[int, int]]:
    """Return anchors: the longest ordered list of runs of words that are unique in both texts."""
    candidate_runs, reference_runs = _unique_runs(candidate), _unique_runs(reference)
    common = sorted(
        (candidate_runs[run], reference_runs[run]) for run in candidate_runs.keys() & reference_runs.keys()
    )
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
