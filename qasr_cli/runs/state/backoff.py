"""When a source that failed is tried again.

A run a night must neither give up on a file because a mount was slow once, nor spend every night on a file
that will never work. So the next runs try it again, as often as `--retries` says, and from then on the pause
doubles each time. Pure, unlike `resume_policy`, which asks it: no clock, no files, so that years of runs can
be tested.
"""

from __future__ import annotations

from datetime import UTC, datetime

_HOUR_S = 3_600
# Not quite a day, so that a run at the same time of the next night is not a few minutes too early.
_FIRST_PAUSE_S = 20 * _HOUR_S
_LONGEST_PAUSE_S = 32 * 24 * _HOUR_S


def next_try_s(failed_s: float, n_failures: int, n_retries: int) -> float:
    """Return from when on, in seconds since 1970, a source that failed `n_failures` times is tried again."""
    n_pauses = n_failures - n_retries
    if n_pauses <= 0:
        return failed_s
    # The doubling is bounded before it is computed: after a thousand failures it would be no float any more.
    pause_s = _FIRST_PAUSE_S << min(n_pauses - 1, 10)
    return failed_s + min(_LONGEST_PAUSE_S, pause_s)


def is_waiting(failed_s: float, n_failures: int, n_retries: int, now_s: float) -> bool:
    """Whether it is too early; a failure in the future is a clock's, and nobody waits for it."""
    return failed_s <= now_s < next_try_s(failed_s, n_failures, n_retries)


def in_words(moment_s: float) -> str:
    """Return a moment to the minute, in the machine's own time."""
    return datetime.fromtimestamp(moment_s, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
