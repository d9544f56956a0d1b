"""Answers from transcripts by qasr.

In go a transcript and the span that an utterance was cut at; out comes the answer: the text, words and
segments inside. Segments belong to the span that holds their middle: a chunk never crosses a span that it was
cut at, but words that are found later may lie on an edge.
"""

from __future__ import annotations

from collections.abc import Sequence

from qasr_cli import languages
from qasr_cli.evaluation.utterances import Answer, TimedWord, Turn, timed_words
from qasr_cli.records import Segment, Span, Transcript, longest_language

_EMPTY = "empty"  # `hallucination.Flag.EMPTY`, which no segment has


def answer_of(transcript: Transcript, span: Span | None = None) -> Answer:
    """Return the answer to an utterance; without a span, to the whole recording."""
    segments = [segment for segment in transcript.segments if span is None or _is_inside(segment, span)]
    language = longest_language(segments)
    words = timed_words(segments)
    return Answer(
        text=_joined(segments, language),
        language=language,
        words=words,
        turns=tuple(_turns(words)),
        segments=tuple(segments),
        flags=_flags(segments, transcript, span),
    )


def _flags(segments: Sequence[Segment], transcript: Transcript, span: Span | None) -> tuple[str, ...]:
    """Return the flags of segments; without any, whether there is speech nevertheless."""
    if segments:
        return tuple(dict.fromkeys(flag for segment in segments for flag in segment.flags))
    is_missed = any(
        span is None or (missed.start_ms < span.end_ms and span.start_ms < missed.end_ms)
        for missed in transcript.uncovered
    )
    return (_EMPTY,) if is_missed else ()


def _is_inside(segment: Segment, span: Span) -> bool:
    return span.start_ms <= (segment.start_ms + segment.end_ms) // 2 < span.end_ms


def _joined(segments: Sequence[Segment], language: str | None) -> str:
    entry = languages.find(language) if language else None
    if entry is None or entry.is_spaced:
        return " ".join(segment.text for segment in segments)
    return languages.joined(segment.text for segment in segments)


def _turns(words: Sequence[TimedWord]) -> list[Turn]:
    """Return the stretches of one speaker; none if speakers are not told apart."""
    turns: list[Turn] = []
    for word in words:
        if not word.speaker:
            continue
        if turns and turns[-1].speaker == word.speaker:
            before = turns[-1]
            text = languages.joined((before.text, word.text))
            turns[-1] = Turn(word.speaker, before.start_ms, max(before.end_ms, word.end_ms), text)
        else:
            turns.append(Turn(word.speaker, word.start_ms, word.end_ms, word.text))
    return turns
