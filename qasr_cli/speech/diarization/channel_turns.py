"""Segments of several channels as one conversation.

In go segments on a waveform in which the channels follow each other; out come segments on the clock of the
recording, with a speaker for each channel, in order of their starts. Who talks at the same time overlaps: a
segment is cut where another channel begins to speak, and no word is lost or moved. Pure.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from qasr_cli.options import MAX_SPEAKERS
from qasr_cli.records import Segment, Word
from qasr_cli.speech.diarization.labels import part_of

_PAUSE_MS = 500  # ends an utterance; another channel's may come before the next one
_SENTENCE_ENDS = (".", "?", "!", "…", "。", "？", "！", "؟", "।")


@dataclass(frozen=True, slots=True)
class _Utterance:
    """A sentence, or words without a pause between them, on the recording's clock."""

    segment: int
    channel: int
    words: tuple[Word, ...]

    @property
    def start_ms(self) -> int:
        return self.words[0].start_ms


def merge(segments: Sequence[Segment], pitch_ms: int) -> tuple[Segment, ...]:
    """Return the segments of all channels in order of time; channel 0 is speaker `S1`.

    Args:
        segments: In order; channel k is in `[k * pitch_ms, (k + 1) * pitch_ms)`.
        pitch_ms: From the begin of one channel to that of the next.
    """
    channels = [(segment.start_ms + segment.end_ms) // 2 // pitch_ms for segment in segments]
    on_clock = [
        _shifted(segment, channel, pitch_ms) for segment, channel in zip(segments, channels, strict=True)
    ]
    utterances = [
        utterance
        for number, segment in enumerate(on_clock)
        for utterance in _utterances(segment, number, channels[number])
    ]
    starts = sorted((utterance.start_ms, utterance.channel) for utterance in utterances)
    cut = [part for utterance in utterances for part in _cut(utterance, starts)]
    cut.sort(key=lambda part: (part.start_ms, part.channel))
    n_words = [0] * len(segments)
    merged: list[Segment] = []
    for number, group in groupby(cut, key=lambda part: part.segment):
        words = tuple(word for part in group for word in part.words)
        first = n_words[number]
        n_words[number] += len(words)
        merged.append(part_of(on_clock[number], words, first))
    return tuple(merged)


def _shifted(segment: Segment, channel: int, pitch_ms: int) -> Segment:
    offset_ms = channel * pitch_ms
    words = tuple(
        replace(
            word,
            start_ms=max(0, word.start_ms - offset_ms),
            end_ms=max(0, word.end_ms - offset_ms),
            speaker=f"S{channel + 1}",
        )
        for word in segment.words
    )
    start_ms, end_ms = max(0, segment.start_ms - offset_ms), segment.end_ms - offset_ms
    return replace(segment, start_ms=start_ms, end_ms=end_ms, words=words)


def _utterances(segment: Segment, number: int, channel: int) -> list[_Utterance]:
    """Return a segment cut at its pauses and behind its sentences."""
    words = segment.words
    starts = [0] if words else []
    for index, (before, word) in enumerate(pairwise(words), 1):
        if word.start_ms - before.end_ms >= _PAUSE_MS or before.text.endswith(_SENTENCE_ENDS):
            starts.append(index)
    ends = [*starts[1:], len(words)]
    return [_Utterance(number, channel, words[first:last]) for first, last in zip(starts, ends, strict=True)]


def _cut(utterance: _Utterance, all_starts: Sequence[tuple[int, int]]) -> list[_Utterance]:
    """Return an utterance cut in front of the first word behind each start of another channel.

    `all_starts` are the starts of all utterances with their channels, in order.
    """
    starts = [word.start_ms for word in utterance.words]
    first, last = (bisect.bisect(all_starts, (edge_ms, MAX_SPEAKERS)) for edge_ms in (starts[0], starts[-1]))
    others = [start_ms for start_ms, channel in all_starts[first:last] if channel != utterance.channel]
    places = sorted({bisect.bisect_left(starts, start_ms) for start_ms in others})
    edges = [0, *places, len(starts)]
    return [replace(utterance, words=utterance.words[begin:end]) for begin, end in pairwise(edges)]
