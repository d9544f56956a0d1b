"""Calls that wait for the engine's thread: short work of others, such as the steps of live sessions.

In go functions of a session, from any thread; out come their results, for the threads that wait for them. All
calls run on one device, as what one has left there is for the next. A batch on that device pauses for them
(`preemption`), as long as they take no more than half of its time. An engine that cannot pause gets smaller
batches instead while there are calls.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from qasr_cli.errors import DeviceLostError, QasrError
from qasr_cli.pipeline.containment import attempt
from qasr_cli.pipeline.device_pool import DevicePool
from qasr_cli.serving.refusals import DrainingError
from qasr_cli.speech.inference import stopping
from qasr_cli.speech.inference.protocols import Capacity
from qasr_cli.speech.inference.session import Session

Result = TypeVar("Result")

_MOST_WAIT_S = 0.4  # for a call's begin: less than between two steps of a live session
_LEAST_SHARE = 1 / 32
_GROWTH = 1.25
_FORGOTTEN_S = 5.0  # without a call, batches are as large as ever


class EngineCalls:
    """The calls of one lane.

    Args:
        on_lost: Called with the error of the last device, if it is lost in a call between batches.

    Attributes:
        busy_s: Seconds that calls have taken.
    """

    def __init__(self, on_lost: Callable[[QasrError], None]) -> None:
        self.busy_s = 0.0
        self._on_lost = on_lost
        self._lock = threading.Lock()
        self._waiting: deque[_Call] = deque()
        self._pool: DevicePool | None = None
        self._is_submitted = self._is_closed = False
        self._next_s = 0.0  # when a batch may pause for calls again, by the monotonic clock
        self._longest_wait_s = 0.0  # since the last batch was made
        self._share = 1.0  # of the largest batch, for the next one

    def add(self, work: Callable[[Session], Result]) -> Future[Result]:
        """Add a call, from any thread; the lane must be told."""
        future: Future[Result] = Future()
        with self._lock:
            if self._is_closed:
                future.set_exception(_ending())
            else:
                self._waiting.append(_Call(work, future, time.monotonic()))
        return future

    @property
    def has_new(self) -> bool:
        """Whether calls wait that no device was asked to make."""
        return bool(self._waiting) and not self._is_submitted

    def submit(self, pool: DevicePool) -> None:
        """Let the first device of a pool make the calls that wait; if it computes, it does so in a pause."""
        self._pool = pool
        if self.has_new:
            self._is_submitted = True
            pool.submit_first(self._run_between_batches)

    def forget(self) -> None:
        """Forget the pool, which is over; what waits is for the next one."""
        self._pool, self._is_submitted = None, False

    def run_in_pause(self, session: Session) -> None:
        """Make the calls that wait, if it is their turn and the session is on their device.

        Raises:
            DeviceLostError: The device failed in one.
        """
        is_turn = self._waiting and time.monotonic() >= self._next_s
        if is_turn and self._pool is not None and self._pool.is_first(session):
            self._run(session)

    def limited(self, capacity: Capacity) -> Capacity:
        """Return the capacity for the next batch: smaller if calls waited long for the last one."""
        waited_s, self._longest_wait_s = self._longest_wait_s, 0.0
        if time.monotonic() > self._next_s + _FORGOTTEN_S:
            self._share = 1.0
        elif waited_s > _MOST_WAIT_S:
            self._share = max(_LEAST_SHARE, self._share / 2)
        else:
            self._share = min(1.0, self._share * _GROWTH)
        return replace(
            capacity,
            max_batch_size=max(1, round(capacity.max_batch_size * self._share)),
            max_batch_ms=max(1, round(capacity.max_batch_ms * self._share)),
        )

    def fail(self, error: QasrError) -> None:
        """End the calls that wait with an error."""
        while (call := self._next()) is not None:
            call.future.set_exception(error)
        self._is_submitted = False  # the pool that was asked may be gone

    def close(self) -> None:
        """End the calls that wait, and those that come."""
        with self._lock:
            self._is_closed = True
        self.fail(_ending())

    def _next(self) -> _Call | None:
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def _run_between_batches(self, session: Session) -> None:
        self._is_submitted = False
        try:
            self._run(session)
        except DeviceLostError as error:
            if self._pool is not None and self._pool.n_ahead > 1:  # the next device makes those that are left
                raise
            self._on_lost(error)

    def _run(self, session: Session) -> None:
        """Make the calls that wait now; those that come meanwhile have another turn."""
        begun_s = time.monotonic()
        try:
            for _ in range(len(self._waiting)):
                if (call := self._next()) is not None:
                    due_s = max(call.added_s, self._next_s)
                    self._longest_wait_s = max(self._longest_wait_s, begun_s - due_s)
                    call.make(session)
        finally:
            ended_s = time.monotonic()
            self.busy_s += ended_s - begun_s
            self._next_s = ended_s + (ended_s - begun_s)


def _ending() -> DrainingError:
    return DrainingError("the server is about to end")


@dataclass(frozen=True, slots=True)
class _Call:
    """Work that waits, since when, and who gets its result."""

    work: Callable[[Session], Any]
    future: Future[Any]
    added_s: float

    def make(self, session: Session) -> None:
        """Do the work.

        Raises:
            DeviceLostError: The device failed; the caller has the error, too.
        """
        try:
            result = attempt(None, lambda: self.work(session))
        except QasrError as error:  # of servers behind this one, which may come back
            result = error
        except stopping.Stopped:
            self.future.set_exception(_ending())
            raise
        if not isinstance(result, QasrError):
            self.future.set_result(result)
            return
        self.future.set_exception(result)
        if isinstance(result, DeviceLostError):
            raise result
