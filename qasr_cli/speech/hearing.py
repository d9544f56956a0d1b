"""Chunks of any recordings, heard again or timed, in as few batches as they make.

In go chunks with the recordings that they lie in; out come pieces in the same order. Audio is read a batch at
a time, so that however much is to be heard again, no more than a batch of it is in memory. What fails here
costs no text, since there is some already: a chunk that could not be heard again comes back as the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np

from qasr_cli.errors import QasrError
from qasr_cli.options import AlignOptions, DecodeOptions
from qasr_cli.records import Chunk, Waveform
from qasr_cli.speech import batching, transcribe
from qasr_cli.speech.protocols import Engines
from qasr_cli.speech.transcribe import Piece
from qasr_cli.speech.vad import SpeechMap

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


def hear_all(requests: Sequence[Request], engines: Engines, contain: Contain) -> list[Piece | QasrError]:
    """Return what is heard, or why nothing could be, in the order of the requests.

    Those that are told the same share batches.

    Raises:
        DeviceLostError: Nothing more can be computed.
    """
    told_alike: dict[DecodeOptions, list[int]] = {}
    for index, request in enumerate(requests):
        told_alike.setdefault(request.options, []).append(index)
    heard: dict[int, Piece | QasrError] = {}
    for members in told_alike.values():
        durations = [requests[index].chunk.duration_ms for index in members]
        for batch in batching.plan(durations, engines.recognizer.capacity):
            some = [members[i] for i in batch]
            answers = _hear_batch([requests[index] for index in some], engines, contain)
            heard.update(zip(some, answers, strict=True))
    return [heard[index] for index in range(len(requests))]


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
    durations = [pieces[number][place].chunk.duration_ms for number, place in todo]
    for batch in batching.plan(durations, engines.recognizer.capacity):
        some = [todo[i] for i in batch]
        clips = [_clip(recordings[number], pieces[number][place]) for number, place in some]
        timed = _each(clips, lambda part: _time(part, engines, options), contain)
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


def _hear_batch(requests: Sequence[Request], engines: Engines, contain: Contain) -> list[Piece | QasrError]:
    options = requests[0].options
    clips = [
        (request.recording.waveform.read(request.chunk.start_ms, request.chunk.end_ms), request.chunk)
        for request in requests
    ]
    return _each(
        clips,
        lambda some: transcribe.hear(
            [samples for samples, _ in some], [chunk for _, chunk in some], engines, options
        ),
        contain,
    )


def _clip(recording: Recording, piece: Piece) -> tuple[np.ndarray, Piece]:
    return recording.waveform.read(piece.chunk.start_ms, piece.chunk.end_ms), piece


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
