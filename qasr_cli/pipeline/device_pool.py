"""The devices of an engine lane: a worker thread for each, all fed from one queue.

In go items and the work on them, a function of a session; out come futures of their results. Work gets
whichever device is free, so it must give the same result on each and must not change what other work reads.
With a single device there is no thread: the caller does the work itself, at once.

A device that fails is benched: its work goes to the others, and only the last one's failure is a result.
"""

from __future__ import annotations

import bisect
import itertools
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from qasr_cli.errors import DeviceLostError, QasrError
from qasr_cli.pipeline.containment import attempt, contain
from qasr_cli.speech.inference import batching, stopping
from qasr_cli.speech.inference.session import Session

logger = logging.getLogger(__name__)

_URGENT, _USUAL, _LAST = range(3)  # the caller waits for it, for another one, or for the end


class Named(Protocol):
    """A chunk or a source, with a name for errors."""

    @property
    def relative(self) -> Path:
        """The source's name."""


Item = TypeVar("Item", bound=Named)
Result = TypeVar("Result")
OnEach = Callable[[Session, bool], list[Any]]  # whether the session is on the last device


@dataclass(order=True, slots=True)
class _Task:
    """Work in the queue; without work, the end of the thread that takes it."""

    urgency: int
    number: int
    work: OnEach | None = field(compare=False, default=None)
    future: Future[list[Any]] = field(compare=False, default_factory=Future)
    is_for_first: bool = field(compare=False, default=False)


class _TaskQueue:
    """Tasks that wait, the most urgent ones first; some are for the first device only."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._tasks: list[_Task] = []

    def put(self, task: _Task) -> None:
        with self._changed:
            bisect.insort(self._tasks, task)
            self._changed.notify_all()

    def get(self, is_first: Callable[[], bool]) -> _Task:
        """Wait for a task that the caller's device may take; which one is the first may change meanwhile."""
        with self._changed:
            while True:
                for place, task in enumerate(self._tasks):
                    if not task.is_for_first or is_first():
                        return self._tasks.pop(place)
                self._changed.wait()


class DevicePool:
    """Worker threads over a session and its replicas, one a device; a context manager.

    One thread submits work. Workers touch nothing of the pool but its queue and, when a device is lost, the
    number of devices left, which has a lock.

    Args:
        session: The engines on the first device; its replicas are those on the others. A device that an
            earlier pool has lost is not used.
    """

    def __init__(self, session: Session) -> None:
        self._sessions = [one for one in (session, *session.replicas) if not one.is_lost]
        self._queue = _TaskQueue()
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self._n_left = len(self._sessions)
        self._benching = threading.Lock()
        self._threads = [
            threading.Thread(target=self._serve, args=(one,), name=f"device-{number}")
            for number, one in enumerate(self._sessions)
            if len(self._sessions) > 1
        ]

    @property
    def n_ahead(self) -> int:
        """How many pieces of work to submit before waiting for the first, so that every device has one."""
        return 2 * len(self._threads) or 1

    def __enter__(self) -> Self:
        """Start the threads."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop the work that is left, and wait for the threads."""
        self.stop()
        for _ in self._threads:
            self._queue.put(_Task(_LAST, next(self._numbers)))
        for thread in self._threads:
            thread.join()

    def stop(self) -> None:
        """End what the devices compute, from any thread; who waits for it gets `stopping.Stopped`."""
        self._stop.set()

    def submit(
        self, items: Sequence[Item], work: Callable[[Sequence[Item], Session], Sequence[Result]]
    ) -> Future[list[Result | QasrError]]:
        """Let a device work on all items at once, or on each alone if that fails.

        Args:
            items: At least one.
            work: Returns a result for each item.

        Returns:
            A result or an error for each item; an error of a lost device only if it was the last one.
        """
        return self._submit(_USUAL, items, work)

    def call(
        self, items: Sequence[Item], work: Callable[[Sequence[Item], Session], Sequence[Result]]
    ) -> list[Result | QasrError]:
        """Return what `submit` promises; done before all that is submitted and not begun."""
        return self._submit(_URGENT, items, work).result()

    def submit_first(self, work: Callable[[Session], None]) -> None:
        """Let the first device that works do something soon; with a single device it is done on return.

        The work is not stopped by what it raises, but for the loss of its device: the next one does it then.
        """

        def on_each(session: Session, is_last: bool) -> list[Any]:
            work(session)
            return []

        if not self._threads:
            on_each(self._sessions[0], True)
            return
        self._queue.put(_Task(_URGENT, next(self._numbers), on_each, is_for_first=True))

    def is_first(self, session: Session) -> bool:
        """Whether a session is on the device for which `submit_first` is meant."""
        return session is next((one for one in self._sessions if not one.is_lost), None)

    def _submit(
        self,
        urgency: int,
        items: Sequence[Item],
        work: Callable[[Sequence[Item], Session], Sequence[Result]],
    ) -> Future[list[Result | QasrError]]:
        def on_each(session: Session, is_last: bool) -> list[Result | QasrError]:
            def try_together(part: Sequence[Item]) -> Sequence[Result] | QasrError:
                path = part[0].relative
                if is_last:  # nothing else can do it, so that a lost device is an error like others
                    return attempt(path, lambda: work(part, session))
                return contain(lambda: work(part, session), path)

            return batching.try_each(items, try_together)

        task = _Task(urgency, next(self._numbers), on_each)
        if self._threads:
            self._queue.put(task)
        else:
            task.future.set_result(on_each(self._sessions[0], True))
        return task.future

    def _do(self, task: _Task, work: OnEach, session: Session) -> bool:
        """Do the work and return whether the device can go on."""
        try:
            results = work(session, self._n_left == 1)
        except DeviceLostError as error:
            if self._bench(session, error):
                self._queue.put(task)
                return False
            results = work(session, True)
        task.future.set_result(results)
        return True

    def _bench(self, session: Session, error: DeviceLostError) -> bool:
        """Do without a device from here on, if it is not the last one."""
        with self._benching:
            if self._n_left == 1:
                return False
            self._n_left -= 1
            session.is_lost = True
            logger.warning(
                "%s; its work goes to the other devices: %d of %d left",
                error,
                self._n_left,
                len(self._sessions),
            )
        return True

    def _serve(self, session: Session) -> None:
        stopping.stop_at(self._stop)
        while True:
            task = self._queue.get(lambda: self.is_first(session))
            if task.work is None:
                return
            if self._stop.is_set():
                task.future.set_exception(stopping.Stopped())
                continue
            try:
                if not self._do(task, task.work, session):
                    return
            except BaseException as error:  # noqa: BLE001 - raised where the result would have been taken
                task.future.set_exception(error)


def call_here(
    session: Session, items: Sequence[Item], work: Callable[[Sequence[Item], Session], Sequence[Result]]
) -> list[Result | QasrError]:
    """Return what `DevicePool.call` promises, on the thread of a session's device.

    Raises:
        DeviceLostError: The device cannot compute anything more.
    """

    def try_together(part: Sequence[Item]) -> Sequence[Result] | QasrError:
        return contain(lambda: work(part, session), part[0].relative)

    return batching.try_each(items, try_together)
