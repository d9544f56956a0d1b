"""Chunks of any recordings, heard or timed, in as few batches as they make.

In go chunks with the recordings that they lie in; out come pieces or words in the same order. Audio is read a
batch at a time, so that however much is to be heard, no more than a batch of it is in memory. A chunk that
could not be heard comes back as the reason: where there is some text already, that is no loss. Words that
could not be timed get estimated times, and the reason stays with their recording.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np

from qasr_cli.errors import QasrError, UntimedError
from qasr_cli.options import AlignOptions, DecodeOptions
from qasr_cli.records import Chunk, Waveform, Word
from qasr_cli.speech.alignment.forced_alignment import Spoken, time_words
from qasr_cli.speech.audio.vad import SpeechMap
from qasr_cli.speech.inference import batching
from qasr_cli.speech.inference.protocols import Engines
from qasr_cli.speech.recognition import recognize
from qasr_cli.speech.recognition.recognize import RecognizedChunk
from qasr_cli.speech.text.display_words import DisplayWord

Value = TypeVar("Value")


class Contain(Protocol):
    """How work is done whose failure must not cost what there is; the run knows what can be borne."""

    def __call__(self, work: Callable[[], Value]) -> Value | QasrError:
        """Return what the work returns, or why it could not.

        Raises:
            DeviceLostError: Nothing more can be computed.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One source whose every chunk was heard once.

    Attributes:
        pieces: In the order of time; a chunk that was cut in two has two.
        failures: Why some of it could not be heard again, or timed, and stays as it was.
    """

    waveform: Waveform
    speech: SpeechMap
    pieces: tuple[RecognizedChunk, ...]
    failures: tuple[QasrError, ...] = ()


@dataclass(frozen=True, slots=True)
class RecognitionRequest:
    """A chunk that is to be heard, and what the recognizer is to be told about it."""

    recording: Recording
    chunk: Chunk
    options: DecodeOptions


@dataclass(frozen=True, slots=True)
class Untimed:
    """A piece that has words, and the recording that it is of."""

    recording: Recording
    piece: RecognizedChunk


@dataclass(frozen=True, slots=True)
class Wording:
    """A chunk and the words that are said in it, to be timed; `language` is an English name or None."""

    recording: Recording
    chunk: Chunk
    language: str | None
    words: tuple[DisplayWord, ...]


def hear_all(
    requests: Sequence[RecognitionRequest],
    engines: Engines,
    contain: Contain,
    heard: Callable[[int], None] = lambda ms: None,
) -> list[RecognizedChunk | QasrError]:
    """Return what is heard, or why nothing could be, in the order of the requests.

    Those that are told the same share batches. `heard` is called after each batch with the milliseconds of
    speech in it.

    Raises:
        DeviceLostError: Nothing more can be computed.
    """
    told_alike: dict[DecodeOptions, list[int]] = {}
    for index, request in enumerate(requests):
        told_alike.setdefault(request.options, []).append(index)
    answers: dict[int, RecognizedChunk | QasrError] = {}
    for members in told_alike.values():
        for batch in _batches([requests[index].chunk for index in members], engines):
            asked = [members[place] for place in batch]
            some = [requests[index] for index in asked]
            pieces = batching.try_each(some, lambda few: contain(lambda: _hear(few, engines)))
            answers.update(zip(asked, pieces, strict=True))
            heard(sum(span.duration_ms for request in some for span in request.chunk.speech))
    return [answers[index] for index in range(len(requests))]


def time_all(
    recordings: Sequence[Recording], engines: Engines, options: AlignOptions, contain: Contain
) -> list[Recording]:
    """Return the recordings with a segment for every piece that has words.

    Where the aligner fails the words are spread, as they are in a language that it does not know.

    Raises:
        DeviceLostError: Nothing more can be computed.
    """
    pieces = [list(recording.pieces) for recording in recordings]
    failures = [list(recording.failures) for recording in recordings]
    todo = [
        (number, place)
        for number, mine in enumerate(pieces)
        for place, piece in enumerate(mine)
        if piece.segment is None and piece.answer.text
    ]
    for batch in _batches([pieces[number][place].chunk for number, place in todo], engines):
        untimed = [
            Untimed(recordings[number], pieces[number][place])
            for number, place in (todo[index] for index in batch)
        ]
        timed = batching.try_each(untimed, lambda few: contain(lambda: _time(few, engines, options)))
        for index, one, piece in zip(batch, untimed, timed, strict=True):
            number, place = todo[index]
            if isinstance(piece, QasrError):
                failures[number].append(UntimedError(piece.message, piece.hint))
                (pieces[number][place],) = _time([one], replace(engines, aligner=None), options)
            else:
                pieces[number][place] = piece
    return [
        replace(recording, pieces=tuple(mine), failures=tuple(why))
        for recording, mine, why in zip(recordings, pieces, failures, strict=True)
    ]


def describe(failures: Sequence[QasrError]) -> tuple[str, ...]:
    """Return what failed of a recording, for the user: a line for each kind, with the first one's reason."""
    untimed = [failure for failure in failures if isinstance(failure, UntimedError)]
    retries = [failure for failure in failures if not isinstance(failure, UntimedError)]
    lines = []
    if retries:
        what = "1 retry" if len(retries) == 1 else f"{len(retries)} retries"
        lines.append(f"{what} failed; kept the first result: {retries[0]}")
    if untimed:
        what = "1 chunk" if len(untimed) == 1 else f"{len(untimed)} chunks"
        lines.append(f"the aligner failed on {what}, times of the words are estimated: {untimed[0]}")
    return tuple(lines)


def time_wordings(wordings: Sequence[Wording], engines: Engines) -> list[tuple[Word, ...]]:
    """Return the words of each wording with their times, in container time.

    Raises:
        OutOfMemoryError: Not even one chunk fits into memory.
    """
    timed: dict[int, tuple[Word, ...]] = {}
    for batch in _batches([wording.chunk for wording in wordings], engines):
        some = [wordings[index] for index in batch]
        timed.update(zip(batch, _time_wordings(some, engines), strict=True))
    return [timed[index] for index in range(len(wordings))]


def _batches(chunks: Sequence[Chunk], engines: Engines) -> list[list[int]]:
    return batching.plan([chunk.duration_ms for chunk in chunks], engines.recognizer.capacity)


# Each of these reads its own audio, so that none of it outlives the batch.


def _hear(requests: Sequence[RecognitionRequest], engines: Engines) -> list[RecognizedChunk]:
    """Return what is heard in chunks of which the recognizer is told the same."""
    audio = [_audio(request.recording, request.chunk) for request in requests]
    return recognize.hear(audio, [request.chunk for request in requests], engines, requests[0].options)


def _time(untimed: Sequence[Untimed], engines: Engines, options: AlignOptions) -> list[RecognizedChunk]:
    audio = [_audio(one.recording, one.piece.chunk) for one in untimed]
    return recognize.add_times(audio, [one.piece for one in untimed], engines, options)


def _time_wordings(wordings: Sequence[Wording], engines: Engines) -> list[tuple[Word, ...]]:
    spoken = [
        Spoken(wording.chunk, _audio(wording.recording, wording.chunk), wording.language, wording.words)
        for wording in wordings
    ]
    return time_words(spoken, engines)


def _audio(recording: Recording, chunk: Chunk) -> np.ndarray:
    """Return `float32[n_samples]` of a chunk."""
    return recording.waveform.read(chunk.start_ms, chunk.end_ms)
