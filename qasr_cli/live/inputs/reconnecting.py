"""An input that comes back: a microphone that was pulled out, a stream that was down.

In goes a command that writes sound; out come its samples, and after each interruption how long it was, by a
clock that nobody sets. The command is started again until the session ends, with growing pauses; only one
that has never given a sample is an error.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from typing import Protocol

import numpy as np

from qasr_cli.errors import QasrError
from qasr_cli.live.protocols import Missing
from qasr_cli.media import live_stream
from qasr_cli.media.live_stream import Command, LiveStream
from qasr_cli.timebase import MS_PER_S, SAMPLES_PER_MS

_FIRST_PAUSE_S = 0.25
_STEADY_S = 10.0  # sound for so long makes pauses short again: one that ends at once is not asked on and on
_REMINDER_S = 60.0

_log = logging.getLogger(__name__)


class Interruptible(Protocol):
    """What is known of an input that may be interrupted.

    Attributes:
        name: For messages.
        lost: Why samples are missing, for an event.
    """

    name: str
    lost: str

    def arrived(self, stream: LiveStream) -> None:
        """Take notice of the first sample of each start; it may refuse the stream.

        Raises:
            QasrError: The stream is refused.
        """

    def has_ended(self, reason: str) -> bool:
        """Whether a child's reason ("" without one) is the end of the input, and no interruption."""

    def plain(self, reason: str) -> str:
        """Return a reason in words that may be shown."""

    def failed(self, reason: str, stream: LiveStream) -> QasrError:
        """Return the error of a start that has given no sample, if there never was one."""


class Reconnecting:
    """Blocks of a command that is started again when it ends; `stop` may come from any thread.

    Args:
        source: What is known of the input.
        command: The program to start.
        longest_pause_s: Limit of the pause before a start.
    """

    def __init__(self, source: Interruptible, command: Command, longest_pause_s: float) -> None:
        self._source = source
        self._command = command
        self._longest_pause_s = longest_pause_s
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._stream: LiveStream | None = None
        self._last_s: float | None = None  # arrival of the last sample, once there was one
        self._reminded_s = 0.0

    def blocks(self) -> Iterator[np.ndarray | Missing]:
        """Yield `int16[n_samples]`, and what is missing between two connections.

        Raises:
            QasrError: As `Interruptible`; or the program cannot be started.
        """
        pause_s = _FIRST_PAUSE_S
        while not self._stopping.is_set():
            has_arrived, began_s = False, time.monotonic()
            with self._started() as stream:
                for block in stream.blocks():
                    if self._stopping.is_set():
                        return
                    if not has_arrived:
                        self._source.arrived(stream)
                        has_arrived, began_s = True, time.monotonic()
                        yield from self._missing(len(block))
                    self._last_s = time.monotonic()
                    yield block
                if self._stopping.is_set():
                    return
                reason = stream.failure()
                if self._last_s is None:
                    raise self._source.failed(reason, stream)
                if has_arrived and self._source.has_ended(reason):
                    return
            self._report(reason, is_new=has_arrived)
            if has_arrived and time.monotonic() - began_s >= _STEADY_S:
                pause_s = _FIRST_PAUSE_S
            self._stopping.wait(pause_s)
            pause_s = min(2 * pause_s, self._longest_pause_s)

    def wait(self, duration_s: float) -> None:
        """Wait so long, or until the session is stopped."""
        self._stopping.wait(duration_s)

    def stop(self) -> None:
        """End the iterator soon."""
        self._stopping.set()
        with self._lock:
            if self._stream is not None:
                self._stream.stop()

    @contextlib.contextmanager
    def _started(self) -> Iterator[LiveStream]:
        with live_stream.opened(self._command) as stream:
            with self._lock:
                self._stream = stream
                if self._stopping.is_set():
                    stream.stop()
            try:
                yield stream
            finally:
                with self._lock:
                    self._stream = None

    def _missing(self, n_samples: int) -> Iterator[Missing]:
        """Yield the time since the last sample, without that of a first block of so many samples."""
        if self._last_s is None:
            return
        away_ms = round((time.monotonic() - self._last_s) * MS_PER_S)
        _log.warning("%s: back after %.1f s", self._source.name, away_ms / MS_PER_S)
        if (missing_ms := away_ms - n_samples // SAMPLES_PER_MS) > 0:
            yield Missing(missing_ms, self._source.lost)

    def _report(self, reason: str, *, is_new: bool) -> None:
        """Log an interruption when it begins, and now and then while it lasts."""
        now_s = time.monotonic()
        if is_new or now_s - self._reminded_s >= _REMINDER_S:
            self._reminded_s = now_s
            plain = self._source.plain(reason) or "it has ended"
            _log.warning("%s: %s; trying again until it is back", self._source.name, plain)
