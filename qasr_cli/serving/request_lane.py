"""The engine lane of a server: the chunks of all requests in one pool, the short ones first.

In go prepared sources, each owned by a request; out they go to their owners, with their text. A batch is made
when a device is free, from what waits then (`batch_queue`). Nothing waits for a full batch, except that
requests that are just being decoded are given a moment. A batch of long recordings pauses for short requests
(`preemption`), as long as these take no more than half of the time.

Others may call a function on an engine's thread, between batches and in their pauses (`engine_calls`).

One thread runs the lane; with several devices a thread each computes. What waits is behind a lock, and an
open source belongs to the lane alone.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import TypeVar

from qasr_cli.errors import DeviceLostError, QasrError, RemoteError
from qasr_cli.pipeline import batch_work, device_pool
from qasr_cli.pipeline.batch_work import Run
from qasr_cli.pipeline.containment import attempt
from qasr_cli.pipeline.device_pool import DevicePool
from qasr_cli.pipeline.engine_cache import EngineCache
from qasr_cli.pipeline.open_source import OpenSource
from qasr_cli.pipeline.pooled_batch import PooledBatch, PooledChunk
from qasr_cli.serving.batch_queue import BatchQueue, Request, Ticket, goes_first
from qasr_cli.serving.engine_calls import EngineCalls
from qasr_cli.serving.gathering import Gathering
from qasr_cli.serving.lane_counts import LaneCounts
from qasr_cli.speech.fallback.review import ReviewedSource
from qasr_cli.speech.inference import preemption, stopping
from qasr_cli.speech.inference.protocols import Capacity, Engines
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition.recognize import RecognizedChunk

_MAX_URGENT = 4  # short requests in one pause: a batch as small as that is soon done

Opened = OpenSource[Request]
Result = TypeVar("Result")


class RequestLane:
    """The lane, with its thread.

    Args:
        engines: Loads the engines when they are needed, and releases them after a long idle time.
        n_near: Returns how many requests are being decoded and will be here in a moment.
        on_lost: Called when the last device is lost, and when the engines cannot be loaded.

    Attributes:
        engines: The engines while they are loaded.
        gathering: How long batches wait for requests that are almost here.
        counts: What the lane has done so far.
        calls: Work of others for the engine's thread.
    """

    def __init__(
        self, engines: EngineCache, n_near: Callable[[], int], on_lost: Callable[[QasrError], None]
    ) -> None:
        self._engines = engines
        self.counts = LaneCounts()
        self.gathering = Gathering(n_near, self.counts)
        self._on_lost = on_lost
        self._changed = threading.Condition()
        self._open: dict[int, Opened] = {}  # not back with their owners yet, wherever they are
        self._incoming: list[Opened] = []
        self._unfinished: list[Opened] = []  # recognised; a device was lost at what was left to do
        self._queue = BatchQueue()
        self.calls = EngineCalls(on_lost)
        self._running: list[PooledBatch[Request]] = []
        self._stop = threading.Event()
        self._pool: DevicePool | None = None  # of the loaded engines
        self._thread = threading.Thread(target=self._serve, name="requests", daemon=True)
        self._capacity = Capacity(0, 0, 0)  # of the loaded engines
        self.engines: Engines | None = None
        self._next_pause_s = 0.0  # when a batch may pause again, by the monotonic clock

    # ── any thread ──────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Start the thread, which loads the engines at once."""
        self._thread.start()

    def add(self, opened: Opened) -> None:
        """Take a source; it comes back through its owner."""
        with self._changed:
            self._open[id(opened)] = opened
            self._incoming.append(opened)
            self.gathering.came()
            self._changed.notify_all()

    def run(self, work: Callable[[Session], Result]) -> Result:
        """Run short work on an engine's thread, between batches and in their pauses; wait for its result.

        With several devices it is always the same one's, as long as that works: what one call has left there
        is for the next.

        Raises:
            QasrError: The engines cannot work, or the server is about to end.
        """
        future = self.calls.add(work)
        self.notify()
        return future.result()

    def notify(self) -> None:
        """Look again: a request was cancelled, or none is near any more."""
        with self._changed:
            self._changed.notify_all()

    @property
    def waiting_ms(self) -> int:
        """Milliseconds of speech that wait for the engine or are in it."""
        with self._changed:
            waiting_ms = self._queue.waiting_ms + sum(one.prepared.speech_ms for one in self._incoming)
            return waiting_ms + sum(pooled.chunk.duration_ms for pooled in self._in_engines())

    @property
    def n_waiting(self) -> int:
        """Number of chunks that wait."""
        with self._changed:
            return len(self._queue)

    @property
    def n_running(self) -> int:
        """Number of chunks that are computed."""
        with self._changed:
            return len(self._in_engines())

    def _in_engines(self) -> list[PooledChunk[Request]]:
        """Return the chunks that are computed, and with several devices those that wait for one."""
        waiting = [pooled for batch in self._running if not batch.is_done for pooled in batch.chunks]
        return list({id(pooled): pooled for pooled in (*waiting, *self.counts.computed)}.values())

    def close(self) -> None:
        """End the computation that is under way, and the thread."""
        self._stop.set()
        if (pool := self._pool) is not None:
            pool.stop()  # the lane's thread may wait for a review on a device
        self.notify()
        self._thread.join()

    # ── the lane's thread ───────────────────────────────────────────────────────────────────────────────

    def _serve(self) -> None:
        stopping.stop_at(self._stop)
        with contextlib.suppress(stopping.Stopped):
            while not self._stop.is_set():
                if (error := self._served()) is not None:
                    self._refuse_all(error)
                    self.engines = None
                    self._engines.release()
                    self._await_work(float("inf"))
        self.calls.close()

    def _served(self) -> QasrError | None:
        """Serve, and return what ended that, whatever it was: the lane goes on after it."""
        try:
            result = attempt(None, self._serve_always)
        except RemoteError as error:  # the servers behind this one may come back
            return error
        return result if isinstance(result, QasrError) else None

    def _serve_always(self) -> None:
        while not self._stop.is_set():
            session = attempt(None, self._engines)
            if isinstance(session, QasrError):
                self._refuse_all(session)
            else:
                self.engines = session.engines
                self._serve_loaded(session)
                self.engines = None
                del session
                self._engines.release()
            self._await_work(float("inf"))

    def _await_work(self, until_s: float) -> None:
        """Wait for work, for the end, or until a time (monotonic)."""
        with self._changed:
            while not self._stop.is_set() and not self._has_work():
                left_s = until_s - time.monotonic()
                if left_s <= 0:
                    return
                self._changed.wait(min(left_s, threading.TIMEOUT_MAX))

    def _has_work(self) -> bool:
        return bool(self._incoming or self._unfinished or len(self._queue) or self.calls.has_new)

    def _refuse_all(self, error: QasrError) -> None:
        """End every request, wherever it is: the engines cannot be loaded, or nothing can be computed."""
        with self._changed:
            opened = list(self._open.values())
            self._incoming, self._unfinished, self._running = [], [], []
            self._queue.clear()
        self.calls.fail(error)
        for one in opened:
            one.error = one.error or error
            self._end(one)
        self._on_lost(error)

    def _serve_loaded(self, session: Session) -> None:
        """Compute until there has been no work for the idle time."""
        self._capacity = session.capacity
        with DevicePool(session) as pool, self._using(pool):
            while not self._stop.is_set():
                self._admit(pool.call)
                finished = [batch for batch in self._running if batch.is_done]
                for batch in finished:
                    self._settle(batch, pool)
                self.calls.submit(pool)
                if len(self._running) < pool.n_ahead and (chunks := self._next_batch()):
                    self._submit(chunks, pool)
                elif self._running:
                    self._await_batch(pool.n_ahead)
                elif not finished and not self._has_work():
                    self._engines.rest()
                    self._await_work(self._engines.due_s)
                    if not self._has_work():
                        return

    @contextlib.contextmanager
    def _using(self, pool: DevicePool) -> Iterator[None]:
        """Make a pool known for the time of a block: after it, it would keep the engines in memory."""
        self._pool = pool
        try:
            yield
        finally:
            self._pool = None
            self.calls.forget()

    def _await_batch(self, n_ahead: int) -> None:
        """Wait until a batch is done, or something comes in: to the lane, or to the queue in a pause."""
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self._stop.is_set()
                    or self._incoming
                    or (len(self._queue) and len(self._running) < n_ahead)
                    or self.calls.has_new
                    or any(one.is_done for one in self._running)
                )
            )

    def _next_batch(self) -> list[PooledChunk[Request]]:
        """Return the next batch; a moment is given to requests that are almost here."""
        with self._changed:
            if len(self._queue):
                self.gathering.begin()
            while (
                0 < len(self._queue) < self._capacity.max_batch_size
                and not (self._running or self._incoming or self.calls.has_new or self._stop.is_set())
                and (left_s := self.gathering.left_s) > 0
            ):
                self._changed.wait(left_s)
            # What came in may belong into this batch; calls are made while it gathers
            if self._incoming or (self.calls.has_new and self.gathering.left_s > 0):
                return []
            self.gathering.end()
            is_urgent_turn = time.monotonic() >= self._next_pause_s
            capacity = self.calls.limited(self._capacity) if len(self._queue) else self._capacity
            return self._queue.take(capacity, is_urgent_turn=is_urgent_turn)

    def _submit(self, chunks: list[PooledChunk[Request]], pool: DevicePool) -> None:
        batch = PooledBatch(chunks, chunks, pool.submit(chunks, self._recognize), is_last=True)
        assert batch.results is not None  # noqa: S101 - for the type; nothing is resumed here
        with self._changed:
            self._running.append(batch)
        batch.results.add_done_callback(lambda _: self.notify())

    def _settle(self, batch: PooledBatch[Request], pool: DevicePool) -> None:
        """Give a batch's results to its sources, and end those that are complete."""
        with self._changed:
            self._running.remove(batch)
        batch.take_results()
        self._give_back(batch.sources, pool.call)

    # ── the thread of a device: the lane's own if there is one device ───────────────────────────────────

    def _recognize(self, chunks: Sequence[PooledChunk[Request]], session: Session) -> list[RecognizedChunk]:
        """Recognise a batch, which pauses for calls, and for short requests unless it is made of them."""
        begun_s = time.monotonic()
        for pooled in chunks:
            pooled.opened.owner.begun()
        is_urgent = goes_first(chunks[0])
        run_in_pause = functools.partial(self.calls.run_in_pause if is_urgent else self._run_urgent, session)
        with self.counts.computing(chunks, self._capacity.max_batch_size), preemption.allowed(run_in_pause):
            results = batch_work.recognize_batch(chunks, session)
        if is_urgent:
            self._rest_from_urgent(begun_s)
        return results

    def _rest_from_urgent(self, begun_s: float) -> None:
        """Give the other requests as much time as the short ones have had since `begun_s`."""
        ended_s = time.monotonic()
        self._next_pause_s = ended_s + (ended_s - begun_s)

    def _run_urgent(self, session: Session) -> None:
        """Make calls, recognise the short requests that wait, and end them; the caller's batch waits."""
        self.calls.run_in_pause(session)
        if not (self._incoming or self._queue.has_urgent) or time.monotonic() < self._next_pause_s:
            return

        run = functools.partial(device_pool.call_here, session)
        begun_s = time.monotonic()
        self._admit(run)
        with self._changed:
            chunks = self._queue.take_urgent(self._capacity, _MAX_URGENT)
        if not chunks:
            return
        try:
            results: Future[list[RecognizedChunk | QasrError]] = Future()
            results.set_result(run(chunks, self._recognize))
        except DeviceLostError:
            with self._changed:
                for pooled in reversed(chunks):
                    self._queue.add_first(Ticket.of(pooled.opened, [pooled.chunk]))
            raise
        batch = PooledBatch(chunks, chunks, results, is_last=True)
        batch.take_results()
        self._give_back(batch.sources, run)
        self._rest_from_urgent(begun_s)

    # ── either ──────────────────────────────────────────────────────────────────────────────────────────

    def _admit(self, run: Run) -> None:
        """Cut the sources that came in into chunks, and drop what nobody wants any more."""
        with self._changed:
            incoming, self._incoming = self._incoming, []
            complete, self._unfinished = self._unfinished, []
            dropped = self._queue.drop_cancelled()
        for ticket in dropped:
            self._end(ticket.opened)
        for opened in incoming:
            planned = attempt(opened.relative, functools.partial(opened.owner.plan, opened, self._capacity))
            if isinstance(planned, QasrError):
                opened.error, planned = planned, []
            n_chunks = max((chunk.index for chunk in planned), default=-1) + 1
            opened.recognized, opened.n_left = [None] * n_chunks, len(planned)
            if planned:
                with self._changed:
                    self._queue.add(Ticket.of(opened, planned))
                    self._changed.notify_all()  # the lane, if this is a pause on a device's thread
            else:
                complete.append(opened)
        if complete:
            self._give_back(complete, run)

    def _give_back(self, sources: Sequence[Opened], run: Run) -> None:
        """Review the sources that are complete, and return them to their owners; report the others.

        Raises:
            DeviceLostError: In a pause; another device does it then.
        """
        failed = [opened for opened in sources if opened.error is not None]
        complete = [opened for opened in sources if opened.error is None and not opened.n_left]
        try:
            self._conclude(complete, run)
        except DeviceLostError:
            with self._changed:
                self._unfinished += sources
            raise
        for opened in (*failed, *complete):
            self._end(opened)
            if isinstance(opened.error, DeviceLostError):
                self._on_lost(opened.error)
        for opened in sources:
            if opened.n_left and opened.error is None:
                opened.owner.progressed(opened)

    def _conclude(self, complete: Sequence[Opened], run: Run) -> None:
        """Make the text of the sources final, and align their scripts."""
        reviewed = [opened for opened in complete if opened.is_reviewed and opened.recognized]
        if reviewed:
            for opened, text in zip(reviewed, run(reviewed, self._review), strict=True):
                if isinstance(text, QasrError):
                    opened.error = text
                else:
                    opened.text = text
        for opened in complete:
            batch_work.align_own_script(opened, run)

    def _review(self, sources: Sequence[Opened], session: Session) -> list[ReviewedSource]:
        with preemption.allowed(functools.partial(self._run_urgent, session)):
            return batch_work.review_together(sources, session)

    def _end(self, opened: Opened) -> None:
        """Return a source to its owner, once."""
        with self._changed:
            self._queue.drop(opened)
            is_open = self._open.pop(id(opened), None) is not None
            self.gathering.answered()
        if is_open:
            opened.owner.settled(opened)
