"""Chunking: cuts speech into the chunks that the model recognises in one piece.

In go speech spans and the detector's probabilities; out come chunks. Never cuts inside speech if there is a
pause, never makes a chunk longer than its limit, never leaves speech out.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from qasr_cli.options import ChunkOptions
from qasr_cli.records import Chunk, Span
from qasr_cli.speech.audio.vad import FRAME_MS, SpeechMap

_SMOOTH_FRAMES = 5  # 160 ms: a dip shorter than this is a stop consonant, not a pause
_SHORTEST_MS = 1_000  # models recognize less of a shorter chunk than of the same speech with its neighbour


def plan(source_id: int, speech: SpeechMap, options: ChunkOptions) -> tuple[Chunk, ...]:
    """Return the chunks of a waveform: ordered, disjoint, within the limit, covering every speech span.

    Silence longer than `max_gap_ms` always ends a chunk. Otherwise speech is packed until nothing more fits,
    and cut at the longest pause past the target length.
    """
    spans = [short for span in speech.spans for short in _split_long(span, speech.probs, options)]
    chunks: list[Chunk] = []
    for group in _pack(spans, options):
        start_ms, end_ms = group[0].start_ms, group[-1].end_ms
        clear_ms = speech.clear_ms(start_ms, end_ms)
        chunks.append(Chunk(source_id, len(chunks), start_ms, end_ms, _join(group), clear_ms))
    return tuple(chunks)


def within(speech: SpeechMap, spans: Sequence[Span]) -> SpeechMap:
    """Return the speech map of a waveform of which only some spans count, ordered and disjoint."""
    clipped = [part for span in spans for part in _clipped(speech.spans, span)]
    return replace(speech, spans=tuple(clipped))


def _clipped(spans: Sequence[Span], whole: Span) -> Iterator[Span]:
    """Yield the parts of ordered, disjoint spans that are in another one."""
    # A search, because a day of meetings has thousands of segments and more spans of speech
    at = bisect.bisect_right(spans, whole.start_ms, key=lambda one: one.end_ms)
    while at < len(spans) and spans[at].start_ms < whole.end_ms:
        yield Span(max(spans[at].start_ms, whole.start_ms), min(spans[at].end_ms, whole.end_ms))
        at += 1


def plan_spans(
    source_id: int, spans: Sequence[Span], speech: SpeechMap, options: ChunkOptions
) -> tuple[Chunk, ...]:
    """Return one chunk for each given span, with its silence; ordered and disjoint as the spans are.

    A span that is longer than the limit is cut as `plan` cuts speech. What is behind the end of the waveform
    is left out.

    Args:
        source_id: The chunks' source.
        spans: What somebody else has cut, such as the segments of a reference.
        speech: Speech map of the waveform, `within` the spans.
        options: Limit of a chunk.
    """
    chunks: list[Chunk] = []
    for given in spans:
        if given.start_ms >= speech.duration_ms:
            continue
        span = Span(given.start_ms, min(given.end_ms, speech.duration_ms))
        inside = within(speech, [span])
        parts: Sequence[Chunk] = [Chunk(source_id, 0, span.start_ms, span.end_ms, inside.spans)]
        if span.duration_ms > options.max_ms:
            parts = plan(source_id, inside if inside.spans else replace(inside, spans=(span,)), options)
        for one in parts:
            clear_ms = speech.clear_ms(one.start_ms, one.end_ms)
            chunks.append(replace(one, index=len(chunks), clear_ms=clear_ms))
    return tuple(chunks)


def halve(chunk: Chunk, speech: SpeechMap) -> tuple[Chunk, Chunk] | None:
    """Return a chunk in two parts, cut at its longest pause away from its ends; None if it is too short.

    Without a pause the cut is at the lowest speech probability.
    """
    margin_ms = max(_SHORTEST_MS, chunk.duration_ms // 4)
    earliest_ms, latest_ms = chunk.start_ms + margin_ms, chunk.end_ms - margin_ms
    if earliest_ms > latest_ms:
        return None
    pauses = [
        (after.start_ms - before.end_ms, before.end_ms, after.start_ms)
        for before, after in pairwise(chunk.speech)
        if earliest_ms <= before.end_ms and after.start_ms <= latest_ms
    ]
    cut_ms = quietest(speech.probs, earliest_ms, latest_ms)
    _, end_ms, start_ms = max(pauses, default=(0, cut_ms, cut_ms))
    return part(chunk, speech, chunk.start_ms, end_ms), part(chunk, speech, start_ms, chunk.end_ms)


def part(chunk: Chunk, speech: SpeechMap, start_ms: int, end_ms: int) -> Chunk:
    """Return `[start_ms, end_ms)` of a chunk as a separate chunk, with the speech in it."""
    clipped = (
        (max(span.start_ms, start_ms), min(span.end_ms, end_ms))
        for span in chunk.speech
        if span.start_ms < end_ms and start_ms < span.end_ms
    )
    spans = tuple(Span(*edges) for edges in clipped)
    return Chunk(chunk.source_id, chunk.index, start_ms, end_ms, spans, speech.clear_ms(start_ms, end_ms))


def _split_long(span: Span, probs: np.ndarray, options: ChunkOptions) -> Iterator[Span]:
    """Yield the span in parts within the limit, cut at the lowest speech probability."""
    start_ms = span.start_ms
    while span.end_ms - start_ms > options.max_ms:
        earliest_ms = start_ms + min(options.target_ms, options.max_ms - FRAME_MS)
        # The rest must not become a fragment: it has at least a second if the limit allows.
        latest_ms = min(start_ms + options.max_ms, max(span.end_ms - _SHORTEST_MS, earliest_ms + FRAME_MS))
        cut_ms = quietest(probs, earliest_ms, latest_ms)
        yield Span(start_ms, cut_ms)
        start_ms = cut_ms
    yield Span(start_ms, span.end_ms)


def quietest(probs: np.ndarray, earliest_ms: int, latest_ms: int) -> int:
    """Return the time in `[earliest_ms, latest_ms]` least likely to be speech, the later of equals."""
    first, last = -(-earliest_ms // FRAME_MS), latest_ms // FRAME_MS
    margin = _SMOOTH_FRAMES // 2
    around = probs[max(0, first - margin) : last + margin + 1]
    if last <= first or len(around) < _SMOOTH_FRAMES:
        return latest_ms
    smooth = np.convolve(around, np.full(_SMOOTH_FRAMES, 1 / _SMOOTH_FRAMES), mode="same")
    inside = smooth[first - max(0, first - margin) :][: last - first + 1]
    best = len(inside) - 1 - int(np.argmin(inside[::-1]))
    return min(max((first + best) * FRAME_MS + FRAME_MS // 2, earliest_ms), latest_ms)


def _pack(spans: Sequence[Span], options: ChunkOptions) -> Iterator[Sequence[Span]]:
    first = 0
    while first < len(spans):
        last = _reach(spans, first, options)
        fits_all = last + 1 == len(spans) or _gap_ms(spans, last) > options.max_gap_ms
        end = last if fits_all else _best_cut(spans, first, last, options)
        yield spans[first : end + 1]
        first = end + 1


def _reach(spans: Sequence[Span], first: int, options: ChunkOptions) -> int:
    """Return the last span that still fits into a chunk that starts with `first`."""
    last = first
    while (
        last + 1 < len(spans)
        and _gap_ms(spans, last) <= options.max_gap_ms
        and spans[last + 1].end_ms - spans[first].start_ms <= options.max_ms
    ):
        last += 1
    return last


def _best_cut(spans: Sequence[Span], first: int, last: int, options: ChunkOptions) -> int:
    """Return the span after which the pause is longest, among those past the target, the later of equals.

    A cut that leaves a fragment on either side is the last choice.
    """
    start_ms = spans[first].start_ms
    good = [
        index
        for index in range(first, last + 1)
        if spans[index].end_ms - start_ms >= _SHORTEST_MS and not _leaves_fragment(spans, index, options)
    ]
    past_target = [index for index in good if spans[index].end_ms - start_ms >= options.target_ms]
    if past_target:
        return max(past_target, key=lambda index: (_gap_ms(spans, index), index))
    return good[-1] if good else last


def _leaves_fragment(spans: Sequence[Span], index: int, options: ChunkOptions) -> bool:
    """Whether a long silence follows so soon after the cut that too little speech is in between."""
    begin_ms = spans[index + 1].start_ms
    for after in range(index + 1, len(spans)):
        if spans[after].end_ms - begin_ms >= _SHORTEST_MS:
            return False
        if after + 1 < len(spans) and _gap_ms(spans, after) > options.max_gap_ms:
            break
    return True


def _gap_ms(spans: Sequence[Span], index: int) -> int:
    return spans[index + 1].start_ms - spans[index].end_ms


def _join(group: Sequence[Span]) -> tuple[Span, ...]:
    """Return the speech spans of a chunk, with the parts of a long span joined again."""
    joined: list[Span] = []
    for span in group:
        if joined and joined[-1].end_ms == span.start_ms:
            joined[-1] = Span(joined[-1].start_ms, span.end_ms)
        else:
            joined.append(span)
    return tuple(joined)
