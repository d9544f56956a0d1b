"""Times for display words: from the aligner's units where there are some, estimated where there are none.

In go words and a chunk; out come `Word` records in container time, inside the chunk, in order, none of them
empty. Every word says whether its time was measured, mended or estimated.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np

from qasr_cli.records import Chunk, Span, Timing, Word
from qasr_cli.speech.align import UnitTime
from qasr_cli.speech.words import DisplayWord, weights
from qasr_cli.timebase import samples_to_ms

# A word that lasts longer has swallowed a pause: a second and a bit, or a quarter second a letter.
_LONGEST_WORD_MS = 1_200
_LONGEST_LETTER_MS = 250


def duration_ms(samples: np.ndarray) -> int:
    """Return the length of `float32[n_samples]` in milliseconds, rounded up."""
    return samples_to_ms(len(samples))


def from_units(shown: Sequence[DisplayWord], times: Sequence[UnitTime], chunk: Chunk) -> tuple[Word, ...]:
    """Return the words of a chunk with the times of their units; `times` covers all units in order."""
    timed: list[Word] = []
    position = 0
    for word in shown:
        mine = times[position : position + len(word.units)]
        position += len(word.units)
        start_ms, end_ms = chunk.start_ms + mine[0].start_ms, chunk.start_ms + mine[-1].end_ms
        kind = max((unit.timing for unit in mine), key=list(Timing).index)
        longest_ms = max(_LONGEST_WORD_MS, _LONGEST_LETTER_MS * len(word.text))
        if end_ms - start_ms > longest_ms:
            end_ms, kind = start_ms + longest_ms, Timing.REPAIRED
        known = [unit.confidence for unit in mine if unit.confidence is not None]
        timed.append(Word(word.lead, word.text, start_ms, end_ms, kind, min(known, default=None)))
    return _in_order(timed, chunk)


def spread(shown: Sequence[DisplayWord], chunk: Chunk) -> tuple[Word, ...]:
    """Return the words spread over the chunk's speech by their length, skipping its silences; an estimate."""
    speech = chunk.speech or (Span(chunk.start_ms, chunk.end_ms),)
    passed = [0, *accumulate(weights(shown))]
    total_ms = sum(span.duration_ms for span in speech)
    edges = [weight * total_ms // passed[-1] for weight in passed]
    times = [
        (_at(speech, start, is_end=False), _at(speech, end, is_end=True)) for start, end in pairwise(edges)
    ]
    timed = [
        Word(word.lead, word.text, *time, Timing.INTERPOLATED)
        for word, time in zip(shown, times, strict=True)
    ]
    return _in_order(timed, chunk)


def _at(speech: Sequence[Span], spoken_ms: int, *, is_end: bool) -> int:
    """Return the container time at which `spoken_ms` of the speech have passed.

    Between two spans a word ends before the silence and the next begins after it.
    """
    passed = [0, *accumulate(span.duration_ms for span in speech)]
    index = bisect_right(passed, spoken_ms - is_end) - 1
    index = min(max(index, 0), len(speech) - 1)
    return speech[index].start_ms + spoken_ms - passed[index]


def _in_order(timed: Sequence[Word], chunk: Chunk) -> tuple[Word, ...]:
    """Keep every word inside the chunk, after the one before it, and at least a millisecond long.

    A chunk with more words than milliseconds cannot be: models write at most a dozen words a second.
    """
    words: list[Word] = []
    earliest_ms = chunk.start_ms
    for index, word in enumerate(timed):
        latest_ms = chunk.end_ms - (len(timed) - index)  # leaves a millisecond for each word to come
        start_ms = max(min(max(word.start_ms, earliest_ms), latest_ms), chunk.start_ms)
        end_ms = max(min(word.end_ms, latest_ms + 1), start_ms + 1)
        kind = word.timing
        if (start_ms, end_ms) != (word.start_ms, word.end_ms) and kind is Timing.ALIGNED:
            kind = Timing.REPAIRED
        words.append(Word(word.lead, word.text, start_ms, end_ms, kind, word.confidence))
        earliest_ms = end_ms
    return tuple(words)
