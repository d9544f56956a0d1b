"""The threads that decode what comes in, the small recordings first.

In go functions with the size of their recordings; out comes their work done. A film takes a thread for many
seconds, so that one thread takes nothing but small recordings. Knows neither media nor jobs.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

SMALL_BYTES = 4_000_000  # two minutes of 16 kHz WAV, four of MP3: decoded in a tenth of a second


class PreparePool:
    """Threads that call functions in the order of their coming, those of small recordings first.

    Args:
        n_workers: Threads that take any recording; one more takes small ones only.
    """

    def __init__(self, n_workers: int) -> None:
        self._changed = threading.Condition()
        self._small: deque[Callable[[], None]] = deque()
        self._large: deque[Callable[[], None]] = deque()
        self._is_closed = False
        self._n_small_busy = 0
        self._threads = [
            threading.Thread(target=self._serve, args=(number > 0,), name=f"prepare-{number}", daemon=True)
            for number in range(n_workers + 1)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def submit(self, n_bytes: int, work: Callable[[], None]) -> None:
        """Call a function on a thread; it must not raise."""
        with self._changed:
            (self._small if n_bytes <= SMALL_BYTES else self._large).append(work)
            self._changed.notify_all()

    @property
    def n_small(self) -> int:
        """Number of small recordings that wait or are being decoded."""
        return len(self._small) + self._n_small_busy

    def close(self) -> None:
        """Drop what waits, and wait for what is under way."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _serve(self, takes_large: bool) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._is_closed or self._small or (takes_large and self._large)
                )
                if self._is_closed:
                    return
                is_small = bool(self._small)
                work = (self._small or self._large).popleft()
                self._n_small_busy += is_small
            try:
                work()
            finally:
                with self._changed:
                    self._n_small_busy -= is_small
