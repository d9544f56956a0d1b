"""Interpolated times for words without aligned ones: by spoken length, inside the speech, around its pauses.

In go the words' lengths and the speech spans; out come times, which are estimates and must be marked as such.
Never depends on a language or an aligner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from qasr_cli.records import Span

# Speakers pause at punctuation. A silence in the middle of a phrase costs as much as being 300 ms off, about
# a word: words are moved over the silence that far to bring it to a full stop or comma, and no farther.
_MID_PHRASE_MS = 300


@dataclass(frozen=True, slots=True)
class SpokenLength:
    """The spoken length of one word, and of the pause after it, both in letters."""

    letters: int
    pause: int = 0


def interpolate(lengths: Sequence[SpokenLength], speech: Sequence[Span]) -> list[tuple[int, int]]:
    """Return start and end of each word in milliseconds, in order, none across a silence.

    Words are assigned to the spans so that the pace differs least and silences follow punctuation; within a
    span each gets time by its letters. With more words than milliseconds some are empty.

    Args:
        lengths: Lengths of the words, in order.
        speech: Ordered, disjoint spans; at least one.
    """
    times: list[tuple[int, int]] = []
    for span, (first, last) in zip(speech, _assign_words(lengths, speech), strict=True):
        group = lengths[first:last]
        passed = [0, *accumulate(length.letters + length.pause for length in group)]
        # the pause after the last word is the silence behind the span
        total = passed[-1] - group[-1].pause if group else 0
        for length, before in zip(group, passed[:-1], strict=True):
            start_ms = span.start_ms + before * span.duration_ms // total
            times.append((start_ms, span.start_ms + (before + length.letters) * span.duration_ms // total))
    return times


def clip_speech(speech: Sequence[Span], start_ms: int, end_ms: int) -> tuple[Span, ...]:
    """Return the speech in `[start_ms, end_ms)`; the whole range if there is none."""
    end_ms = max(end_ms, start_ms + 1)
    inside = tuple(
        Span(max(span.start_ms, start_ms), min(span.end_ms, end_ms))
        for span in speech
        if span.start_ms < end_ms and span.end_ms > start_ms
    )
    return inside or (Span(start_ms, end_ms),)


def _assign_words(lengths: Sequence[SpokenLength], speech: Sequence[Span]) -> list[tuple[int, int]]:
    """Return the words `[first, last)` of each span, by an exact dynamic programme over spans and words.

    Costs are milliseconds: the difference between a span and its words at the common pace, and the penalty
    of a silence in the middle of a phrase.
    """
    n_words = len(lengths)
    if len(speech) == 1:
        return [(0, n_words)]
    expected_ms = np.array([0, *accumulate(length.letters for length in lengths)], dtype=np.float64)
    expected_ms *= sum(span.duration_ms for span in speech) / max(expected_ms[-1], 1.0)
    is_inside = [0 < last < n_words and not lengths[last - 1].pause for last in range(n_words + 1)]
    penalty = np.array(is_inside) * 2 * _MID_PHRASE_MS  # a word that moves is counted in both spans
    # rows: the first word of the span's group; columns: the first after it; an empty group breaks no phrase
    needed = expected_ms[None, :] - expected_ms[:, None]
    breaking = np.where(np.eye(n_words + 1, dtype=bool), 0, penalty[None, :])
    best = np.full(n_words + 1, np.inf)
    best[0] = 0.0
    origins: list[np.ndarray] = []
    for span in speech:
        cost = best[:, None] + np.abs(needed - span.duration_ms) + breaking
        cost[needed < 0] = np.inf
        origins.append(cost.argmin(axis=0))
        best = cost.min(axis=0)
    groups: list[tuple[int, int]] = []
    last = n_words
    for origin in reversed(origins):
        groups.append((int(origin[last]), last))
        last = groups[-1][0]
    return groups[::-1]
