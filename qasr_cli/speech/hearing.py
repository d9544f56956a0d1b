"""Chunks of any recordings, heard or timed, in as few batches as they make.

In go chunks with the recordings that they lie in; out come pieces or words in the same order. Audio is read a
batch at a time, so that however much is to be heard, no more than a batch of it is in memory. A chunk that
could not be heard comes back as the reason: where there is some text already, that is no loss.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np

from qasr_cli.errors import QasrError
from qasr_cli.options import AlignOptions, DecodeOptions
from qasr_cli.records import Chunk, Waveform, Word
from qasr_cli.speech import batching, transcribe
from qasr_cli.speech.forced_alignment import Spoken, time_words
from qasr_cli.speech.protocols import Capacity, Engines
from qasr_cli.speech.transcribe import Piece
from qasr_cli.speech.vad import SpeechMap
from qasr_cli.speech.words import DisplayWord

Value = TypeVar("Value")
Item = TypeVar("Item")


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
    pieces: tuple[Piece, ...]
    failures: tuple[QasrError, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """A chunk that is to be heard, and what the recognizer is to be told about it."""

    recording: Recording
    chunk: Chunk
    options: DecodeOptions


@dataclass(frozen=True, slots=True)
class Wording:
    """A chunk and the words that are said in it, to be timed; `language` is an English name or None."""

    recording: Recording
    chunk: Chunk
    language: str | None
    words: tuple[DisplayWord, ...]


def hear_all(
    requests: Sequence[Request],
    engines: Engines,
    contain: Contain,
    heard: Callable[[int], None] = lambda ms: None,
) -> list[Piece | QasrError]:
    """Return what is heard, or why nothing could be, in the order of the requests.

    Those that are told the same share batches. `heard` is called after each batch with the milliseconds of
    speech in it.

    Raises:
        DeviceLostError: Nothing more can be computed.
    """
    told_alike: dict[DecodeOptions, list[int]] = {}
    for index, request in enumerate(requests):
        told_alike.setdefault(request.options, []).append(index)
    answers: dict[int, Piece | QasrError] = {}
    for options, members in told_alike.items():
        places = [(requests[index].recording, requests[index].chunk) for index in members]
        for batch, audio in _batches(places, engines.recognizer.capacity):
            chunks = [places[i][1] for i in batch]
            clips = list(zip(audio, chunks, strict=True))
            pieces = _each(clips, functools.partial(_hear, engines=engines, options=options), contain)
            answers.update(zip((members[i] for i in batch), pieces, strict=True))
            heard(sum(span.duration_ms for chunk in chunks for span in chunk.speech))
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
    places = [(recordings[number], pieces[number][place].chunk) for number, place in todo]
    for batch, audio in _batches(places, engines.recognizer.capacity):
        some = [todo[i] for i in batch]
        untimed = (pieces[number][place] for number, place in some)
        clips = list(zip(audio, untimed, strict=True))
        timed = _each(clips, functools.partial(_time, engines=engines, options=options), contain)
        for (number, place), clip, piece in zip(some, clips, timed, strict=True):
            if isinstance(piece, QasrError):
                failures[number].append(piece)
                (pieces[number][place],) = _time([clip], replace(engines, aligner=None), options)
            else:
                pieces[number][place] = piece
    return [
        replace(recording, pieces=tuple(mine), failures=tuple(why))
        for recording, mine, why in zip(recordings, pieces, failures, strict=True)
    ]


def time_wordings(wordings: Sequence[Wording], engines: Engines) -> list[tuple[Word, ...]]:
    """Return the words of each wording with their times, in container time.

    Raises:
        OutOfMemoryError: Not even one chunk fits into memory.
    """
    timed: dict[int, tuple[Word, ...]] = {}
    places = [(wording.recording, wording.chunk) for wording in wordings]
    for batch, audio in _batches(places, engines.recognizer.capacity):
        some = [wordings[index] for index in batch]
        spoken = [
            Spoken(wording.chunk, samples, wording.language, wording.words)
            for wording, samples in zip(some, audio, strict=True)
        ]
        timed.update(zip(batch, time_words(spoken, engines), strict=True))
    return [timed[index] for index in range(len(wordings))]


def _batches(
    places: Sequence[tuple[Recording, Chunk]], capacity: Capacity
) -> Iterator[tuple[list[int], list[np.ndarray]]]:
    """Yield the places of each batch and the audio of each: `float32[n_samples]`, of this batch alone."""
    for batch in batching.plan([chunk.duration_ms for _, chunk in places], capacity):
        some = [places[index] for index in batch]
        yield batch, [recording.waveform.read(chunk.start_ms, chunk.end_ms) for recording, chunk in some]


def _hear(clips: Sequence[tuple[np.ndarray, Chunk]], engines: Engines, options: DecodeOptions) -> list[Piece]:
    return transcribe.hear([samples for samples, _ in clips], [chunk for _, chunk in clips], engines, options)


def _time(clips: Sequence[tuple[np.ndarray, Piece]], engines: Engines, options: AlignOptions) -> list[Piece]:
    return transcribe.add_times(
        [samples for samples, _ in clips], [piece for _, piece in clips], engines, options
    )


def _each(
    items: Sequence[Item], work: Callable[[Sequence[Item]], list[Piece]], contain: Contain
) -> list[Piece | QasrError]:
    """Return a piece or a reason for each item; when a batch fails, find out which of it does."""
    pieces = contain(lambda: work(items))
    if not isinstance(pieces, QasrError):
        return [*pieces]
    if len(items) == 1:
        return [pieces]
    return [piece for item in items for piece in _each([item], work, contain)]
