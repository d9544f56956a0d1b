"""The step lane: one engine for several live sessions, whose steps share batches.

In go the due steps of all sessions; out they come as partials and finals, through their sessions. A step is
made when the engine is free, of all audio that has arrived by then: under load steps become longer, and
nothing queues. Finals go before partials, and are reviewed and aligned together.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from qasr_cli.errors import OutOfMemoryError, QasrError
from qasr_cli.live.session import LiveSession
from qasr_cli.live.session_options import SessionOptions
from qasr_cli.live.utterance import Decoded, Step
from qasr_cli.options import Options, StreamOptions
from qasr_cli.pipeline.containment import contain, failure_of
from qasr_cli.records import INT16_SCALE, Hypothesis
from qasr_cli.speech.audio.vad import FRAME_SAMPLES
from qasr_cli.speech.inference import batching, stopping
from qasr_cli.speech.inference.session import RunOnEngine, Session
from qasr_cli.speech.inference.streaming import StreamingRecognizer, StreamStep
from qasr_cli.speech.streaming import finals, redecoding
from qasr_cli.speech.streaming.events import Emit
from qasr_cli.speech.streaming.finals import EndedUtterance, FinalOptions, MemoryWaveform
from qasr_cli.speech.streaming.language_inertia import LanguageInertia
from qasr_cli.timebase import MS_PER_S, SAMPLE_RATE_HZ, samples_to_ms

logger = logging.getLogger(__name__)

_WARM_UP_SAMPLES = SAMPLE_RATE_HZ
_WARM_UP_TOKENS = 8  # silence may have no end


@dataclass(frozen=True, slots=True, eq=False)
class _Due:
    """A step and its session."""

    session: LiveSession
    step: Step


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch that was computed.

    Attributes:
        utterances: Number of each step's utterance, in its session.
        audio_ms: Length of each step's audio.
        is_final: Whether each step was the last one of its utterance.
        seconds: What it took, with the review and alignment of finals.
    """

    utterances: tuple[int, ...]
    audio_ms: tuple[int, ...]
    is_final: tuple[bool, ...]
    seconds: float


class StepLane:
    """The lane; `start` gives it a thread, without which `run_once` is called by others.

    Args:
        run: Runs work on the engine's thread.
        clock: Seconds, for latencies and the length of steps.
        on_batch: Called after each batch, on the engine's thread.
    """

    def __init__(
        self,
        run: RunOnEngine,
        clock: Callable[[], float] = time.monotonic,
        on_batch: Callable[[Batch], None] = lambda batch: None,
    ) -> None:
        self._run = run
        self._clock = clock
        self._on_batch = on_batch
        self._changed = threading.Condition()
        self._sessions: list[LiveSession] = []
        self._has_news = self._is_closed = False
        self._last_step_ms = 0
        self._recognizer: tuple[str, int] | None = None  # its id, and the longest utterance it takes
        self._is_hastened = threading.Event()
        self._thread = threading.Thread(target=self._work, name="steps", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread, after the step under way."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def hasten(self) -> None:
        """End the step under way, which nobody waits for, if the engine computes in the lane's thread."""
        self._is_hastened.set()

    def warm_up(self, options: Options) -> None:
        """Compute a batch of silence: the first one loads kernels and takes longer than all others.

        Raises:
            QasrError: The engine cannot work.
        """
        self._run(lambda session: _warm_up(session, options))

    def open(
        self,
        options: Options,
        stream: StreamOptions,
        emit: Emit,
        *,
        source: str = "",
        is_real_time: bool = True,
    ) -> LiveSession:
        """Return a new session, which must be closed; any thread may call it.

        Args:
            options: How its speech is found, decoded, reviewed and aligned.
            stream: When its text is shown and final.
            emit: Takes its events, from two threads but one at a time; it should not block for long.
            source: Name of the input for people, without credentials.
            is_real_time: False if the input waits when the engine is behind.

        Raises:
            QasrError: The engine cannot work.
        """
        if self._recognizer is None:
            self._recognizer = self._run(
                lambda session: (session.recognizer.model_id, session.recognizer.capacity.max_chunk_ms)
            )
        model, longest_ms = self._recognizer
        own = SessionOptions(
            stream.limited_to(longest_ms),
            options.vad,
            FinalOptions(options.decode, options.guard, options.align),
            source,
            is_real_time,
        )
        opened = LiveSession(own, model, emit, self._wake, self._clock)
        with self._changed:
            self._sessions.append(opened)
        return opened

    def run_once(self) -> bool:
        """Compute the batch that is due; return whether there was one."""
        with self._changed:
            self._sessions = [session for session in self._sessions if not session.is_over]
            sessions = list(self._sessions)
        due = [_Due(session, step) for session in sessions for step in session.due(self._last_step_ms)]
        if not due:
            return False
        due.sort(key=_turn)  # stable: the finals of a session stay in order
        failure = failure_of(
            lambda: self._run(lambda session: self._compute(_first_batch(due, session), session))
        )
        if failure is not None:  # the engine itself is gone
            for session in sessions:
                session.fail(failure)
        return True

    def _work(self) -> None:
        stopping.stop_at(self._is_hastened)
        with contextlib.suppress(stopping.Stopped):
            self._take_steps()

    def _take_steps(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._has_news or self._is_closed)
                self._has_news = False
                if self._is_closed:
                    return
            while self.run_once() and not self._is_closed:
                pass

    def _wake(self) -> None:
        with self._changed:
            self._has_news = True
            self._changed.notify_all()

    def _compute(self, batch: Sequence[_Due], session: Session) -> None:
        begun_s = self._clock()
        decoded = _decode(batch, session)
        if not all(one.step.is_final for one in batch):
            self._last_step_ms = round((self._clock() - begun_s) * MS_PER_S)
        ended: list[tuple[_Due, Hypothesis]] = []
        failures: dict[LiveSession, QasrError] = {}
        for due, hypothesis in zip(batch, decoded, strict=True):
            if due.session in failures:  # in order, nothing comes after what has failed
                continue
            if isinstance(hypothesis, OutOfMemoryError) and not due.step.is_final:
                logger.debug("a partial did not fit into memory", exc_info=hypothesis)
                due.session.pass_over(due.step)
            elif isinstance(hypothesis, QasrError):
                failures[due.session] = hypothesis
            elif due.step.is_final:
                ended.append((due, hypothesis))
            else:
                due.session.deliver(Decoded(due.step, hypothesis))
        _conclude(ended, session)
        for failed, error in failures.items():
            failed.fail(error)
        self._on_batch(_described([one.step for one in batch], self._clock() - begun_s))


def _turn(due: _Due) -> tuple[bool, int]:
    """Return the order of a step: finals first, then what waits longest, so that all get their turn."""
    if due.step.is_final:
        return False, 0
    return True, due.step.utterance.n_decoded - len(due.step.samples)


def _warm_up(session: Session, options: Options) -> None:
    recognizer = session.recognizer
    if not isinstance(recognizer, StreamingRecognizer):  # a server's kernels are not ours
        return
    decode = replace(options.decode, max_tokens=_WARM_UP_TOKENS)
    silence = np.zeros(_WARM_UP_SAMPLES, dtype=np.int16)
    stream = recognizer.open_stream(decode)
    audio = silence.astype(np.float32)
    for end, is_final in ((len(audio) // 2, False), (len(audio), False), (len(audio), True)):
        recognizer.advance([StreamStep(stream, audio[:end], is_final)])
    speech = finals.speech_in(silence, np.ones(len(silence) // FRAME_SAMPLES, np.float32), options.vad)
    final = FinalOptions(decode, options.guard, options.align)
    ended = EndedUtterance(0, MemoryWaveform(silence), speech, LanguageInertia(), final)
    finals.finish([(ended, Hypothesis("one two three", "English"))], session, contain)


def _described(steps: Sequence[Step], seconds: float) -> Batch:
    return Batch(
        tuple(step.utterance.number or 0 for step in steps),
        tuple(samples_to_ms(len(step.samples)) for step in steps),
        tuple(step.is_final for step in steps),
        seconds,
    )


def _first_batch(due: Sequence[_Due], session: Session) -> Sequence[_Due]:
    """Return as many first steps as the engine takes at once, at least one."""
    capacity = session.recognizer.capacity
    longest_ms = 1
    for number, one in enumerate(due):
        longest_ms = max(longest_ms, samples_to_ms(len(one.step.samples)))
        if number and (
            number >= capacity.max_batch_size or longest_ms * (number + 1) > capacity.max_batch_ms
        ):
            return due[:number]
    return due


def _decode(batch: Sequence[_Due], session: Session) -> list[Hypothesis | QasrError]:
    """Return the hypothesis of each step, or its error; if all together fail, each is tried alone."""

    def attempt(part: Sequence[_Due]) -> Sequence[Hypothesis] | QasrError:
        hypotheses = contain(lambda: _advance(part, session))
        if isinstance(hypotheses, QasrError):
            for one in part:  # nobody knows what is in the streams now
                one.step.utterance.stream = None
        return hypotheses

    return batching.try_each(batch, attempt)


def _advance(part: Sequence[_Due], session: Session) -> list[Hypothesis]:
    recognizer = session.recognizer
    steps = []
    for one in part:
        utterance = one.step.utterance
        if utterance.stream is None:
            utterance.stream = redecoding.open_stream(recognizer, one.session.options.decode)
        audio = one.step.samples.astype(np.float32) * INT16_SCALE
        steps.append(StreamStep(utterance.stream, audio, one.step.is_final))
    return batching.run_halving(
        steps,
        lambda some: redecoding.advance(recognizer, some),
        [len(step.audio) for step in steps],
        session.recognizer_limit,
    )


def _conclude(ended: Sequence[tuple[_Due, Hypothesis]], session: Session) -> None:
    """Review and align the utterances that have ended, and hand them to their sessions."""
    utterances = [
        (due.step.utterance.ended, hypothesis)
        for due, hypothesis in ended
        if due.step.utterance.ended is not None
    ]
    if not utterances:
        return
    texts = contain(lambda: finals.finish(utterances, session, contain))
    for index, (due, _) in enumerate(ended):
        if isinstance(texts, QasrError):
            due.session.fail(texts)
        else:
            due.session.conclude(due.step.utterance, texts[index])
