"""The fallback: retries of flagged chunks, in several steps.

In go recognized sources with flagged chunks; out come the sources with better hypotheses. Each step
recognizes the chunks that are still flagged once more, of all sources together: cut in two at the best
silence, without the context, in the file's language, and at last also with a mild repetition penalty. A
chunk's first clean hypothesis ends its retries; without one, the least severe hypothesis stays, with its
flags (`hypothesis_selection`). A failed retry changes nothing: the next step is tried, and the first result
stays if all fail.
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
from qasr_cli.speech.recognition.passes import Contain, RecognitionRequest, RecognizedSource, recognize_all
from qasr_cli.speech.recognition.recognize import RecognizedChunk

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RetryStep:
    """One way to recognize a chunk again: whole or split, and with which options."""

    is_split: bool
    options: DecodeOptions


@dataclass(slots=True)
class RetryState:
    """A recognized chunk, and the steps that are left for it.

    Attributes:
        first: The result of the first pass.
        steps: Steps that are left, in order.
        best: The least severe results so far: the first result itself, or others in its place.
        failure: The error of the last failed retry.
        latest: The latest step.
    """

    source: RecognizedSource
    first: RecognizedChunk
    steps: list[RetryStep]
    best: list[RecognizedChunk]
    failure: QasrError | None = None
    latest: RetryStep | None = None

    @property
    def is_flagged(self) -> bool:
        """Whether the best result has a flag."""
        return any(result.flags for result in self.best)

    @property
    def is_open(self) -> bool:
        """Whether the best result has a flag, and a step is left to try."""
        return bool(self.steps) and self.is_flagged


def retry_flagged(
    sources: Sequence[RecognizedSource],
    session: Session,
    decode: DecodeOptions,
    guard: GuardOptions,
    contain: Contain,
) -> list[RecognizedSource]:
    """Return the sources with every flagged chunk recognized again.

    Args:
        sources: Any number of sources; chunks without flags stay as they are.
        session: The fallback model is loaded for the first flagged chunk, and then does all retries.
        decode: Options of the first pass.
        guard: Limits of the fallback.
        contain: Runs work that may fail.

    Raises:
        DeviceLostError: The device cannot compute anything more.
    """
    if not any(result.flags for source in sources for result in source.results):
        return list(sources)
    fallback = _fallback_engines(session, contain)
    max_chunk_ms = 0 if fallback is session else fallback.recognizer.capacity.max_chunk_ms
    rows = [_states(source, decode, guard, max_chunk_ms) for source in sources]
    while any(state.is_open for row in rows for state in row):
        rows = _try_next_steps(rows, fallback, contain)
    return [
        replace(
            source,
            results=tuple(result for state in row for result in state.best),
            failures=(*source.failures, *_failures(row)),
        )
        for source, row in zip(sources, rows, strict=True)
    ]


def _fallback_engines(session: Session, contain: Contain) -> Session:
    """Return the session of the fallback model if it can be loaded, or else the first one."""
    if not session.has_fallback:
        return session
    loaded = contain(session.fallback)
    if isinstance(loaded, QasrError):
        session.drop_fallback()
        if session.is_new("no fallback"):
            logger.warning("cannot load the fallback model, retries use the first model: %s", loaded)
        return session
    return loaded


def _failures(row: Sequence[RetryState]) -> list[QasrError]:
    """Return the errors of failed retries, unless another retry of the chunk succeeded."""
    return [state.failure for state in row if state.failure and state.is_flagged]


def plan_steps(
    flags: tuple[str, ...], decode: DecodeOptions, language: str | None, penalty: float
) -> list[RetryStep]:
    """Return the steps for a chunk with these flags, without duplicates.

    The likeliest remedy is first: no context after a context repetition, the right language after a wrong
    one. A chunk without text is retried without a forced language and without context: with these the model
    could not return that there is no speech.

    Args:
        flags: Flags of the first result.
        decode: Options of the first pass.
        language: Code to force, or None.
        penalty: The repetition penalty of the last step.
    """
    without_context = replace(decode, context="")
    first_pass = RetryStep(False, decode)
    if Flag.EMPTY in flags:
        return [
            step
            for step in (RetryStep(True, without_context), RetryStep(False, without_context))
            if step != first_pass
        ]
    in_language = replace(without_context, language=language) if language else without_context
    penalized = replace(in_language, repetition_penalty=penalty)
    steps = [
        RetryStep(True, decode),
        RetryStep(False, without_context),
        RetryStep(False, in_language),
        RetryStep(True, penalized),
    ]
    if Flag.CONTEXT in flags:
        steps[:2] = [RetryStep(False, without_context), RetryStep(True, without_context)]
    elif Flag.SCRIPT in flags or Flag.LANGUAGE in flags:
        steps.insert(0, RetryStep(False, replace(in_language, context=decode.context)))
    return [step for step in dict.fromkeys(steps) if step != first_pass]


def _states(
    source: RecognizedSource, decode: DecodeOptions, guard: GuardOptions, max_chunk_ms: int
) -> list[RetryState]:
    """Return a state for each chunk; `max_chunk_ms` is the fallback model's limit, 0 if there is none."""
    states = []
    for result in source.results:
        if not result.flags:
            states.append(RetryState(source, result, [], [result]))
            continue
        language = language_vote.retry_language(result, source.results, decode, guard)
        steps = plan_steps(result.flags, decode, language, guard.repetition_penalty)
        if result.chunk.duration_ms <= max_chunk_ms:
            steps.insert(0, RetryStep(False, decode))
        states.append(_open(source, result, steps, None if max_chunk_ms else decode))
    return states


def _open(
    source: RecognizedSource,
    result: RecognizedChunk,
    steps: Sequence[RetryStep],
    used: DecodeOptions | None = None,
) -> RetryState:
    """Return a chunk's state; one too short to be split is retried whole, but not with the `used` options."""
    if chunking.halve(result.chunk, source.speech) is None:
        whole = [RetryStep(False, step.options) for step in steps if step.options != used]
        steps = list(dict.fromkeys(whole))
    return RetryState(source, result, list(steps), [result])


def _try_next_steps(
    rows: Sequence[list[RetryState]], session: Session, contain: Contain
) -> list[list[RetryState]]:
    """Recognize every open chunk once more, all in one pass, and return the states after it."""
    requests_of: dict[int, list[RecognitionRequest]] = {}
    for state in (state for row in rows for state in row if state.is_open):
        step = state.latest = state.steps.pop(0)
        chunk = state.first.chunk
        halves = chunking.halve(chunk, state.source.speech) if step.is_split else None
        requests_of[id(state)] = [
            RecognitionRequest(state.source, part, step.options) for part in halves or (chunk,)
        ]
    all_requests = [request for requests in requests_of.values() for request in requests]
    retried = iter(recognize_all(all_requests, session, contain))
    results_of = {key: [next(retried) for _ in requests] for key, requests in requests_of.items()}
    return [
        [after for state in row for after in _advance(state, results_of.get(id(state), []))] for row in rows
    ]


def _advance(state: RetryState, retried: Sequence[RecognizedChunk | QasrError]) -> list[RetryState]:
    """Return the next states after one step's results.

    If the chunk was split and a part is clean, the parts continue separately. Otherwise the whole chunk
    continues, with the less severe result as its best.
    """
    results = [
        hypothesis_selection.without_hallucinated_text(result, state.first)
        for result in retried
        if not isinstance(result, QasrError)
    ]
    if len(results) < len(retried):
        state.failure = next(error for error in retried if isinstance(error, QasrError))
        return [state]
    if (
        results
        and state.latest
        and hypothesis_selection.is_confirmed(state.first, results, state.latest.options)
    ):
        state.best = [replace(state.first, flags=())]
        return [state]
    is_better = hypothesis_selection.is_better(results, state.best, state.first.chunk)
    if is_better and len(results) > 1 and not all(result.flags for result in results):
        return [_open(state.source, result, _steps_left(state, result)) for result in results]
    if is_better:
        state.best = results
    return [state]


def _steps_left(state: RetryState, part: RecognizedChunk) -> Sequence[RetryStep]:
    """Return the steps that are left for a part of a split chunk.

    An empty part can hardly be changed but by another cut: if splitting helped the other part, the empty one
    is split in turn, for as long as that helps.
    """
    if not part.flags:
        return ()
    if Flag.EMPTY not in part.flags or state.steps or state.latest is None:
        return state.steps
    return () if chunking.halve(part.chunk, state.source.speech) is None else (state.latest,)
