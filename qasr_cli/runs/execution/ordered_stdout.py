"""Results on stdout in the order of the sources, whatever order they come in."""

from __future__ import annotations

import threading
from collections.abc import Callable


class OrderedStdout:
    """Holds each source's text back until every source before it is settled.

    Args:
        write: Puts a text on stdout.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._waiting: dict[int, str] = {}
        self._n_settled = 0

    def settle(self, source_id: int, text: str = "") -> None:
        """Say that a source is over, with its text if there is one; only the first word on it counts."""
        with self._lock:
            if source_id >= self._n_settled:
                self._waiting.setdefault(source_id, text)
            while self._n_settled in self._waiting:
                text = self._waiting.pop(self._n_settled)
                self._n_settled += 1
                if text:
                    self._write(text)
