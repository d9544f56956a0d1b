"""Engines that stay in memory between passes or requests, and are released after a long idle time.

In go functions that load them and that free their memory; out come sessions of engines.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from qasr_cli.speech.inference.session import Session

logger = logging.getLogger(__name__)


class EngineCache:
    """Engines that are loaded on first use.

    Args:
        load: Returns a session of engines.
        reclaim: Frees the memory of engines that are no longer referenced.
        idle_s: Seconds without use after which they are released; 0 never releases them.
    """

    def __init__(self, load: Callable[[], Session], reclaim: Callable[[], None], idle_s: float) -> None:
        self._load = load
        self._reclaim = reclaim
        self._idle_s = idle_s or float("inf")
        self._session: Session | None = None
        self._used_s = 0.0
        self.is_released = False

    def __call__(self) -> Session:
        """Return the session, loaded if it is not."""
        if self._session is None:
            self._session, self.is_released = self._load(), False
        return self._session

    def rest(self) -> None:
        """Start the idle time."""
        self._used_s = time.monotonic()

    @property
    def due_s(self) -> float:
        """When the engines are to be released (monotonic); infinity if none are loaded."""
        return float("inf") if self._session is None else self._used_s + self._idle_s

    def release(self) -> None:
        """Release the engines."""
        self._session, self.is_released = None, True
        self._reclaim()
        if self._idle_s < float("inf"):
            logger.info("engines released after %g minutes without work", self._idle_s / 60)
