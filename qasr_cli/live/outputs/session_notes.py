"""What people should know about a session besides its text: lines of the log.

In go events; out come messages about missing sound, an engine that is too slow, and doubtful text. With
`--json-lines` programs get the same as events.
"""

from __future__ import annotations

import logging

from qasr_cli.speech.streaming.events import Final, Gap, Lag, LiveEvent
from qasr_cli.timebase import MS_PER_S, format_clock

logger = logging.getLogger(__name__)


class SessionNotes:
    """Logs what has gone wrong in a session."""

    def handle(self, event: LiveEvent) -> None:
        """Log the event if it matters to people."""
        match event:
            case Gap():
                length_s = (event.end_ms - event.start_ms) / MS_PER_S
                logger.warning(
                    "at %s %.1f s of sound are missing: %s",
                    format_clock(event.start_ms), length_s, event.reason,
                )  # fmt: skip
            case Lag(is_skipping=True):
                logger.warning(
                    "the engine is %.1f s behind: only finals are computed until it has caught up",
                    event.lag_ms / MS_PER_S,
                )
            case Lag():
                logger.info("the engine has caught up")
            case Final():
                for warning in event.warnings:
                    logger.warning("at %s: %s", format_clock(event.start_ms), warning)
            case _:
                pass

    def close(self) -> None:
        """Nothing is open."""
