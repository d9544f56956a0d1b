"""Coverage: speech without words, and segments inserted between the others.

In go a source's segments and its speech map; out come gaps, or segments with others in between. Only clear
speech counts, and words with interpolated times cover all of their chunk's speech, so that no gap is reported
without evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from qasr_cli.options import ChunkOptions
from qasr_cli.records import Segment, Span, Word
from qasr_cli.speech.alignment import interpolation
from qasr_cli.speech.audio import chunking
from qasr_cli.speech.audio.vad import SpeechMap

_MARGIN_MS = 200  # around a word: its first and last sounds, and the padding of a speech span
_CLEAR_SHARE = 0.5  # share of a gap that must be clear speech
_MIN_WORDLESS_MS = 500  # of clear speech: less is the end of a word


def find_gaps(segments: Sequence[Segment], speech: SpeechMap, min_ms: int) -> list[Span]:
    """Return the stretches of clear speech without words, each at least `min_ms` long, in order."""
    covered = [
        (word.start_ms - _MARGIN_MS, word.end_ms + _MARGIN_MS)
        for segment in segments
        for word in segment.words
    ]
    gaps: list[Span] = []
    first = 0
    for span in speech.spans:
        while first < len(covered) and covered[first][1] <= span.start_ms:
            first += 1
        gaps += _uncovered(span, covered, first, min_ms)
    return [gap for gap in gaps if _is_clear(gap, speech)]


def has_gap(words: Sequence[Word], spans: Sequence[Span], min_ms: int) -> bool:
    """Whether speech of at least `min_ms` has no words, clear or not."""
    covered = [(word.start_ms - _MARGIN_MS, word.end_ms + _MARGIN_MS) for word in words]
    return any(any(_uncovered(span, covered, 0, min_ms)) for span in spans)


def _uncovered(span: Span, covered: Sequence[tuple[int, int]], first: int, min_ms: int) -> Iterator[Span]:
    """Yield the parts of a span that no interval from the `first` on covers."""
    begin_ms = span.start_ms
    while first < len(covered) and covered[first][0] < span.end_ms:
        start_ms, end_ms = covered[first]
        if start_ms - begin_ms >= min_ms:
            yield Span(begin_ms, start_ms)
        begin_ms = max(begin_ms, end_ms)
        first += 1
    if span.end_ms - begin_ms >= min_ms:
        yield Span(begin_ms, span.end_ms)


def _is_clear(gap: Span, speech: SpeechMap) -> bool:
    return speech.clear_ms(gap.start_ms, gap.end_ms) >= _CLEAR_SHARE * gap.duration_ms


def join_spans(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Return the same time as ordered, disjoint spans."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start_ms):
        if joined and span.start_ms <= joined[-1].end_ms:
            joined[-1] = Span(joined[-1].start_ms, max(joined[-1].end_ms, span.end_ms))
        else:
            joined.append(span)
    return tuple(joined)


def insert(segments: Sequence[Segment], new: Segment) -> list[Segment]:
    """Return the segments with a new one among them; a segment that contains it is split."""
    split: list[Segment] = []
    for segment in segments:
        if segment.end_ms <= new.start_ms or new.end_ms <= segment.start_ms:
            split.append(segment)
        else:
            split += _around(segment, new)
    return sorted([*split, new], key=lambda segment: segment.start_ms)


def _around(segment: Segment, new: Segment) -> Iterator[Segment]:
    before = [word for word in segment.words if word.start_ms < new.start_ms]
    after = segment.words[len(before) :]
    if before:
        yield _part(segment, segment.start_ms, new.start_ms, before)
    if after:
        yield _part(segment, new.end_ms, segment.end_ms, after)


def _part(segment: Segment, start_ms: int, end_ms: int, words: Sequence[Word]) -> Segment:
    part_words = (replace(words[0], lead=""), *words[1:])
    text = "".join(word.lead + word.text for word in part_words)
    return replace(segment, start_ms=start_ms, end_ms=end_ms, text=text, words=part_words)


def add_wordless_segments(
    segments: Sequence[Segment], speech: SpeechMap, language: str | None
) -> tuple[Segment, ...]:
    """Return the segments with an empty one for each chunk of clear speech that none of them covers.

    A script may have words for these. Segments with words stay as they are.

    Args:
        segments: Segments in the order of time.
        speech: Speech map of the whole source.
        language: Code for the new segments, or None.
    """
    edges = [
        (0, 0),
        *((segment.start_ms, segment.end_ms) for segment in segments),
        (speech.duration_ms, speech.duration_ms),
    ]
    holes = [(end_ms, start_ms) for (_, end_ms), (start_ms, _) in pairwise(edges)]
    wordless = [segment for hole in holes for segment in _wordless(*hole, speech, language)]
    return tuple(sorted([*segments, *wordless], key=lambda segment: segment.start_ms))


def _wordless(start_ms: int, end_ms: int, speech: SpeechMap, language: str | None) -> Iterator[Segment]:
    if end_ms <= start_ms or speech.clear_ms(start_ms, end_ms) < _MIN_WORDLESS_MS:
        return
    hole = replace(speech, spans=interpolation.clip_speech(speech.spans, start_ms, end_ms))
    for chunk in chunking.plan(0, hole, ChunkOptions()):
        if chunk.clear_ms >= _MIN_WORDLESS_MS:
            yield Segment(chunk.start_ms, chunk.end_ms, language, "", ())
