"""Whether the engine is behind with a session's work.

In go the length of the session, whether there is work to do, and how much audio waits; out comes whether
partials are to be left out. The engine is behind if work waits for seconds before it is taken. Much work
alone is no sign: after a cut, or from a pipe, seconds of audio are there at once. Nor is a partial that
waits: it takes all audio there is, so that the engine has caught up after it. Only finals queue.
"""

from __future__ import annotations

_LATE_MS = 3_000  # from here on partials are left out ...
_IN_TIME_MS = 1_000  # ... until no more audio than this waits


class Lateness:
    """Of one session; its lock guards it.

    Attributes:
        is_late: Partials are left out.
        max_ms: The longest that work has waited, in milliseconds of audio.
    """

    def __init__(self) -> None:
        self._due_since_ms: int | None = None
        self.is_late = False
        self.max_ms = 0

    def note(self, now_ms: int, *, has_work: bool) -> None:
        """Note whether there is work for the engine, after each block of audio."""
        if not has_work:
            self._due_since_ms = None
        elif self._due_since_ms is None:
            self._due_since_ms = now_ms

    def taken(self) -> None:
        """The engine has done work of the session."""
        self._due_since_ms = None

    def judge(self, now_ms: int, waiting_ms: int, *, is_queue: bool) -> bool:
        """Return whether `is_late` has changed.

        Args:
            now_ms: Length of the session.
            waiting_ms: Audio that the engine has not got, without that of the next step.
            is_queue: A final waits.
        """
        waited_ms = 0 if self._due_since_ms is None else now_ms - self._due_since_ms
        self.max_ms = max(self.max_ms, waited_ms)
        was_late = self.is_late
        self.is_late = is_queue and (waiting_ms > _IN_TIME_MS if was_late else waited_ms > _LATE_MS)
        return self.is_late != was_late
