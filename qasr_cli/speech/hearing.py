"""Chunks of any recordings, heard again or timed, in as few batches as they make.

In go chunks with the recordings that they lie in; out come pieces in the same order. Audio is read a batch at
a time, so that however much is to be heard again, no more than a batch of it is in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from qasr_cli.options import AlignOptions, DecodeOptions
from qasr_cli.records import Chunk, Waveform
from qasr_cli.speech import batching, transcribe
from qasr_cli.speech.protocols import Engines
from qasr_cli.speech.transcribe import Piece
from qasr_cli.speech.vad import SpeechMap


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


def hear_all(requests: Sequence[Request], engines: Engines) -> list[Piece]:
    """Return what is heard, in the order of the requests; those that are told the same share batches.

    Raises:
        OutOfMemoryError: Not even one chunk fits into memory.
    """
    told_alike: dict[DecodeOptions, list[int]] = {}
    for index, request in enumerate(requests):
        told_alike.setdefault(request.options, []).append(index)
    heard: dict[int, Piece] = {}
    for options, members in told_alike.items():
        durations = [requests[index].chunk.duration_ms for index in members]
        for batch in batching.plan(durations, engines.recognizer.capacity):
            some = [members[i] for i in batch]
            chunks = [requests[index].chunk for index in some]
            audio = [
                requests[index].recording.waveform.read(chunk.start_ms, chunk.end_ms)
                for index, chunk in zip(some, chunks, strict=True)
            ]
            heard.update(zip(some, transcribe.hear(audio, chunks, engines, options), strict=True))
    return [heard[index] for index in range(len(requests))]


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
    durations = [pieces[number][place].chunk.duration_ms for number, place in todo]
    for batch in batching.plan(durations, engines.recognizer.capacity):
        some = [todo[i] for i in batch]
        untimed = [pieces[number][place] for number, place in some]
        audio = [
            recordings[number].waveform.read(piece.chunk.start_ms, piece.chunk.end_ms)
            for (number, _), piece in zip(some, untimed, strict=True)
        ]
        timed = transcribe.add_times(audio, untimed, engines, options)
        for (number, place), piece in zip(some, timed, strict=True):
            pieces[number][place] = piece
    return [
        replace(recording, pieces=tuple(mine)) for recording, mine in zip(recordings, pieces, strict=True)
    ]
