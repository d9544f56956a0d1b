"""Stretches of speech without a long pause, and the windows in them whose voices are compared.

In go words with times; out come spans of audio and windows in milliseconds. Pure: never reads audio.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qasr_cli.records import Word

_PAUSE_MS = 500  # ends a stretch
_LONGEST_MS = 10_000  # of a stretch: its frames are computed in one piece
_MARGIN_MS = 100  # around a stretch: an aligner's times are off by about as much
_WINDOW_MS, _HOP_MS = 1_500, 750  # as in the literature; half of a window has a new voice at most once
_WORD_WINDOW_MS = 1_000  # around the middle of a word: less says little about a voice, more is of others
_CLUSTERED_MS = 800  # shorter windows get a cluster and make none


@dataclass(frozen=True, slots=True)
class Stretch:
    """Words without a long pause between them.

    Attributes:
        start_ms: Start of its audio.
        end_ms: End of its audio.
        words: `[first, last)` of all words.
    """

    start_ms: int
    end_ms: int
    words: tuple[int, int]


def find(words: Sequence[Word], duration_ms: int) -> list[Stretch]:
    """Return the stretches of a recording of `duration_ms`, in order; every word is in one."""
    starts = [
        index
        for index, word in enumerate(words)
        if index == 0 or word.start_ms - words[index - 1].end_ms >= _PAUSE_MS
    ]
    parts: list[tuple[int, int]] = []
    for first, last in zip(starts, [*starts[1:], len(words)], strict=True):
        parts += _pieces(words, first, last)
    return [_stretch(words, first, last, duration_ms) for first, last in parts]


def _pieces(words: Sequence[Word], first: int, last: int) -> list[tuple[int, int]]:
    """Return a run of words in pieces of at most `_LONGEST_MS`, cut at the longest pauses in their middle."""
    done, pending = [], [(first, last)]
    while pending:
        begin, end = pending.pop()
        start_ms, length_ms = words[begin].start_ms, words[end - 1].end_ms - words[begin].start_ms
        if length_ms <= _LONGEST_MS or end - begin == 1:
            done.append((begin, end))
            continue
        inner = range(begin + 1, end)
        middle = [
            index for index in inner if length_ms <= 4 * (words[index].start_ms - start_ms) <= 3 * length_ms
        ]
        cut = max(
            middle or [(begin + end) // 2], key=lambda index: words[index].start_ms - words[index - 1].end_ms
        )
        pending += [(cut, end), (begin, cut)]
    return done


def _stretch(words: Sequence[Word], first: int, last: int, duration_ms: int) -> Stretch:
    """Return the stretch of the words `[first, last)`, never empty and inside the recording."""
    start_ms = max(0, min(words[first].start_ms - _MARGIN_MS, duration_ms - _MARGIN_MS))
    end_ms = max(word.end_ms for word in words[first:last]) + _MARGIN_MS
    return Stretch(start_ms, max(start_ms + _MARGIN_MS, min(end_ms, duration_ms)), (first, last))


def voice_windows(stretch: Stretch) -> np.ndarray:
    """Return the windows of a stretch that make clusters, `int64[n, 2]` in milliseconds from its start."""
    length_ms = stretch.end_ms - stretch.start_ms
    if length_ms < _CLUSTERED_MS:
        return np.zeros((0, 2), dtype=np.int64)
    window_ms = min(_WINDOW_MS, length_ms)
    n_windows = 1 + -(-(length_ms - window_ms) // _HOP_MS)
    starts = np.linspace(0, length_ms - window_ms, n_windows).round().astype(np.int64)
    return np.stack((starts, starts + window_ms), axis=1)


def word_windows(stretch: Stretch, words: Sequence[Word]) -> np.ndarray:
    """Return the window around each word of a stretch, `int64[n_words, 2]` in milliseconds from its start."""
    length_ms = stretch.end_ms - stretch.start_ms
    own = words[slice(*stretch.words)]
    middle = np.array([(word.start_ms + word.end_ms) // 2 - stretch.start_ms for word in own], dtype=np.int64)
    starts = np.clip(middle - _WORD_WINDOW_MS // 2, 0, max(0, length_ms - _WORD_WINDOW_MS))
    return np.stack((starts, np.minimum(starts + _WORD_WINDOW_MS, length_ms)), axis=1)
