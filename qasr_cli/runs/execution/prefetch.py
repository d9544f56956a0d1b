"""Work done a bounded distance ahead, handed out in order.

In go items and a function; out come its results in the items' order, computed by a few threads. How far
ahead they run is bounded by a count and by a cost, so that they stop when the consumer is slow.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Raised:
    """The exception that an item ended with."""

    error: BaseException


class Prefetch(Generic[Item, Result]):
    """A context manager that is iterated once.

    Args:
        items: What to work on.
        work: Runs on the threads. What it raises is raised where its result would have been taken.
        cost: Of a finished result that waits to be taken.
        n_workers: Threads.
        max_waiting: Results that may wait to be taken.
        max_cost: Their cost together; one result may exceed it, or it could never be computed.
    """

    def __init__(
        self,
        items: Sequence[Item],
        work: Callable[[Item], Result],
        cost: Callable[[Result], int],
        *,
        n_workers: int,
        max_waiting: int,
        max_cost: int,
    ) -> None:
        self._items = items
        self._work = work
        self._cost = cost
        self._max_waiting = max_waiting
        self._max_cost = max_cost
        self._changed = threading.Condition()
        self._results: dict[int, tuple[Result | _Raised, int]] = {}  # each with its cost
        self._n_started = self._n_taken = self._waiting_cost = 0
        self._is_closed = False
        self._threads = [
            threading.Thread(target=self._serve, name=f"prepare-{i}", daemon=True) for i in range(n_workers)
        ]

    def __enter__(self) -> Prefetch[Item, Result]:
        """Start working."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Start nothing more, and wait for what is under way."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def __iter__(self) -> Iterator[Result]:
        """Yield each item's result, in the items' order.

        Raises:
            BaseException: Whatever the work on the next item raised.
        """
        for index in range(len(self._items)):
            yield self._take(index)

    def _take(self, index: int) -> Result:
        with self._changed:
            self._changed.wait_for(lambda: index in self._results)
            result, cost = self._results.pop(index)
            self._n_taken += 1
            self._waiting_cost -= cost
            self._changed.notify_all()
        if isinstance(result, _Raised):
            raise result.error
        return result

    def _may_start(self) -> bool:
        if self._n_started == self._n_taken:
            return True  # the very result that the consumer waits for
        is_near = self._n_started - self._n_taken < self._max_waiting
        return is_near and self._waiting_cost < self._max_cost

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._is_closed or self._n_started == len(self._items) or self._may_start()
                )
                if self._is_closed or self._n_started == len(self._items):
                    return
                index = self._n_started
                self._n_started += 1
            result, cost = self._outcome(self._items[index])
            with self._changed:
                self._results[index] = result, cost
                self._waiting_cost += cost
                self._changed.notify_all()

    def _outcome(self, item: Item) -> tuple[Result | _Raised, int]:
        try:
            result = self._work(item)
            return result, self._cost(result)
        except BaseException as error:  # noqa: BLE001 - a thread that ended here would be waited for for ever
            return _Raised(error), 0
