"""The way of events to one output: a queue with bounds, and a thread that empties it.

In go events from any thread; out come calls of the output, in order, all from one thread. An output that is
slow or stuck holds up neither the session nor another output: partials and heartbeats that wait are dropped,
the oldest first, as a newer one has their text. Other events are never dropped; an output that leaves hours
of them waiting is given up.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from qasr_cli.errors import InputOutputError, QasrError
from qasr_cli.live.protocols import Output
from qasr_cli.speech.streaming.events import LiveEvent, Partial, Silence
from qasr_cli.terminal.stdio import ReaderGone

logger = logging.getLogger(__name__)

MOST_WAITING = 20_000  # events that are never dropped: a day of talk, some 40 MB
_DROPPED = (Partial, Silence)


class Delivery:
    """Delivers events to one output.

    Args:
        name: Name of the output for people.
        output: Called from this delivery's thread alone.
        n_partials: How many partials and heartbeats may wait.
        on_failure: Called in that thread when the output has failed, with the failure.

    Attributes:
        failure: What ended the output; None if nothing did.
    """

    def __init__(
        self,
        name: str,
        output: Output,
        n_partials: int,
        on_failure: Callable[[QasrError | ReaderGone], None] = lambda failure: None,
    ) -> None:
        self.name = name
        self.failure: QasrError | ReaderGone | None = None
        self._output = output
        self._n_partials = n_partials
        self._on_failure = on_failure
        self._waiting: deque[LiveEvent] = deque()
        self._n_droppable = 0
        self._is_closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"output {name}", daemon=True)
        self._thread.start()

    def put(self, event: LiveEvent) -> None:
        """Take an event; never waits for the output."""
        with self._changed:
            if self.failure is not None:
                return
            self._waiting.append(event)
            self._n_droppable += isinstance(event, _DROPPED)
            if self._n_droppable > self._n_partials:
                self._drop()
            is_stuck = len(self._waiting) - self._n_droppable > MOST_WAITING
            self._changed.notify()
        if is_stuck:
            reason = f"{MOST_WAITING} events wait to be written"
            self._fail(InputOutputError(f"{self.name}: {reason}", "check what reads it"))

    def close(self) -> None:
        """Let the output finish after the events that wait; `join` waits for that."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()

    def join(self, limit_s: float | None = None) -> None:
        """Wait until the output is closed, has failed, or the time is over."""
        if self.failure is None:
            self._thread.join(limit_s)

    def _drop(self) -> None:
        """Remove the oldest event that may be dropped; the caller holds the lock."""
        oldest = next(place for place, event in enumerate(self._waiting) if isinstance(event, _DROPPED))
        del self._waiting[oldest]
        self._n_droppable -= 1

    def _run(self) -> None:
        try:
            while (event := self._next()) is not None:
                self._output.handle(event)
            self._output.close()
        except (QasrError, ReaderGone) as failure:
            self._fail(failure)
        except Exception as error:  # the session must not wait for a thread that is gone
            logger.debug("%s", self.name, exc_info=error)
            self._fail(QasrError(f"{self.name}: unexpected {type(error).__name__}: {error}"))

    def _next(self) -> LiveEvent | None:
        """Return the next event; None if the output ends."""
        with self._changed:
            while not self._waiting and not self._is_closing and self.failure is None:
                self._changed.wait()
            if not self._waiting or self.failure is not None:
                return None
            event = self._waiting.popleft()
            self._n_droppable -= isinstance(event, _DROPPED)
            return event

    def _fail(self, failure: QasrError | ReaderGone) -> None:
        with self._changed:
            if self.failure is not None:
                return
            self.failure = failure
            self._waiting.clear()
            self._n_droppable = 0
            self._changed.notify()
        self._on_failure(failure)
