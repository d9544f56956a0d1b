"""Chunks of any recordings, heard or timed, in as few batches as they make.

In go chunks with the recordings that they lie in; out come pieces or words in the same order. Audio is read a
batch at a time, so that however much is to be heard, no more than a batch of it is in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from qasr_cli.options import AlignOptions, DecodeOptions
from qasr_cli.records import Chunk, Waveform, Word
from qasr_cli.speech import batching, transcribe
from qasr_cli.speech.forced_alignment import Spoken, time_words
from qasr_cli.speech.protocols import Capacity, Engines
from qasr_cli.speech.transcribe import Piece
from qasr_cli.speech.vad import SpeechMap
from qasr_cli.speech.words import DisplayWord


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One source whose every chunk was heard once.

    Attributes:
        pieces: In the order of time; a chunk that was cut in two has two.
    """

    waveform: Waveform
    speech: SpeechMap
    pieces: tuple[Piece, ...]


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
    requests: Sequence[Request], engines: Engines, heard: Callable[[int], None] = lambda ms: None
) -> list[Piece]:
    """Return what is heard, in the order of the requests; those that are told the same share batches.

    `heard` is called after each batch with the milliseconds of speech in it.

    Raises:
        OutOfMemoryError: Not even one chunk fits into memory.
    """
    told_alike: dict[DecodeOptions, list[int]] = {}
    for index, request in enumerate(requests):
        told_alike.setdefault(request.options, []).append(index)
    pieces: dict[int, Piece] = {}
    for options, members in told_alike.items():
        places = [(requests[index].recording, requests[index].chunk) for index in members]
        for batch, audio in _batches(places, engines.recognizer.capacity):
            some = [members[i] for i in batch]
            chunks = [requests[index].chunk for index in some]
            pieces.update(zip(some, transcribe.hear(audio, chunks, engines, options), strict=True))
            heard(sum(span.duration_ms for chunk in chunks for span in chunk.speech))
    return [pieces[index] for index in range(len(requests))]


def time_all(recordings: Sequence[Recording], engines: Engines, options: AlignOptions) -> list[Recording]:
    """Return the recordings with a segment for every piece that has words.

    Raises:
        OutOfMemoryError: Not even one chunk fits into memory.
    """
    pieces = [list(recording.pieces) for recording in recordings]
    todo = [
        (number, place)
        for number, mine in enumerate(pieces)
        for place, piece in enumerate(mine)
        if piece.segment is None and piece.answer.text
    ]
    places = [(recordings[number], pieces[number][place].chunk) for number, place in todo]
    for batch, audio in _batches(places, engines.recognizer.capacity):
        some = [todo[i] for i in batch]
        untimed = [pieces[number][place] for number, place in some]
        timed = transcribe.add_times(audio, untimed, engines, options)
        for (number, place), piece in zip(some, timed, strict=True):
            pieces[number][place] = piece
    return [
        replace(recording, pieces=tuple(mine)) for recording, mine in zip(recordings, pieces, strict=True)
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
