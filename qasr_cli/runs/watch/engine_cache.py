"""Engines that stay in memory between the passes of a watch, and go when there is nothing to do for long.

In go what loads them and what gives their memory back; out come engines.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from qasr_cli.speech.inference.session import Session

logger = logging.getLogger(__name__)


class EngineCache:
    """Engines that are loaded on first need.

    Args:
        load: Returns a session of engines.
        reclaim: Gives back what engines held that nobody refers to any more.
        idle_s: They go when they were not used for so long; 0 keeps them.
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
        """Count the time without work from here."""
        self._used_s = time.monotonic()

    @property
    def due_s(self) -> float:
        """When they are to go (monotonic); never, when there are none."""
        return float("inf") if self._session is None else self._used_s + self._idle_s

    def release(self) -> None:
        """Let them go."""
        self._session, self.is_released = None, True
        self._reclaim()
        logger.info("engines released after %g minutes without work", self._idle_s / 60)
