"""The ladder of retries for what cannot be right.

In go recordings with flagged pieces; out come the recordings with better ones. Each rung hears all that is
still flagged once more, of all recordings together: cut in two at the best silence, without the context, in
the file's language, and at last with a mild penalty on repetition as well. The first clean answer ends it
for a piece; where there is none, the least doubtful answer is kept, with its flags (`choice`). A retry that
fails changes nothing: the next rung is tried, and at the end what was heard first is still there.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from qasr_cli.errors import QasrError
from qasr_cli.options import DecodeOptions, GuardOptions
from qasr_cli.speech.audio import chunking
from qasr_cli.speech.fallback import hypothesis_selection, language_vote
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition.hallucination import Flag
from qasr_cli.speech.recognition.passes import Contain, RecognitionRequest, Recording, hear_all
from qasr_cli.speech.recognition.recognize import RecognizedChunk

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to hear a chunk again."""

    is_split: bool
    options: DecodeOptions


@dataclass(slots=True)
class Case:
    """A piece, and the ways that are left to hear it again.

    Attributes:
        best: What is taken if nothing better comes: the piece itself, or less doubtful ones in its place.
        failure: Why the last of the retries that failed did.
        latest: How it was heard at last.
    """

    recording: Recording
    piece: RecognizedChunk
    attempts: list[Attempt]
    best: list[RecognizedChunk]
    failure: QasrError | None = None
    latest: Attempt | None = None

    @property
    def is_doubtful(self) -> bool:
        """Whether there is something wrong."""
        return any(piece.flags for piece in self.best)

    @property
    def is_open(self) -> bool:
        """Whether there is something wrong, and something left to try."""
        return bool(self.attempts) and self.is_doubtful


def rescue(
    recordings: Sequence[Recording],
    session: Session,
    told: DecodeOptions,
    options: GuardOptions,
    contain: Contain,
) -> list[Recording]:
    """Return the recordings with what was flagged heard again.

    Args:
        recordings: Of any number of sources; what is not flagged in them is not touched.
        session: The rescue model is loaded by the first flagged piece, and then does all of this.
        told: What the recognizer was told the first time.
        options: The guard's.
        contain: Runs what may fail without harm.

    Raises:
        DeviceLostError: Nothing more can be computed.
    """
    if not any(piece.flags for recording in recordings for piece in recording.pieces):
        return list(recordings)
    rescuers = _find_rescuers(session, contain)
    reach_ms = 0 if rescuers is session else rescuers.recognizer.capacity.max_chunk_ms
    rows = [_cases(recording, told, options, reach_ms) for recording in recordings]
    while any(case.is_open for row in rows for case in row):
        rows = _climb(rows, rescuers, contain)
    return [
        replace(
            recording,
            pieces=tuple(piece for case in row for piece in case.best),
            failures=(*recording.failures, *_failures(row)),
        )
        for recording, row in zip(recordings, rows, strict=True)
    ]


def _find_rescuers(session: Session, contain: Contain) -> Session:
    """Return the better model where there is one and it can be loaded, or else the one that there is."""
    if not session.has_fallback:
        return session
    loaded = contain(session.fallback)
    if isinstance(loaded, QasrError):
        session.drop_fallback()
        logger.warning("the rescue model cannot be loaded and the first one does its work: %s", loaded)
        return session
    return loaded


def _failures(row: Sequence[Case]) -> list[QasrError]:
    """Return why retries failed of which something might have become; not where another one succeeded."""
    return [case.failure for case in row if case.failure and case.is_doubtful]


def plan_attempts(
    flags: tuple[str, ...], told: DecodeOptions, forced: str | None, penalty: float
) -> list[Attempt]:
    """Return the rungs for a piece with these flags, without those that would repeat another.

    What the flags point at comes first: an echo is heard without the context, a wrong language with the
    right one. Where no text was heard, no language is forced and no context told: those would take away the
    model's way to say that nobody speaks.
    """
    bare = replace(told, context="")
    if Flag.EMPTY in flags:
        rungs = [Attempt(True, bare), Attempt(False, bare)]
        return [rung for rung in rungs if rung != Attempt(False, told)]
    in_language = replace(bare, language=forced) if forced else bare
    penalized = replace(in_language, repetition_penalty=penalty)
    rungs = [Attempt(True, told), Attempt(False, bare), Attempt(False, in_language), Attempt(True, penalized)]
    if Flag.CONTEXT in flags:
        rungs[:2] = [Attempt(False, bare), Attempt(True, bare)]
    elif Flag.SCRIPT in flags or Flag.LANGUAGE in flags:
        rungs.insert(0, Attempt(False, replace(in_language, context=told.context)))
    return [rung for rung in dict.fromkeys(rungs) if rung != Attempt(False, told)]


def _cases(recording: Recording, told: DecodeOptions, options: GuardOptions, reach_ms: int) -> list[Case]:
    """Return a case for each piece; `reach_ms` is what another model hears at once, 0 if there is none."""
    cases = []
    for piece in recording.pieces:
        if not piece.flags:
            cases.append(Case(recording, piece, [], [piece]))
            continue
        forced = language_vote.language_for(piece, recording.pieces, told, options)
        attempts = plan_attempts(piece.flags, told, forced, options.repetition_penalty)
        if piece.chunk.duration_ms <= reach_ms:
            attempts.insert(0, Attempt(False, told))
        cases.append(_open(recording, piece, attempts, None if reach_ms else told))
    return cases


def _open(
    recording: Recording,
    piece: RecognizedChunk,
    attempts: Sequence[Attempt],
    heard: DecodeOptions | None = None,
) -> Case:
    """Return a piece's case; what is too short to be cut is heard whole, but not as it was `heard`."""
    if chunking.halve(piece.chunk, recording.speech) is None:
        whole = [Attempt(False, attempt.options) for attempt in attempts if attempt.options != heard]
        attempts = list(dict.fromkeys(whole))
    return Case(recording, piece, list(attempts), [piece])


def _climb(rows: Sequence[list[Case]], session: Session, contain: Contain) -> list[list[Case]]:
    """Hear every open case once more, all in one go, and return what has become of the cases."""
    asked: dict[int, list[RecognitionRequest]] = {}
    for case in (case for row in rows for case in row if case.is_open):
        attempt = case.latest = case.attempts.pop(0)
        chunk = case.piece.chunk
        halves = chunking.halve(chunk, case.recording.speech) if attempt.is_split else None
        asked[id(case)] = [
            RecognitionRequest(case.recording, part, attempt.options) for part in halves or (chunk,)
        ]
    requests_of_all = [request for requests in asked.values() for request in requests]
    heard = iter(hear_all(requests_of_all, session, contain))
    answers = {name: [next(heard) for _ in requests] for name, requests in asked.items()}
    return [[after for case in row for after in _settle(case, answers.get(id(case), []))] for row in rows]


def _settle(case: Case, heard: Sequence[RecognizedChunk | QasrError]) -> list[Case]:
    """Return what a case comes to with what was heard now.

    When it was cut and a part is clean, each part goes on by itself. Otherwise the whole goes on, with the
    less doubtful of what there is to fall back on.
    """
    pieces = [
        hypothesis_selection.sobered(piece, case.piece) for piece in heard if not isinstance(piece, QasrError)
    ]
    if len(pieces) < len(heard):
        case.failure = next(error for error in heard if isinstance(error, QasrError))
        return [case]
    if pieces and case.latest and hypothesis_selection.is_confirmed(case.piece, pieces, case.latest.options):
        case.best = [replace(case.piece, flags=())]
        return [case]
    is_better = hypothesis_selection.is_better(pieces, case.best, case.piece.chunk)
    if is_better and len(pieces) > 1 and not all(piece.flags for piece in pieces):
        return [_open(case.recording, piece, _left_for(case, piece)) for piece in pieces]
    if is_better:
        case.best = pieces
    return [case]


def _left_for(case: Case, part: RecognizedChunk) -> Sequence[Attempt]:
    """Return what is left to try for a part.

    Where nothing was heard there is little to change but the cut: when it helped the other part, the silent
    one is cut in its turn, for as long as that helps.
    """
    if not part.flags:
        return ()
    if Flag.EMPTY not in part.flags or case.attempts or case.latest is None:
        return case.attempts
    return () if chunking.halve(part.chunk, case.recording.speech) is None else (case.latest,)
