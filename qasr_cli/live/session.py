"""A live session: samples in, events out.

In go blocks of samples from one thread, the reader's, and hypotheses from another, the step lane's; out come
events, in the order of time for each utterance. Keeps no audio but that of the open utterance and of those
whose final is still to come, so that a session may last for days. Never reads a clock for the time of audio:
sample 0 is time 0.
"""

from __future__ import annotations

import datetime
import threading
from collections import deque
from collections.abc import Callable, Iterator

import numpy as np

from qasr_cli.errors import QasrError
from qasr_cli.live.lateness import Lateness
from qasr_cli.live.metrics import SessionMetrics
from qasr_cli.live.protocols import Missing
from qasr_cli.live.session_options import SessionOptions
from qasr_cli.live.utterance import Decoded, SampleWindow, Step, Utterance
from qasr_cli.speech.audio.vad import FRAME_MS, FRAME_SAMPLES, FrameProbabilities
from qasr_cli.speech.fallback.review import ReviewedSource
from qasr_cli.speech.streaming.events import (
    Emit,
    Ended,
    Gap,
    Lag,
    Silence,
    SpeechStarted,
    SpeechStopped,
    Started,
)
from qasr_cli.speech.streaming.finals import EndedUtterance, MemoryWaveform, speech_in
from qasr_cli.speech.streaming.language_inertia import LanguageInertia
from qasr_cli.speech.streaming.stable_prefix import StablePrefix
from qasr_cli.speech.streaming.utterances import Closed, UtteranceDetector
from qasr_cli.timebase import MS_PER_S, SAMPLES_PER_MS, ms_to_samples, samples_to_ms

_BLOCK_SAMPLES = 1_600  # 100 ms: larger blocks are taken in parts, so that others get the lock
_HEARTBEAT_MS = 1_000
_AFTER_GAP_MS = (
    2_000  # without a heartbeat: audio of a gap is there at once, and a final before it is not yet
)
_MAX_WAITING_MS = 3_600_000  # 115 MB of samples
_LEAST_ROOM_MS = 2_500  # of an input that can wait: more than the first text takes
_LAST_SILENCE_SAMPLES = ms_to_samples(10_000)  # after it nothing is open: the longest pause is 5 s


class LiveSession:
    """One session; `StepLane.open` makes it.

    Args:
        options: Its options.
        model: Id of the recognizer's weights.
        emit: Takes its events, from two threads but one at a time; it should not block for long.
        wake: Wakes the lane's thread.
        clock: Seconds, for latencies.
    """

    def __init__(
        self,
        options: SessionOptions,
        model: str,
        emit: Emit,
        wake: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self.options = options
        self._model = model
        self._emit = emit
        self._wake = wake
        self._clock = clock
        self._frames = FrameProbabilities(1)
        self._frames_lock = threading.Lock()  # the reader may be stuck in `feed` while another thread closes
        self._changed = threading.Condition()
        self._detector = UtteranceDetector(options.vad, options.stream)
        self._window = SampleWindow()
        self._inertia = LanguageInertia()
        self._open: Utterance | None = None
        self._ended: deque[Utterance] = deque()
        self._n_utterances = 0
        self._heartbeat_ms = 0
        self._lateness = Lateness()
        self._last_step_ms = 0  # of the lane
        self._has_started = self._is_ending = self._is_over = self._is_abandoned = False
        self._failure: QasrError | None = None
        self._metrics = SessionMetrics()

    # ── the reader's thread ─────────────────────────────────────────────────────────────────────────────

    def feed(self, samples: np.ndarray) -> None:
        """Add `int16[n_samples]`; wait first if the engine is behind and the input can wait.

        Raises:
            QasrError: The engine has failed.
        """
        for begin in range(0, len(samples), _BLOCK_SAMPLES):
            block = samples[begin : begin + _BLOCK_SAMPLES]
            self._start()
            if not self._has_room():
                self._lose(len(block), "the engine is too slow")
                continue
            self._add(block)

    def missing(self, missing: Missing) -> None:
        """Put silence in the place of audio that the input has lost.

        Raises:
            QasrError: The engine has failed.
        """
        if missing.duration_ms > 0:
            self._start()
            self._lose(ms_to_samples(missing.duration_ms), missing.reason)

    def end_utterance(self) -> None:
        """End the open utterance now, pause or not; one that is too short for any text goes on."""
        with self._changed:
            if self._open is not None and self._open.number is not None:
                self._take(self._detector.close())
        self._wake()

    def end(self) -> None:
        """No more audio comes: end the open utterance, and do not wait for its final."""
        with self._frames_lock, self._changed:
            self._is_ending = True
            probs = self._frames.finish()
            if self._detector.current is not None:  # less than a frame, alone, is no speech
                for probability in probs:
                    self._take(self._detector.add(float(probability)))
            self._take(self._detector.close())
        self._wake()

    def close(self) -> None:
        """End the session after its last final.

        Raises:
            QasrError: The engine has failed.
        """
        self._start()
        self.end()
        with self._changed:
            self._changed.wait_for(lambda: not self._ended or self._failure or self._is_abandoned)
        self.finish()

    def abandon(self) -> None:
        """Let `close` wait for nothing more."""
        with self._changed:
            self._is_abandoned = True
            self._changed.notify_all()

    def finish(self) -> None:
        """Emit the end, after the last final; as often as it is called, it does so once.

        Raises:
            QasrError: The engine has failed.
        """
        with self._changed:
            if not self._is_over:
                self._is_over = True
                figures = self._metrics.summary() | {"max_lag_ms": self._lateness.max_ms}
                self._emit(Ended(self.now_ms, figures))
            if self._failure is not None:
                raise self._failure
        self._wake()

    @property
    def failure(self) -> QasrError | None:
        """What the engine has failed with, and the next call of the reader raises."""
        return self._failure

    @property
    def lag_ms(self) -> int:
        """Milliseconds of speech that are received and not recognized yet; any thread may ask."""
        with self._changed:
            return self.waiting_ms

    @property
    def now_ms(self) -> int:
        """The length of the session so far."""
        return samples_to_ms(self._window.n_samples)

    def _start(self) -> None:
        utc = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with self._changed:
            if self._has_started:
                return
            self._has_started = True
            self._emit(Started(self.options.source, self._model, self.options.decode.language, utc))

    def _has_room(self) -> bool:
        """Wait until there is room for a block if the input can wait; return whether there is.

        Raises:
            QasrError: The engine has failed.
        """
        with self._changed:
            if not self.options.is_real_time:
                room_ms = max(_LEAST_ROOM_MS, 2 * self.options.stream.step_ms)
                self._changed.wait_for(
                    lambda: self.waiting_ms <= room_ms or self._failure or self._is_abandoned
                )
            if self._failure is not None:
                raise self._failure
            return self.waiting_ms < _MAX_WAITING_MS

    def _lose(self, n_samples: int, reason: str) -> None:
        with self._changed:
            if self._is_ending:
                return
            start_ms = self.now_ms
            self._metrics.missing_ms += n_samples // SAMPLES_PER_MS
            self._emit(Gap(start_ms, start_ms + samples_to_ms(n_samples), reason))
            self._heartbeat_ms = start_ms + samples_to_ms(n_samples) + _AFTER_GAP_MS
        n_skipped = max(0, n_samples - _LAST_SILENCE_SAMPLES) // FRAME_SAMPLES * FRAME_SAMPLES
        for begin in range(0, n_samples - n_skipped, _BLOCK_SAMPLES):
            self._add(np.zeros(min(_BLOCK_SAMPLES, n_samples - n_skipped - begin), dtype=np.int16))
        self._skip(n_skipped)

    def _skip(self, n_samples: int) -> None:
        """Add whole frames of silence behind silence: hours of it would hold the reader up for minutes."""
        with self._frames_lock, self._changed:
            if n_samples and not self._is_ending:
                self._take(self._detector.close())
                self._window.skip(n_samples)
                self._detector.skip(n_samples // FRAME_SAMPLES)

    def _add(self, block: np.ndarray) -> None:
        with self._frames_lock:
            if self._is_ending:
                return
            probs = self._frames.feed(block)
        with self._changed:
            self._window.append(block)
            for probability in probs:
                self._take(self._detector.add(float(probability)))
            self._window.drop_before(self._detector.earliest * FRAME_SAMPLES)
            self._lateness.note(self.now_ms, has_work=bool(self._ended) or self._has_partial_due())
            self._beat()
        self._wake()

    def _take(self, closed: Closed | None) -> None:
        """Follow the detector: an utterance may have ended, and another one begun."""
        if closed is not None and self._open is not None:
            ended, self._open = self._open, None
            if ended.number is not None or closed.is_real:
                self._end(ended, closed)
        bounds = self._detector.current
        if bounds is None:
            return
        if self._open is None:
            until_ms = (bounds.start + self._detector.earliest_cut) * FRAME_MS
            self._open = Utterance(bounds.start * FRAME_SAMPLES, StablePrefix(until_ms))
        if bounds.is_real:
            self._count(self._open)

    def _count(self, utterance: Utterance) -> None:
        """Give an utterance its number, now that it is certain that somebody speaks."""
        if utterance.number is None:
            utterance.number = self._n_utterances
            self._n_utterances += 1
            self._emit(SpeechStarted(utterance.number, samples_to_ms(utterance.start)))

    def _end(self, utterance: Utterance, closed: Closed) -> None:
        self._count(utterance)
        assert utterance.number is not None  # noqa: S101 - just counted
        samples = self._window.read(utterance.start, closed.end * FRAME_SAMPLES)
        start_ms = samples_to_ms(utterance.start)
        utterance.ended = EndedUtterance(
            start_ms,
            MemoryWaveform(samples),
            speech_in(samples, closed.probs, self.options.vad),
            self._inertia,
            self.options.final,
        )
        utterance.decided_s = self._clock()
        self._ended.append(utterance)
        self._heartbeat_ms = max(self._heartbeat_ms, self.now_ms)
        self._emit(SpeechStopped(utterance.number, start_ms + utterance.ended.waveform.duration_ms))

    def _beat(self) -> None:
        is_speech = self._open is not None and self._open.number is not None
        if not is_speech and self.now_ms >= self._heartbeat_ms + _HEARTBEAT_MS:
            self._heartbeat_ms = self.now_ms
            self._emit(Silence(self.now_ms))

    # ── the lane's thread ───────────────────────────────────────────────────────────────────────────────

    @property
    def is_over(self) -> bool:
        """Whether the lane may forget the session."""
        return self._is_over or self._failure is not None

    @property
    def waiting_ms(self) -> int:
        """Milliseconds of speech that the engine has not got; the lock is held."""
        n_waiting = sum(utterance.n_undecoded for utterance in self._ended)
        bounds = self._detector.current
        if self._open is not None and bounds is not None and bounds.has_enough:
            n_waiting += max(0, self._certain_samples(self._open) - self._open.n_decoded)
        return samples_to_ms(n_waiting)

    def due(self, last_step_ms: int) -> list[Step]:
        """Return the steps that are due: finals, and a partial if there is enough new audio.

        Args:
            last_step_ms: What the lane's last step took: partials that came faster would only queue.
        """
        with self._changed:
            if self._is_over:
                return []
            self._last_step_ms = last_step_ms
            self._watch_lag()
            finals = [
                Step(utterance, utterance.ended.waveform.samples, True)
                for utterance in self._ended
                if utterance.ended is not None
            ]
            return [*finals, *self._partial_due()]

    def deliver(self, decoded: Decoded) -> None:
        """Take a partial's hypothesis."""
        utterance, n_samples = decoded.step.utterance, len(decoded.step.samples)
        with self._changed:
            utterance.n_decoded = n_samples
            self._lateness.taken()
            if utterance is self._open:
                self._show(utterance, decoded)
            self._changed.notify_all()

    def pass_over(self, step: Step) -> None:
        """Go on without a partial that has failed: the next one has its audio, too."""
        with self._changed:
            step.utterance.n_decoded = len(step.samples)
            self._lateness.taken()
            self._changed.notify_all()

    def conclude(self, utterance: Utterance, text: ReviewedSource) -> None:
        """Take the final text of the utterance that ended first."""
        with self._changed:
            if self._is_over:  # nobody has waited for it
                return
            ended = self._ended.popleft()
            assert ended is utterance  # noqa: S101 - finals are in order
            compute_ms = round((self._clock() - utterance.decided_s) * MS_PER_S)
            whole = " ".join(segment.text for segment in text.segments)
            self._metrics.count_final(compute_ms, utterance.prefix, whole)
            utterance.stream = None
            self._lateness.taken()
            self._emit(utterance.final(text, compute_ms))
            self._changed.notify_all()

    def fail(self, error: QasrError) -> None:
        """End the session with an error, which its reader gets."""
        with self._changed:
            self._failure = error
            self._ended.clear()
            self._open = None
            self._changed.notify_all()

    def _partial_due(self) -> Iterator[Step]:
        utterance = self._open
        if utterance is not None and self._has_partial_due() and not self._lateness.is_late:
            end = utterance.start + self._certain_samples(utterance)
            yield Step(utterance, self._window.read(utterance.start, end), False)

    def _has_partial_due(self) -> bool:
        utterance, bounds = self._open, self._detector.current
        if utterance is None or bounds is None or not bounds.has_enough:
            return False
        # What comes faster than it is spoken is taken as fast as the engine is, without a longer step.
        step_ms = self.options.stream.step_ms
        least_ms = max(step_ms, self._last_step_ms) if self.options.is_real_time else step_ms
        return self._certain_samples(utterance) - utterance.n_decoded >= ms_to_samples(least_ms)

    def _certain_samples(self, utterance: Utterance) -> int:
        end = min(self._detector.certain_end * FRAME_SAMPLES, self._window.n_samples)
        return end - utterance.start

    def _watch_lag(self) -> None:
        """Leave partials out while the engine is behind, and tell when that begins and ends."""
        waiting_ms, is_queue = self.waiting_ms - self.options.stream.step_ms, bool(self._ended)
        if self.options.is_real_time and self._lateness.judge(self.now_ms, waiting_ms, is_queue=is_queue):
            self._emit(Lag(self.waiting_ms, self._lateness.is_late))

    def _show(self, utterance: Utterance, decoded: Decoded) -> None:
        clear_ms = self._detector.current.n_clear * FRAME_MS if self._detector.current else 0
        partial = utterance.shown(decoded, clear_ms, self.options.decode)
        if partial is not None:
            self._metrics.n_partials += 1
            self._emit(partial)
