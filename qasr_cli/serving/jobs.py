"""Jobs: one recording on its way through the server, for one client or for several that sent the same.

In go asks; out come results, and events on the way. Any thread may call a job or the store; both have a lock.
Events are functions that are called from any thread: whoever waits in an event loop hands them over.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from qasr_cli.errors import QasrError, without_frames
from qasr_cli.pipeline.script import AlignedScript
from qasr_cli.records import Transcript
from qasr_cli.serving.ask import Ask
from qasr_cli.serving.refusals import CancelledError

_MAX_KEPT = 1_000  # finished jobs
_MAX_KEPT_MS = 500 * 3_600_000  # of audio in them: about 1 GB of words
_WORTH_KEEPING_MS = 60_000  # a shorter recording is transcribed again sooner than it is found
_GOES_ON_MS = 300_000  # a client that gives up on so long a recording usually comes back for it


class JobState(StrEnum):
    """The state of a job; the last three are final."""

    QUEUED = "queued"
    DECODING = "decoding"
    RECOGNIZING = "recognizing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})


@dataclass(frozen=True, slots=True)
class JobResult:
    """The result of a job.

    Attributes:
        transcript: The text and its words; without words' own times if the ask did not want them.
        aligned: For `Purpose.ALIGN` the script's words with their times.
        language: Code of the language; None without speech.
        warnings: Doubtful passages and defects of the media, one line each.
        n_tokens: Tokens that the recognizer wrote.
    """

    transcript: Transcript
    aligned: AlignedScript | None = None
    language: str | None = None
    warnings: tuple[str, ...] = ()
    n_tokens: int = 0


class Job:
    """One recording and one ask.

    Args:
        key: Equal for jobs with the same result.
        ask: What is wanted.
        name: The client's name for the recording.

    Attributes:
        id: Not to be guessed.
        created_s: When it was made, in seconds since 1970.
        begun_s: When its first chunk was computed, by the monotonic clock; None before.
        audio_ms: Length of the recording; 0 until it is decoded.
        speech_ms: Milliseconds of speech in it.
        done_ms: Milliseconds of speech that are recognised.
        text: Begin of the text that cannot change any more.
        stop: Set when it is final: nothing more needs to be computed for it.
        is_kept: Whether what becomes of it is kept, for a client who fetches it later.
        result: Set in the state DONE.
        error: Set in the states FAILED and CANCELLED.
    """

    def __init__(self, key: str, ask: Ask, name: str) -> None:
        self.id = secrets.token_hex(16)
        self.key = key
        self.ask = ask
        self.name = name
        self.created_s = time.time()
        self.begun_s: float | None = None
        self.finished_s: float | None = None
        self.audio_ms = self.speech_ms = self.done_ms = 0
        self.text = ""
        self.state = JobState.QUEUED
        self.result: JobResult | None = None
        self.error: QasrError | None = None
        self.stop = threading.Event()
        self.is_kept = ask.is_kept
        self._n_clients = 0
        self._n_fetching = int(ask.is_kept)  # clients that will fetch the result later
        self._lock = threading.RLock()
        self._listeners: dict[int, Callable[[], None]] = {}

    @property
    def is_final(self) -> bool:
        """Whether nothing changes any more."""
        return self.state in FINAL

    @property
    def is_cancelled(self) -> bool:
        """Whether nobody wants it any more."""
        return self.state is JobState.CANCELLED

    def subscribe(self, listener: Callable[[], None], *, is_client: bool = True) -> Callable[[], None]:
        """Call a function after every change, from any thread, and at once; return how to end that.

        A client waits for the result: without any, a job that is not kept is cancelled. Who only looks on is
        no client.
        """
        with self._lock:
            number = max(self._listeners, default=0) + 1
            self._listeners[number] = listener
            self._n_clients += is_client
        listener()

        def leave() -> None:
            with self._lock:
                if self._listeners.pop(number, None) is None:
                    return
                self._n_clients -= is_client
                is_left_alone = is_client and not self._is_wanted and self.audio_ms < _GOES_ON_MS
            if is_left_alone:
                self.cancel("its client is gone")

        return leave

    def give_up(self) -> None:
        """End the interest of a client that would have fetched the result later.

        The job is cancelled unless another client, with the same recording, waits for it or will fetch it.
        """
        with self._lock:
            self._n_fetching = max(0, self._n_fetching - 1)
            is_wanted = self._is_wanted
        if not is_wanted:
            self.cancel()

    def keep(self) -> None:
        """Keep the result for one more client, who fetches it later."""
        with self._lock:
            self.is_kept = True
            self._n_fetching += 1

    def cancel(self, why: str = "cancelled") -> None:
        """End it if it is not final; what is being computed for it is dropped."""
        self.enter(JobState.CANCELLED, error=CancelledError(f"{self.name}: {why}"))

    def fail(self, error: QasrError) -> None:
        """End it with an error, if it is not final."""
        self.enter(JobState.FAILED, error=without_frames(error))

    def succeed(self, result: JobResult) -> None:
        """End it with a result, if it is not final."""
        self.enter(JobState.DONE, result=result)

    def enter(
        self, state: JobState, *, result: JobResult | None = None, error: QasrError | None = None
    ) -> None:
        """Enter a state, and tell the clients; a final state stays."""
        with self._lock:
            if self.is_final:
                return
            self.result, self.error = result, error
            self.state = state  # last: who reads it without the lock finds what belongs to it
            if state in FINAL:
                self.finished_s = time.monotonic()
                self.stop.set()
        self.tell()

    def tell(self) -> None:
        """Tell the clients that something has changed."""
        with self._lock:
            listeners = list(self._listeners.values())
        for listener in listeners:
            listener()

    @property
    def _is_wanted(self) -> bool:
        return self._n_clients > 0 or self._n_fetching > 0

    @property
    def has_clients(self) -> bool:
        """Whether somebody waits for it."""
        return self._n_clients > 0

    @property
    def is_worth_keeping(self) -> bool:
        """Whether its result is kept once its clients have it."""
        return self.state is JobState.DONE and (self.is_kept or self.audio_ms >= _WORTH_KEEPING_MS)


class JobStore:
    """Jobs by their ids and keys.

    Args:
        keep_s: Seconds for which finished jobs are kept; 0 keeps none.
    """

    def __init__(self, keep_s: float) -> None:
        self._keep_s = keep_s
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._by_key: dict[str, Job] = {}

    def join(self, key: str, ask: Ask, name: str) -> tuple[Job, bool]:
        """Return the job with a key, made if there is none that can be joined, and whether it is new."""
        self.sweep()
        with self._lock:
            job = self._by_key.get(key)
            if job is not None and job.state not in {JobState.FAILED, JobState.CANCELLED}:
                if ask.is_kept:
                    job.keep()
                return job, False
            job = Job(key, ask, name)
            self._jobs[job.id] = self._by_key[key] = job
            return job, True

    def find(self, job_id: str) -> Job | None:
        """Return the job with an id."""
        self.sweep()
        with self._lock:
            return self._jobs.get(job_id)

    def open_jobs(self) -> list[Job]:
        """Return the jobs that are not final."""
        with self._lock:
            return [job for job in self._jobs.values() if not job.is_final]

    def counts(self) -> dict[JobState, int]:
        """Return the number of jobs in each state."""
        with self._lock:
            states = [job.state for job in self._jobs.values()]
        return {state: states.count(state) for state in JobState}

    def sweep(self) -> None:
        """Forget finished jobs: those that nobody will fetch at once, others when their time is over."""
        with self._lock:
            for job in list(self._outdated()):
                del self._jobs[job.id]
                if self._by_key.get(job.key) is job:
                    del self._by_key[job.key]

    def _outdated(self) -> Iterator[Job]:
        now_s = time.monotonic()
        kept, kept_ms = 0, 0
        for job in reversed(self._jobs.values()):  # the newest first
            if job.finished_s is None or job.has_clients:
                continue
            kept, kept_ms = kept + 1, kept_ms + job.audio_ms
            is_wanted = job.is_worth_keeping or job.is_kept  # failures of kept jobs are fetched, too
            is_over = now_s - job.finished_s >= self._keep_s
            if not is_wanted or is_over or kept > _MAX_KEPT or kept_ms > _MAX_KEPT_MS:
                yield job
