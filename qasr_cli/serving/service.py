"""The service behind every protocol: uploads become jobs, jobs share one pool, results are kept for a while.

In go uploads and asks; out come jobs. Any thread may call it. A recording goes through the stages of a file:
decoded on a thread (`preparing`), recognised with all others (`request_lane`), and finished on a thread. The
service knows no protocol, writes nothing but scratch files, and never has a whole recording in memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qasr_cli.errors import DeviceLostError, QasrError
from qasr_cli.options import DecodeOptions, Options
from qasr_cli.pipeline.engine_cache import EngineCache
from qasr_cli.serving.ask import Ask, Upload
from qasr_cli.serving.clips import Clip, RecognizedClip
from qasr_cli.serving.jobs import Job, JobStore
from qasr_cli.serving.live_sessions import LiveSessions, MakeSpeechLane
from qasr_cli.serving.preparing import SMALL_BYTES, PreparePool
from qasr_cli.serving.recordings import Lanes, Recording
from qasr_cli.serving.refusals import DrainingError, OverloadedError
from qasr_cli.serving.request_lane import RequestLane
from qasr_cli.speech.inference.protocols import AlignRequest, Engines, refuse_unknown_languages
from qasr_cli.speech.inference.session import Session
from qasr_cli.timebase import SAMPLE_RATE_HZ

logger = logging.getLogger(__name__)

_MIN_RETRY_S, _MAX_RETRY_S = 1, 120  # openai-python waits no longer than two minutes
_SPEED = 20.0  # RTFx until it is measured
_BYTES_PER_MS = 16  # of media that is not decoded yet: 128 kbit/s …
_MOST_GUESSED_MS = 3_600_000  # … and most bytes of a large file are a picture's
_LEAST_MS = 1_000  # of any recording: ffmpeg has to be started for each, so that thousands must not wait
_POLL_S = 0.2
_N_FINISHERS = 2  # a film's cues take a second; a dictated sentence does not wait for them


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """The limits of a service.

    Attributes:
        max_waiting_ms: Audio that may wait; more is refused.
        keep_s: Seconds for which results are kept.
        idle_s: Seconds without work after which the engines are released; 0 never releases them.
        max_live: Live sessions at once; more are refused.
    """

    max_waiting_ms: int = 4 * 3_600_000
    keep_s: float = 6 * 3600.0
    idle_s: float = 0.0
    max_live: int = 16


class Service:
    """Jobs over one pool of engines.

    Args:
        options: The whole tree: what holds for a request that says nothing else.
        limits: The limits.
        load: Returns a session of engines.
        reclaim: Frees the memory of engines that are no longer referenced.
        folder: The scratch folder, empty; uploads are put there.
        make_speech_lane: Returns what computes the steps of live sessions; None if there are to be none.

    Attributes:
        jobs: All jobs that are known.
        live: The live sessions.
        failure: Why the service cannot go on; None as long as it can.
        on_failure: Called then, from any thread.
        on_begun: Called when the first chunk of a job is about to be computed, from any thread.
        created_s: When the service was made, in seconds since 1970.
    """

    def __init__(
        self,
        options: Options,
        limits: ServiceLimits,
        load: Callable[[], Session],
        reclaim: Callable[[], None],
        folder: Path,
        make_speech_lane: MakeSpeechLane | None = None,
    ) -> None:
        self.options = options
        self.limits = limits
        self.folder = folder
        self.jobs = JobStore(limits.keep_s)
        self.failure: QasrError | None = None
        self.on_failure: Callable[[], None] = lambda: None
        self.on_begun: Callable[[Job], None] = lambda job: None
        self.created_s = time.time()
        self._load = load
        self._numbers = itertools.count()
        self._counting = threading.Lock()
        self._n_arriving = 0
        self._n_open = 0
        self._undecoded_ms = 0
        self._model_ids: tuple[str, str] | None = None
        self._is_draining = False
        self._idle = threading.Condition()
        self._preparing = PreparePool(options.run.workers)
        self._finishing = ThreadPoolExecutor(_N_FINISHERS, thread_name_prefix="finish")
        self.lane = RequestLane(
            EngineCache(self._load_warm, reclaim, limits.idle_s), lambda: self._n_near, self._lost
        )
        self._lanes = Lanes(self._engines, self.lane.add, self._finish, self._over, self._begun)
        self._clips: set[Clip] = set()
        speech_lane = make_speech_lane(self.lane.run) if make_speech_lane and limits.max_live else None
        self.live = LiveSessions(speech_lane, limits.max_live, self._notify_idle)

    # ── state ───────────────────────────────────────────────────────────────────────────────────────────

    @property
    def state(self) -> str:
        """One of `loading`, `ready`, `draining` and `failed`."""
        if self.failure is not None:
            return "failed"
        if self._is_draining:
            return "draining"
        return "loading" if self._model_ids is None else "ready"

    @property
    def model_id(self) -> str:
        """Identifies the recognizer's weights; "" before they were loaded once."""
        return self._model_ids[0] if self._model_ids else ""

    @property
    def speed(self) -> float:
        """Measured seconds of audio that the engines recognise in a second."""
        counts = self.lane.counts
        return max(0.1, counts.audio_ms / 1000 / counts.busy_s) if counts.busy_s > 1 else _SPEED

    @property
    def waiting_ms(self) -> int:
        """Milliseconds of audio that are received and not recognised yet; estimated if not decoded."""
        return self._undecoded_ms + self.lane.waiting_ms

    @property
    def n_open(self) -> int:
        """Number of recordings that are not over."""
        return self._n_open

    # ── requests ────────────────────────────────────────────────────────────────────────────────────────

    def admit(self, *, is_refusable: bool = True) -> None:
        """Refuse a request before its body is read.

        Args:
            is_refusable: Whether its client understands that it may ask again.

        Raises:
            DrainingError: The server is about to end.
            OverloadedError: Too much audio waits.
        """
        if self._is_draining:
            raise DrainingError("the server is about to end")
        waiting_ms = self.waiting_ms
        if is_refusable and waiting_ms > self.limits.max_waiting_ms:
            retry_s = min(_MAX_RETRY_S, max(_MIN_RETRY_S, math.ceil(waiting_ms / 1000 / self.speed)))
            raise OverloadedError.after(retry_s, f"{waiting_ms / 60_000:.0f} minutes of audio wait already")

    @contextlib.contextmanager
    def arriving(self, n_bytes: int | None) -> Iterator[None]:
        """Note that a body of so many bytes is being received; batches wait a moment for a small one."""
        is_small = n_bytes is not None and n_bytes <= SMALL_BYTES
        with self._counting:
            self._n_arriving += is_small
        try:
            yield
        finally:
            with self._counting:
                self._n_arriving -= is_small
            if is_small:
                self.lane.notify()

    def submit(self, ask: Ask, upload: Upload) -> Job:
        """Return the job of an upload: a new one, or the one of the same content and options.

        The upload's file belongs to the service from here on.

        Raises:
            DrainingError: The server is about to end.
        """
        self._refuse_if_draining(upload)
        job, is_new = self.jobs.join(self._key(ask, upload), ask, upload.name)
        if is_new:
            recording = Recording(job, upload, next(self._numbers), self._lanes)
            self._prepare(upload, recording.prepare)
        else:
            _remove(upload)
        return job

    def recognize(self, upload: Upload, options: Options) -> Future[RecognizedClip]:
        """Recognise a clip of at most one chunk, once, with these decoding options.

        Raises:
            DrainingError: The server is about to end.
        """
        self._refuse_if_draining(upload)
        clip = Clip(upload, options, next(self._numbers), self.lane.add)
        with self._counting:
            self._clips.add(clip)
        clip.future.add_done_callback(lambda _: self._over(clip))
        self._prepare(upload, clip.prepare)
        return clip.future

    def _refuse_if_draining(self, upload: Upload) -> None:
        if self._is_draining or self.failure is not None:
            _remove(upload)
            raise DrainingError("the server is about to end")

    def _key(self, ask: Ask, upload: Upload) -> str:
        """Return what decides a result: content, purpose, options, and the text to align."""
        options = ask.options.fingerprint(*(self._model_ids or ("", "")))
        script = "" if ask.script is None else repr((ask.script.blocks, ask.script.is_cued))
        return hashlib.sha256(f"{upload.digest} {ask.purpose} {options} {script}".encode()).hexdigest()

    def _prepare(self, upload: Upload, work: Callable[[], None]) -> None:
        guess_ms = min(upload.n_bytes // _BYTES_PER_MS, _MOST_GUESSED_MS)
        estimate_ms = max(_LEAST_MS, guess_ms)
        with self._idle:
            self._n_open += 1
        with self._counting:
            self._undecoded_ms += estimate_ms

        def decode() -> None:
            try:
                work()
            finally:
                with self._counting:
                    self._undecoded_ms -= estimate_ms
                self.lane.notify()

        self._preparing.submit(upload.n_bytes, decode)

    # ── lanes ───────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _n_near(self) -> int:
        return self._n_arriving + self._preparing.n_small

    def _engines(self) -> Engines:
        engines = self.lane.engines
        assert engines is not None  # noqa: S101 - called while the lane is loaded
        return engines

    def _finish(self, work: Callable[[], None]) -> None:
        self._finishing.submit(work)

    def _begun(self, job: Job) -> None:
        self.on_begun(job)

    def _over(self, request: Recording | Clip) -> None:
        if isinstance(request, Clip):
            with self._counting:
                self._clips.discard(request)
        with self._idle:
            self._n_open -= 1
            self._idle.notify_all()

    def _notify_idle(self) -> None:
        with self._idle:
            self._idle.notify_all()

    def _load_warm(self) -> Session:
        """Return the engines, once they have computed something: a first request must not pay for that."""
        session = self._load()
        decoding = self.options.decode
        refuse_unknown_languages(session.engines.languages, decoding, self.options.engine.engine)
        silence = np.zeros(SAMPLE_RATE_HZ // 2, np.float32)
        for one in (session, *session.replicas):
            one.recognizer.recognize([silence], DecodeOptions())
            if one.aligner is not None:
                one.aligner.align([AlignRequest(silence, ("a",), "English")])
        self._model_ids = (session.recognizer.model_id, session.engines.aligner_id)
        return session

    def _lost(self, error: QasrError) -> None:
        """Note what ends the service: a lost device, or engines that cannot be loaded at the start."""
        if isinstance(error, DeviceLostError) or self._model_ids is None:
            self.failure = error
            self.on_failure()
        else:
            logger.error("%s", error)

    # ── begin and end ───────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Start the threads and load the engines; `state` tells when they are ready."""
        self._preparing.start()
        self.lane.start()
        self.live.start()

    def drain(self, seconds: float, stop: threading.Event) -> None:
        """Take no more requests, and wait until all are over, a time has passed, or `stop` is set.

        Live sessions make their last words final. Jobs without a waiting client end at once: nobody can fetch
        their results any more.
        """
        self._is_draining = True
        for job in self.jobs.open_jobs():
            if not job.has_clients:
                job.fail(DrainingError("the server is about to end"))
        self.live.drain()
        self.lane.notify()
        until_s = time.monotonic() + seconds
        with self._idle:
            while (
                (self._n_open or self.live.n_open)
                and not stop.is_set()
                and (left_s := until_s - time.monotonic()) > 0
            ):
                self._idle.wait(min(left_s, _POLL_S))

    def close(self) -> None:
        """End what is left, and the threads."""
        self._is_draining = True
        for job in self.jobs.open_jobs():
            job.fail(DrainingError("the server is about to end"))
        for clip in list(self._clips):
            clip.fail(DrainingError("the server is about to end"))
        self._preparing.close()
        self.live.abandon()
        self.lane.close()
        self.live.close()
        self._finishing.shutdown(cancel_futures=True)


def _remove(upload: Upload) -> None:
    with contextlib.suppress(OSError):
        upload.path.unlink()
