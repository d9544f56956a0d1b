"""Passes over chunks of any sources: recognition or alignment, in as few batches as possible.

In go chunks with their sources; out come recognized chunks or words in the same order. Audio is read a batch
at a time, so that never more than one batch of it is in memory. The result of a failed chunk is its error:
existing text is not lost. Words that could not be aligned have interpolated times, and the error stays with
their source.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np

from qasr_cli.errors import QasrError, UntimedError
from qasr_cli.options import AlignOptions, DecodeOptions
from qasr_cli.records import Chunk, Word
from qasr_cli.speech.alignment.forced_alignment import AlignmentInput, align_words
from qasr_cli.speech.audio.vad import SpeechMap
from qasr_cli.speech.inference import batching
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition import confidence, recognize
from qasr_cli.speech.recognition.recognize import RecognizedChunk
from qasr_cli.speech.text.display_words import DisplayWord

Value = TypeVar("Value")


class ReadableWaveform(Protocol):
    """Mono samples at 16 kHz that are read in parts: on disk (`records.Waveform`) or in memory."""

    @property
    def duration_ms(self) -> int:
        """Length in whole milliseconds, rounded up."""

    def read(self, start_ms: int, end_ms: int) -> np.ndarray:
        """Return `float32[n_samples]` in [-1, 1) for `[start_ms, end_ms)`, clipped to the waveform."""


class Contain(Protocol):
    """Runs work whose failure must not lose the results so far; the run decides which errors it contains."""

    def __call__(self, work: Callable[[], Value]) -> Value | QasrError:
        """Return the work's result, or its error.

        Raises:
            DeviceLostError: The device cannot compute anything more.
        """


@dataclass(frozen=True, slots=True, eq=False)
class RecognizedSource:
    """One source after its first pass: every chunk was recognized once.

    Attributes:
        results: Results in the order of time; a chunk that was cut in two has two.
        failures: Errors of retries and of the aligner; the chunks concerned stay as they were.
    """

    waveform: ReadableWaveform
    speech: SpeechMap
    results: tuple[RecognizedChunk, ...]
    failures: tuple[QasrError, ...] = ()


@dataclass(frozen=True, slots=True)
class RecognitionRequest:
    """A chunk to recognize, and the decoding options for it."""

    source: RecognizedSource
    chunk: Chunk
    options: DecodeOptions


@dataclass(frozen=True, slots=True)
class UnalignedChunk:
    """A recognized chunk whose words have no times yet, and its source."""

    source: RecognizedSource
    result: RecognizedChunk


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk and its spoken words, to be aligned; `language` is an English name or None."""

    source: RecognizedSource
    chunk: Chunk
    language: str | None
    words: tuple[DisplayWord, ...]


def recognize_all(
    requests: Sequence[RecognitionRequest], session: Session, contain: Contain
) -> list[RecognizedChunk | QasrError]:
    """Return a recognized chunk, or the error, for each request, in order.

    Requests with equal options share batches.

    Raises:
        DeviceLostError: The device cannot compute anything more.
    """
    indices_by_options: dict[DecodeOptions, list[int]] = {}
    for index, request in enumerate(requests):
        indices_by_options.setdefault(request.options, []).append(index)
    results: dict[int, RecognizedChunk | QasrError] = {}
    for members in indices_by_options.values():
        for batch in _batches([requests[index].chunk for index in members], session):
            indices = [members[position] for position in batch]
            batch_requests = [requests[index] for index in indices]
            recognized = batching.try_each(
                batch_requests, lambda part: contain(lambda: _recognize(part, session))
            )
            results.update(zip(indices, recognized, strict=True))
    return [results[index] for index in range(len(requests))]


def align_all(
    sources: Sequence[RecognizedSource], session: Session, options: AlignOptions, contain: Contain
) -> list[RecognizedSource]:
    """Return the sources with a segment for every recognized chunk that has words.

    If the aligner fails, times are interpolated, as for a language that it does not support.

    Raises:
        DeviceLostError: The device cannot compute anything more.
    """
    results = [list(source.results) for source in sources]
    failures = [list(source.failures) for source in sources]
    pending = [
        (source_index, chunk_index)
        for source_index, source_results in enumerate(results)
        for chunk_index, result in enumerate(source_results)
        if result.segment is None and result.hypothesis.text
    ]
    for batch in _batches(
        [results[source_index][chunk_index].chunk for source_index, chunk_index in pending], session
    ):
        unaligned = [
            UnalignedChunk(sources[source_index], results[source_index][chunk_index])
            for source_index, chunk_index in (pending[index] for index in batch)
        ]
        timed = batching.try_each(unaligned, lambda part: contain(lambda: _align(part, session, options)))
        for index, unaligned_chunk, result in zip(batch, unaligned, timed, strict=True):
            source_index, chunk_index = pending[index]
            if isinstance(result, QasrError):
                failures[source_index].append(UntimedError(result.message, result.hint))
                (results[source_index][chunk_index],) = _align(
                    [unaligned_chunk], session.without_aligner(), options
                )
            else:
                results[source_index][chunk_index] = result
    return [
        replace(source, results=tuple(source_results), failures=tuple(errors))
        for source, source_results, errors in zip(sources, results, failures, strict=True)
    ]


def describe(failures: Sequence[QasrError]) -> tuple[str, ...]:
    """Return the failures of a source as warnings: one line for each kind, with the first reason."""
    untimed = [failure for failure in failures if isinstance(failure, UntimedError)]
    retries = [failure for failure in failures if not isinstance(failure, UntimedError)]
    lines = []
    if retries:
        count = "1 retry" if len(retries) == 1 else f"{len(retries)} retries"
        lines.append(f"{count} failed; kept the first result: {retries[0]}")
    if untimed:
        count = "1 chunk" if len(untimed) == 1 else f"{len(untimed)} chunks"
        lines.append(f"the aligner failed on {count}, word times are interpolated: {untimed[0]}")
    return tuple(lines)


def align_passages(passages: Sequence[Passage], session: Session) -> list[tuple[Word, ...]]:
    """Return the words of each passage with their times, in container time.

    Raises:
        OutOfMemoryError: Not even one chunk fits into memory.
    """
    timed: dict[int, tuple[Word, ...]] = {}
    for batch in _batches([passage.chunk for passage in passages], session):
        batch_passages = [passages[index] for index in batch]
        timed.update(zip(batch, _align_passages(batch_passages, session), strict=True))
    return [timed[index] for index in range(len(passages))]


def _batches(chunks: Sequence[Chunk], session: Session) -> list[list[int]]:
    return batching.plan([chunk.duration_ms for chunk in chunks], session.recognizer.capacity)


# Each of these functions reads its own audio, so that it does not outlive the batch.


def _recognize(requests: Sequence[RecognitionRequest], session: Session) -> list[RecognizedChunk]:
    """Recognize chunks with equal options."""
    audio = [_audio(request.source, request.chunk) for request in requests]
    return recognize.recognize_batch(
        audio, [request.chunk for request in requests], session, requests[0].options
    )


def _align(
    unaligned: Sequence[UnalignedChunk], session: Session, options: AlignOptions
) -> list[RecognizedChunk]:
    audio = [_audio(unaligned_chunk.source, unaligned_chunk.result.chunk) for unaligned_chunk in unaligned]
    return recognize.align_batch(
        audio, [unaligned_chunk.result for unaligned_chunk in unaligned], session, options
    )


def _align_passages(passages: Sequence[Passage], session: Session) -> list[tuple[Word, ...]]:
    inputs = [
        AlignmentInput(passage.chunk, _audio(passage.source, passage.chunk), passage.language, passage.words)
        for passage in passages
    ]
    return [confidence.of_times(words) for words in align_words(inputs, session)]


def _audio(source: RecognizedSource, chunk: Chunk) -> np.ndarray:
    """Return `float32[n_samples]` of a chunk."""
    return source.waveform.read(chunk.start_ms, chunk.end_ms)
