"""The end of a computation in a worker thread, on request.

In go an event for each worker thread, once; out comes `Stopped` in a computation that asks. Python raises
Ctrl-C in the main thread only, and a batch takes up to minutes: an engine therefore asks at every decoding
step. Never ends a computation that does not ask.
"""

from __future__ import annotations

import threading


class Stopped(BaseException):
    """The run is over and nobody waits for the result; like `KeyboardInterrupt`, no ordinary error."""


_thread = threading.local()


def stop_at(event: threading.Event) -> None:
    """Let computations of this thread end once the event is set."""
    _thread.event = event


def check() -> None:
    """Do nothing as long as the result is wanted; in a thread without an event, always.

    Raises:
        Stopped: The result is not wanted any more.
    """
    event = getattr(_thread, "event", None)
    if event is not None and event.is_set():
        raise Stopped
