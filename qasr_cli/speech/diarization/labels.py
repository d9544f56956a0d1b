"""A speaker for each word, and segments that end where the speaker changes.

In go the similarity of each word to each voice; out come labels, numbered as the speakers first appear, and
segments with them. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from qasr_cli.records import Segment, Word

_CHANGE = (
    0.3  # similarity that a change of the speaker must gain; between two voices it differs by about as much
)
_CHANGE_AT_PAUSE = 0.1  # the same at a pause, where turns mostly begin
_PAUSE_MS = 150


def smoothed(similarity: np.ndarray, words: Sequence[Word]) -> list[int]:
    """Return the voice of each word: the likeliest sequence in which a change has a price (Viterbi 1967).

    Args:
        similarity: `float32[n_words, n_voices]`, cosines.
        words: The words, whose pauses make a change cheaper.
    """
    if not len(similarity):
        return []
    best, behind = similarity[0].astype(np.float64), []
    for index in range(1, len(similarity)):
        pause_ms = words[index].start_ms - words[index - 1].end_ms
        price = _CHANGE_AT_PAUSE if pause_ms >= _PAUSE_MS else _CHANGE
        leader = int(np.argmax(best))
        is_kept = best >= best[leader] - price
        behind.append(np.where(is_kept, np.arange(len(best)), leader))
        best = np.where(is_kept, best, best[leader] - price) + similarity[index]
    path = [int(np.argmax(best))]
    for step in reversed(behind):
        path.append(int(step[path[-1]]))
    return path[::-1]


def named(voices: Sequence[int]) -> list[str]:
    """Return a label for each word: `S1` is who speaks first, then `S2` and so on."""
    numbers = {voice: number for number, voice in enumerate(dict.fromkeys(voices), 1)}
    return [f"S{numbers[voice]}" for voice in voices]


def split_at_turns(segments: Sequence[Segment], labels: Sequence[str]) -> tuple[Segment, ...]:
    """Return the segments with a label for each word, split so that each has one speaker.

    The parts of a segment have its language and flags. Values of detectors are of the whole chunk, and go
    to the first part, so that each chunk counts once.

    Args:
        segments: In order.
        labels: One for each word of all segments.
    """
    remaining = iter(labels)
    parts: list[Segment] = []
    for segment in segments:
        words = [replace(word, speaker=next(remaining)) for word in segment.words]
        parts += _split(segment, [list(turn) for _, turn in groupby(words, key=lambda word: word.speaker)])
    return tuple(parts)


def _split(segment: Segment, turns: list[list[Word]]) -> list[Segment]:
    parts, n_words = [], 0
    for turn in turns:
        parts.append(part_of(segment, tuple(turn), n_words))
        n_words += len(turn)
    return parts or [segment]


def part_of(segment: Segment, words: tuple[Word, ...], first: int) -> Segment:
    """Return the part of a segment that has `words`, the first of which is its word `first`.

    A part has no space in front of its first word. The first and the last part end where the segment does.
    """
    is_last = first + len(words) == len(segment.words)
    start_ms = words[0].start_ms if first else segment.start_ms
    end_ms = segment.end_ms if is_last else words[-1].end_ms
    own = (replace(words[0], lead="" if first else words[0].lead), *words[1:])
    return replace(
        segment,
        start_ms=start_ms,
        end_ms=max(start_ms, end_ms),
        text="".join(word.lead + word.text for word in own),
        words=own,
        detectors={} if first else segment.detectors,
    )
