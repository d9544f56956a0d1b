"""Review of whole sources, once every chunk was recognized.

In go recognized sources; out come their final segments, and the speech without words. The order is fixed:
flagged chunks are retried, short chunks in another language than the file's are recognized again in its
language, words are aligned, and clear speech without words is recognized once more. Each step takes all
sources at once, so that the few chunks of each file share their batches. The text so far is complete without
any of these steps: a failure is reported and changes nothing.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from qasr_cli.errors import QasrError
from qasr_cli.options import AlignOptions, DecodeOptions, GuardOptions
from qasr_cli.records import Chunk, Segment, Span
from qasr_cli.speech.audio import chunking
from qasr_cli.speech.fallback import coverage, language_vote
from qasr_cli.speech.fallback.retry_ladder import retry_flagged
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition import hallucination
from qasr_cli.speech.recognition.hallucination import Flag
from qasr_cli.speech.recognition.passes import (
    Contain,
    RecognitionRequest,
    RecognizedSource,
    align_all,
    describe,
    recognize_all,
)
from qasr_cli.speech.recognition.recognize import RecognizedChunk

# Share of the words, in order: a word wrong in one pass may be right in the next, and must not appear twice.
_SAME_SHARE = 0.7

Recognize = Callable[[Sequence[RecognitionRequest]], list[RecognizedChunk | QasrError]]


@dataclass(frozen=True, slots=True)
class ReviewedSource:
    """A source's text, final.

    Attributes:
        uncovered: Speech without words.
        failures: Errors of retries and of the aligner; the chunks concerned stay as they were.
    """

    segments: tuple[Segment, ...]
    uncovered: tuple[Span, ...] = ()
    failures: tuple[QasrError, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """The failures as warnings, one line for each kind."""
        return describe(self.failures)


def review(
    sources: Sequence[RecognizedSource],
    session: Session,
    decode: DecodeOptions,
    guard: GuardOptions,
    align: AlignOptions,
    contain: Contain,
) -> list[ReviewedSource]:
    """Return the final text of each source; the recognized sources themselves stay as they are.

    Raises:
        DeviceLostError: The device cannot compute anything more.
    """
    recognize = functools.partial(recognize_all, session=session, contain=contain)
    retried = retry_flagged(sources, session, decode, guard, contain)
    unified = _unify_language(retried, retried, recognize, decode, guard)
    aligned = align_all(unified, session, align, contain)
    fills = align_all(_recognize_gaps(aligned, recognize, decode, guard), session, align, contain)
    return [_conclude(source, fill, guard) for source, fill in zip(aligned, fills, strict=True)]


def _unify_language(
    sources: Sequence[RecognizedSource],
    voters: Sequence[RecognizedSource],
    recognize: Recognize,
    decode: DecodeOptions,
    guard: GuardOptions,
) -> list[RecognizedSource]:
    """Recognize short chunks in another language than their file's again, in the file's; use clean results.

    The source at the same position in `voters` decides the language of a file.
    """
    if decode.language:  # the user has chosen it
        return list(sources)
    requests: list[RecognitionRequest] = []
    origins: list[tuple[int, int]] = []
    for source_index, (source, voter) in enumerate(zip(sources, voters, strict=True)):
        language = language_vote.majority_language(voter.results)
        for chunk_index in language_vote.minority_results(source.results, voter.results, guard):
            options = replace(decode, language=language)
            requests.append(RecognitionRequest(source, source.results[chunk_index].chunk, options))
            origins.append((source_index, chunk_index))
    rows = [list(source.results) for source in sources]
    failures = [list(source.failures) for source in sources]
    for (source_index, chunk_index), result in zip(origins, recognize(requests), strict=True):
        if isinstance(result, QasrError):
            failures[source_index].append(result)
        elif _is_clean_text(result):
            rows[source_index][chunk_index] = result
    return [
        replace(source, results=tuple(row), failures=tuple(errors))
        for source, row, errors in zip(sources, rows, failures, strict=True)
    ]


def _recognize_gaps(
    sources: Sequence[RecognizedSource], recognize: Recognize, decode: DecodeOptions, guard: GuardOptions
) -> list[RecognizedSource]:
    """Recognize each source's clear speech without words, and return sources with the new results."""
    requests: list[RecognitionRequest] = []
    owners: list[int] = []
    for source_index, source in enumerate(sources):
        gaps = coverage.find_gaps(_segments(source), source.speech, guard.min_uncovered_ms)
        for chunk in _chunks_of(gaps, source, guard.min_uncovered_ms):
            requests.append(RecognitionRequest(source, chunk, replace(decode, context="")))
            owners.append(source_index)
    rows: list[list[RecognizedChunk]] = [[] for _ in sources]
    failures: list[list[QasrError]] = [[] for _ in sources]
    for source_index, result in zip(owners, recognize(requests), strict=True):
        if isinstance(result, QasrError):
            failures[source_index].append(result)
        elif _is_clean_text(result):
            rows[source_index].append(result)
    fills = [
        replace(source, results=tuple(row), failures=tuple(errors))
        for source, row, errors in zip(sources, rows, failures, strict=True)
    ]
    unified = _unify_language(fills, sources, recognize, decode, guard)
    return [
        replace(fill, results=tuple(_new_results(source, fill.results)))
        for source, fill in zip(sources, unified, strict=True)
    ]


def _is_clean_text(result: RecognizedChunk) -> bool:
    return bool(hallucination.normalized_tokens(result.hypothesis.text)) and not result.flags


def _new_results(source: RecognizedSource, fills: Sequence[RecognizedChunk]) -> Iterator[RecognizedChunk]:
    """Yield fills that do not repeat the words around them, whose times may be wrong."""
    for fill in fills:
        tokens = hallucination.normalized_tokens(fill.hypothesis.text)
        nearby = [
            hallucination.normalized_tokens(result.hypothesis.text)
            for result in source.results
            if result.chunk.end_ms >= fill.chunk.start_ms and result.chunk.start_ms <= fill.chunk.end_ms
        ]
        if not any(_contains(nearby_tokens, tokens) for nearby_tokens in nearby):
            yield fill


def _contains(text: Sequence[str], passage: Sequence[str]) -> bool:
    """Whether a text contains a passage, except for a few words that are spelt differently."""
    for start in range(len(text) - len(passage) // 2):
        window = text[start : start + len(passage)]
        blocks = difflib.SequenceMatcher(None, window, passage, False).get_matching_blocks()
        if sum(block.size for block in blocks) >= _SAME_SHARE * len(passage):
            return True
    return False


def _chunks_of(gaps: Sequence[Span], source: RecognizedSource, min_ms: int) -> Iterator[Chunk]:
    """Yield gaps as chunks, cut at the bounds of chunks; not those for which every retry was empty."""
    for result in source.results if gaps else ():
        for gap in gaps if Flag.EMPTY not in result.flags else ():
            start_ms = max(gap.start_ms, result.chunk.start_ms)
            end_ms = min(gap.end_ms, result.chunk.end_ms)
            if end_ms - start_ms >= min_ms:
                yield chunking.part(result.chunk, source.speech, start_ms, end_ms)


def _conclude(source: RecognizedSource, fill: RecognizedSource, guard: GuardOptions) -> ReviewedSource:
    segments = list(_segments(source))
    for segment in _segments(fill):
        segments = coverage.insert(segments, segment)
    # All remaining gaps, and empty chunks even if they are shorter than a gap.
    gaps = coverage.find_gaps(segments, source.speech, guard.min_uncovered_ms)
    for result in source.results:
        if Flag.EMPTY in result.flags:
            gaps += result.chunk.speech
    return ReviewedSource(tuple(segments), coverage.join_spans(gaps), (*source.failures, *fill.failures))


def _segments(source: RecognizedSource) -> tuple[Segment, ...]:
    return tuple(result.segment for result in source.results if result.segment is not None)
