"""What a file's chunks say together, once all of them were heard.

In go recordings; out come their final segments, and the speech that stayed without words. In this order: what
is doubtful is heard again, short pieces in another language than the file's are heard again in its own, words
get their times, and clear speech without words is heard once more. Each step takes all recordings at once,
so that the few pieces of each file share their batches. There is a text without any of them, so what fails in
them is said and costs nothing else.
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
from qasr_cli.speech.fallback.retry_ladder import rescue
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition import hallucination
from qasr_cli.speech.recognition.hallucination import Flag
from qasr_cli.speech.recognition.passes import (
    Contain,
    RecognitionRequest,
    Recording,
    describe,
    hear_all,
    time_all,
)
from qasr_cli.speech.recognition.recognize import RecognizedChunk

# Of the words, in their order: what was misheard once may be heard right now, and must not stand there twice.
_SAME_SHARE = 0.7

Hear = Callable[[Sequence[RecognitionRequest]], list[RecognizedChunk | QasrError]]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A recording's text, final.

    Attributes:
        uncovered: Speech without words.
        failures: Why some of it could not be heard again, or timed, and stays as it was.
    """

    segments: tuple[Segment, ...]
    uncovered: tuple[Span, ...] = ()
    failures: tuple[QasrError, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What failed, for the user, a line for each kind."""
        return describe(self.failures)


def review(
    recordings: Sequence[Recording],
    session: Session,
    told: DecodeOptions,
    guard: GuardOptions,
    align: AlignOptions,
    contain: Contain,
) -> list[Reviewed]:
    """Return what each recording comes to; the recordings themselves stay as they are.

    Raises:
        DeviceLostError: Nothing more can be computed.
    """
    hear = functools.partial(hear_all, session=session, contain=contain)
    rescued = rescue(recordings, session, told, guard, contain)
    agreed = _bring_together(rescued, rescued, hear, told, guard)
    timed = time_all(agreed, session, align, contain)
    found = time_all(_hear_gaps(timed, hear, told, guard), session, align, contain)
    return [_conclude(recording, more, guard) for recording, more in zip(timed, found, strict=True)]


def _bring_together(
    recordings: Sequence[Recording],
    voters: Sequence[Recording],
    hear: Hear,
    told: DecodeOptions,
    guard: GuardOptions,
) -> list[Recording]:
    """Hear short pieces in another language than their file's again, in the file's; keep what is clean.

    What language a file is in is decided by the recording at the same place among the voters.
    """
    if told.language:  # the user has settled it
        return list(recordings)
    requests: list[RecognitionRequest] = []
    places: list[tuple[int, int]] = []
    for number, (recording, file) in enumerate(zip(recordings, voters, strict=True)):
        language = language_vote.majority(file.pieces)
        for place in language_vote.dissenters(recording.pieces, file.pieces, guard):
            options = replace(told, language=language)
            requests.append(RecognitionRequest(recording, recording.pieces[place].chunk, options))
            places.append((number, place))
    rows = [list(recording.pieces) for recording in recordings]
    failures = [list(recording.failures) for recording in recordings]
    for (number, place), piece in zip(places, hear(requests), strict=True):
        if isinstance(piece, QasrError):
            failures[number].append(piece)
        elif hallucination.units(piece.answer.text) and not piece.flags:
            rows[number][place] = piece
    return [
        replace(recording, pieces=tuple(row), failures=tuple(why))
        for recording, row, why in zip(recordings, rows, failures, strict=True)
    ]


def _hear_gaps(
    recordings: Sequence[Recording], hear: Hear, told: DecodeOptions, guard: GuardOptions
) -> list[Recording]:
    """Return, for each recording, one with the pieces that clear speech without words turned out to hold."""
    requests: list[RecognitionRequest] = []
    owners: list[int] = []
    for number, recording in enumerate(recordings):
        gaps = coverage.find_gaps(_segments(recording), recording.speech, guard.min_uncovered_ms)
        for chunk in _chunks_of(gaps, recording, guard.min_uncovered_ms):
            requests.append(RecognitionRequest(recording, chunk, replace(told, context="")))
            owners.append(number)
    heard: list[list[RecognizedChunk]] = [[] for _ in recordings]
    failures: list[list[QasrError]] = [[] for _ in recordings]
    for number, piece in zip(owners, hear(requests), strict=True):
        if isinstance(piece, QasrError):
            failures[number].append(piece)
        elif hallucination.units(piece.answer.text) and not piece.flags:
            heard[number].append(piece)
    found = [
        replace(recording, pieces=tuple(more), failures=tuple(why))
        for recording, more, why in zip(recordings, heard, failures, strict=True)
    ]
    agreed = _bring_together(found, recordings, hear, told, guard)
    return [
        replace(more, pieces=tuple(_new_pieces(recording, more.pieces)))
        for recording, more in zip(recordings, agreed, strict=True)
    ]


def _new_pieces(recording: Recording, found: Sequence[RecognizedChunk]) -> Iterator[RecognizedChunk]:
    """Yield what does not say what the words around it say: those may have been given a wrong time."""
    for piece in found:
        said = hallucination.units(piece.answer.text)
        near = [
            hallucination.units(other.answer.text)
            for other in recording.pieces
            if other.chunk.end_ms >= piece.chunk.start_ms and other.chunk.start_ms <= piece.chunk.end_ms
        ]
        if not any(_says(around, said) for around in near):
            yield piece


def _says(around: Sequence[str], said: Sequence[str]) -> bool:
    """Whether a text says another somewhere, give or take a word that was spelt otherwise this time."""
    for at in range(len(around) - len(said) // 2):
        blocks = difflib.SequenceMatcher(None, around[at : at + len(said)], said, False).get_matching_blocks()
        if sum(block.size for block in blocks) >= _SAME_SHARE * len(said):
            return True
    return False


def _chunks_of(gaps: Sequence[Span], recording: Recording, min_ms: int) -> Iterator[Chunk]:
    """Yield gaps as chunks, cut where chunks were; not where nothing was heard however it was tried."""
    for piece in recording.pieces if gaps else ():
        for gap in gaps if Flag.EMPTY not in piece.flags else ():
            start_ms = max(gap.start_ms, piece.chunk.start_ms)
            end_ms = min(gap.end_ms, piece.chunk.end_ms)
            if end_ms - start_ms >= min_ms:
                yield chunking.part(piece.chunk, recording.speech, start_ms, end_ms)


def _conclude(recording: Recording, found: Recording, guard: GuardOptions) -> Reviewed:
    segments = list(_segments(recording))
    for segment in _segments(found):
        segments = coverage.insert(segments, segment)
    # All gaps that are left, and what is empty although it is shorter than a gap that is looked for.
    gaps = coverage.find_gaps(segments, recording.speech, guard.min_uncovered_ms)
    for piece in recording.pieces:
        if Flag.EMPTY in piece.flags:
            gaps += piece.chunk.speech
    return Reviewed(tuple(segments), coverage.join_spans(gaps), (*recording.failures, *found.failures))


def _segments(recording: Recording) -> tuple[Segment, ...]:
    return tuple(piece.segment for piece in recording.pieces if piece.segment is not None)
