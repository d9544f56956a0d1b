"""Preemption: short work that goes first while a long batch is computed.

In goes a function for the thread that computes; an engine calls it where it may pause: between two decoding
steps, and between two clips. A batch of films takes up to minutes, and a dictated sentence must not wait for
it. Work that is run in a pause never pauses itself, and must not change what the long batch reads.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

_thread = threading.local()


@contextlib.contextmanager
def allowed(run_urgent: Callable[[], None]) -> Iterator[None]:
    """Let `run_urgent` be called in the pauses of what this thread computes in the block."""
    before = getattr(_thread, "run_urgent", None)
    _thread.run_urgent = run_urgent
    try:
        yield
    finally:
        _thread.run_urgent = before


def pause() -> None:
    """Do the urgent work of this thread, if there is any."""
    run_urgent: Callable[[], None] | None = getattr(_thread, "run_urgent", None)
    if run_urgent is None:
        return
    _thread.run_urgent = None
    try:
        run_urgent()
    finally:
        _thread.run_urgent = run_urgent
