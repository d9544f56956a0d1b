"""A thread that works off a queue, so that the thread that fills it never waits.

In go items; nothing comes out. A failure with one item is a warning and does not affect the next. At the end
the remaining items are worked off, unless no answers arrive any more or there is a hurry.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from qasr_cli.errors import QasrError, UnavailableError
from qasr_cli.hooks.address import without_secrets

logger = logging.getLogger(__name__)

Item = TypeVar("Item")

_MAX_UNANSWERED = 3  # in a row, at the end: a thousand more would each wait for their time limit


class Line(Generic[Item]):
    """A line of items before one thread.

    Any thread may call `put`; one closes the line and waits for it. The queue is the lock: the counters
    belong to the working thread until `join`.

    Args:
        name: Name of the hook's flag.
        work: Handles one item; may raise anything, and raises `UnavailableError` after a time-out.
        stop: Ends the work in progress at once.
    """

    def __init__(self, name: str, work: Callable[[Item], None], stop: Callable[[], None]) -> None:
        self._name = name
        self._work = work
        self._stop = stop
        self._items: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._until_s = float("inf")
        self._is_closing = False
        self._n_unanswered = self._n_dropped = 0
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Line an item up."""
        self._items.put(item)

    def close(self, limit_s: float | None) -> None:
        """Accept no more items; with a limit, begin none after so many seconds."""
        self._is_closing = True
        if limit_s is not None:
            self._until_s = time.monotonic() + limit_s
        self._items.put(None)

    def join(self) -> None:
        """Wait, once closed, until all is done."""
        try:
            self._thread.join()
        except BaseException:  # interrupted while waiting
            self._stop()
            raise
        if self._n_dropped:
            logger.warning(
                "%s: %d calls skipped; run it by hand for the latest files", self._name, self._n_dropped
            )

    def _serve(self) -> None:
        while (item := self._items.get()) is not None:
            is_hopeless = self._is_closing and self._n_unanswered >= _MAX_UNANSWERED
            if is_hopeless or time.monotonic() > self._until_s:
                self._n_dropped += 1
            else:
                self._do(item)

    def _do(self, item: Item) -> None:
        try:
            self._work(item)
            self._n_unanswered = 0
        except QasrError as error:
            self._n_unanswered = self._n_unanswered + 1 if isinstance(error, UnavailableError) else 0
            self._warn(error)
        except Exception as error:  # a thread that ended here would drop the rest of the queue
            self._n_unanswered = 0
            logger.debug("%s failed", self._name, exc_info=True)
            self._warn(QasrError(f"unexpected {type(error).__name__}: {without_secrets(str(error))}"))

    def _warn(self, error: QasrError) -> None:
        logger.warning("%s: %s; %s", self._name, error, error.hint)
