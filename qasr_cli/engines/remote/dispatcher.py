"""Requests to several servers at once: threads, retries and patience.

In go the requests of a batch; out comes a hypothesis or an error for each, in order. Threads take a chunk and
the server that is likely to be done first (`balance`), and put the chunk back to the front if that failed. A
chunk that has an answer is never sent again. What a failure means:

    busy       the server is left alone for a while; the chunk waits, for as long as it takes
    failed     the server is benched until it has answered about silence; another one gets the chunk. A chunk
               that was there at four failures, of servers that worked afterwards, is given up
    rejected   the chunk is given up
    refused    the key, the model or the address is wrong: the run ends

Without an answer from any server for as long as the patience lasts, the run ends, too.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from qasr_cli.engines.remote import balance
from qasr_cli.engines.remote.balance import ServerState
from qasr_cli.engines.remote.chunk_request import ChunkRequest
from qasr_cli.engines.remote.reply_errors import BusyError, FailedError, RefusedError, ReplyError, one_line
from qasr_cli.engines.remote.server import Server
from qasr_cli.engines.remote.transport import Deadlines
from qasr_cli.errors import QasrError, RemoteError, ServersLostError
from qasr_cli.records import Hypothesis
from qasr_cli.speech.inference import stopping
from qasr_cli.timebase import MS_PER_S

logger = logging.getLogger(__name__)

_N_FAILURES = 4  # of one chunk, on servers that work
_MAX_THREADS = 256
_N_LOOKED_AT = 64  # chunks at the front of the queue, for one that a free server may have
_IDLE_S = 20.0  # after which a thread without work ends
_LOOK_S = 0.1  # how often a waiting batch asks whether it is still wanted
_BASE_S, _PER_AUDIO_S = 60.0, 2.0  # a request's limit: a start, and twice the audio that the server has


@dataclass(slots=True, eq=False)
class _Task:
    """A chunk on its way; `result` ends it.

    Attributes:
        failures: The servers that failed while they had it, and when.
        is_dropped: Nobody waits for it any more.
    """

    chunk: ChunkRequest
    result: Hypothesis | QasrError | None = None
    failures: list[tuple[ServerState, float]] = field(default_factory=list)
    avoided: ServerState | None = None
    is_dropped: bool = False

    @property
    def is_to_blame(self) -> bool:
        """Whether it was there at each of several failures of servers that have worked since."""
        n_proven = sum(state.proven_s > at_s for state, at_s in self.failures)
        return n_proven >= _N_FAILURES - 1


class Dispatcher:
    """Sends chunks to servers. Several threads may wait for their batches at once.

    Args:
        servers: Each with its form of speech; those in `benched` have not answered yet.
        model: The model's name on all of them.
        in_flight: Maximum requests at once for each.
        patience_s: Seconds without any answer after which the run ends.
        deadlines: Of the servers' requests.
        benched: Why servers do not work yet, by their position.
    """

    def __init__(
        self,
        servers: Sequence[Server],
        model: str,
        in_flight: int,
        patience_s: float,
        deadlines: Deadlines,
        benched: dict[int, str] | None = None,
    ) -> None:
        self._states = [ServerState(server, in_flight) for server in servers]
        for position, reason in (benched or {}).items():
            self._states[position].bench(time.monotonic(), reason)
        self._model = model
        self._patience_s = patience_s
        self._deadlines = deadlines
        self._lock = threading.RLock()
        self._has_work = threading.Condition(self._lock)  # for the threads
        self._is_done = threading.Condition(self._lock)  # for batches
        self._waiting: deque[_Task] = deque()
        self._n_open = 0  # tasks without a result
        self._n_threads = self._n_idle = 0
        self._max_threads = min(in_flight * len(servers), _MAX_THREADS)
        self._alive_s = 0.0  # when a server last showed that it works, or the wait began
        self._fatal: RemoteError | None = None
        self._is_closed = False

    def close(self) -> None:
        """End the threads and close the connections; nothing is sent any more."""
        with self._lock:
            self._is_closed = True
            self._has_work.notify_all()
        self._deadlines.end_all()
        self._close_idle()

    def _close_idle(self) -> None:
        for state in self._states:
            state.server.close()

    def recognize(self, chunks: Sequence[ChunkRequest]) -> list[Hypothesis | QasrError]:
        """Return a hypothesis for each chunk, or the error that it was given up with.

        Raises:
            RemoteError: The servers refuse every request.
            ServersLostError: No server has answered for too long.
        """
        tasks = [_Task(chunk) for chunk in chunks]
        with self._lock:
            if not self._n_open:
                self._alive_s, self._fatal = time.monotonic(), None
            self._n_open += len(tasks)
            self._waiting.extend(tasks)
            self._start_threads()
            self._has_work.notify(len(tasks))
        try:
            return self._wait_for(tasks)
        except BaseException:
            self._drop(tasks)
            raise

    def _wait_for(self, tasks: Sequence[_Task]) -> list[Hypothesis | QasrError]:
        while True:
            with self._lock:
                if self._fatal is not None:
                    raise self._fatal
                results = [task.result for task in tasks if task.result is not None]
                if len(results) == len(tasks):
                    return results
                self._end_if_lost()
                self._is_done.wait(_LOOK_S)
            stopping.check()

    def _drop(self, tasks: Sequence[_Task]) -> None:
        """Forget a batch that nobody waits for, and end what is under way: the run is over."""
        with self._lock:
            for task in tasks:
                if task.result is None:
                    task.is_dropped = True
                    self._n_open -= 1
            self._waiting = deque(task for task in self._waiting if not task.is_dropped)
        self._deadlines.end_all()

    def _end_if_lost(self) -> None:
        """End all batches if nothing is under way and no server has shown for too long that it works."""
        is_at_work = any(state.n_in_flight for state in self._states)
        if is_at_work or time.monotonic() - self._alive_s <= self._patience_s:
            return
        why = "; ".join(f"{state.server.address} {state.reason or 'is silent'}" for state in self._states)
        self._fatal = ServersLostError(f"no server has answered for {self._patience_s / 60:.3g} min: {why}")

    # ── worker threads ──────────────────────────────────────────────────────────────────────────────────

    def _start_threads(self) -> None:
        n_wanted = min(self._max_threads, self._n_threads + max(0, len(self._waiting) - self._n_idle))
        for _ in range(n_wanted - self._n_threads):
            self._n_threads += 1
            threading.Thread(target=self._serve, name="server request", daemon=True).start()

    def _serve(self) -> None:
        while (work := self._next_work()) is not None:
            task, state, n_beside = work
            if task is None:
                self._check(state)
            else:
                self._do(task, state, n_beside)

    def _next_work(self) -> tuple[_Task | None, ServerState, int] | None:
        """Wait for a chunk and a server, or for a server to check; None if there is no work for long."""
        idle_until_s = time.monotonic() + _IDLE_S
        with self._lock:
            while True:
                now_s = until_s = time.monotonic()
                if self._waiting:
                    found = self._match(now_s)
                    if found is not None:
                        return found
                    idle_until_s = now_s + _IDLE_S
                    until_s = min(now_s + 1.0, balance.next_change_s(self._states, now_s))
                elif now_s > idle_until_s or self._is_closed:
                    self._n_threads -= 1
                    break
                else:
                    until_s = idle_until_s
                self._n_idle += 1
                self._has_work.wait(max(0.01, until_s - now_s))
                self._n_idle -= 1
        if not self._n_threads:
            self._close_idle()
        return None

    def _match(self, now_s: float) -> tuple[_Task | None, ServerState, int] | None:
        for position, task in enumerate(itertools.islice(self._waiting, _N_LOOKED_AT)):
            state = balance.choose(self._states, now_s, task.avoided)
            if state is not None:
                del self._waiting[position]
                state.n_in_flight += 1
                return task, state, state.n_in_flight
        state = balance.due(self._states, now_s)
        if state is None:
            return None
        state.is_checked = True
        return None, state, 0

    def _check(self, state: ServerState) -> None:
        """Ask a benched server whether it works."""
        error: ReplyError | None = None
        try:
            state.server.check(self._model, self._limit_s(1.0))
        except ReplyError as raised:
            error = raised
        with self._lock:
            now_s = time.monotonic()
            if error is None:
                state.restore(now_s)
                self._alive_s = now_s
                self._has_work.notify(state.limit)
                logger.warning("%s works again", state.server.address)
                return
            state.bench(now_s, error.reason, is_check=True)
            if isinstance(error, RefusedError) and error.is_of_key:
                self._refuse(state, error)

    def _do(self, task: _Task, state: ServerState, n_beside: int) -> None:
        """Send a chunk and settle what comes of it."""
        audio_s = task.chunk.duration_ms / MS_PER_S
        begun_s = time.monotonic()
        result: Hypothesis | ReplyError
        try:
            result = state.server.recognize(task.chunk, self._limit_s(audio_s * n_beside))
        except ReplyError as error:
            result = error
        except Exception as error:  # a thread that ended here would be waited for for ever
            logger.debug("%s failed", state.server.address, exc_info=True)
            result = FailedError(
                one_line(f"gives an answer that is not understood: {type(error).__name__}: {error}")
            )
        with self._lock:
            state.n_in_flight -= 1
            if task.is_dropped:
                return
            if isinstance(result, Hypothesis):
                self._alive_s = time.monotonic()
                state.answered(self._alive_s, audio_s, self._alive_s - begun_s, n_beside)
                self._end(task, result)
            else:
                self._settle(task, state, result)

    def _limit_s(self, audio_s: float) -> float:
        """Return how long an answer may take, for a server with so many seconds of audio before it."""
        return min(_BASE_S + _PER_AUDIO_S * audio_s, self._patience_s)

    def _settle(self, task: _Task, state: ServerState, error: ReplyError) -> None:
        """Note what a request without an answer means for its server and its chunk."""
        now_s = time.monotonic()
        logger.debug("%s %s", state.server.address, error.reason)
        if isinstance(error, RefusedError) and error.is_certain:
            self._refuse(state, error)
            return
        if isinstance(error, RefusedError):
            error = FailedError(error.reason, error.status)
        if isinstance(error, BusyError):
            state.refused(error.wait_s, now_s, error.reason)
        elif isinstance(error, FailedError):
            if not state.is_benched:
                logger.warning("%s %s; left alone until it works again", state.server.address, error.reason)
            state.bench(now_s, error.reason)
            task.avoided = state
            if error.is_of_request:
                task.failures.append((state, now_s))
        if isinstance(error, BusyError | FailedError) and not task.is_to_blame:
            self._waiting.appendleft(task)
            self._has_work.notify()
        else:
            hint = "the log of the server may say more; the same command tries again"
            self._end(task, QasrError(f"{state.server.address} {error.reason}", hint))

    def _end(self, task: _Task, result: Hypothesis | QasrError) -> None:
        task.result = result
        self._n_open -= 1
        self._is_done.notify_all()

    def _refuse(self, state: ServerState, error: RefusedError) -> None:
        """End all batches: the next request would be refused, too."""
        self._fatal = RemoteError(f"{state.server.address} {error.reason}", error.hint)
        self._is_done.notify_all()
