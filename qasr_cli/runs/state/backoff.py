"""Backoff: when a failed source is tried again.

In go times and counts; out come times. A nightly run must neither give up on a file because a mount was slow
once, nor spend every night on a file that always fails. The next `--retries` runs try it again; from then on
the pause doubles each time. Pure: no clock, no files, so that years of runs can be tested.
"""

from __future__ import annotations

from datetime import UTC, datetime

_HOUR_S = 3_600
# Not quite a day, so that a run at the same time of the next night is not a few minutes too early.
_FIRST_PAUSE_S = 20 * _HOUR_S
_LONGEST_PAUSE_S = 32 * 24 * _HOUR_S


def next_try_s(failed_s: float, n_failures: int, n_retries: int) -> float:
    """Return when a source that failed `n_failures` times is tried again, in seconds since 1970."""
    n_pauses = n_failures - n_retries
    if n_pauses <= 0:
        return failed_s
    # The exponent is bounded: after a thousand failures the power would not fit into a float.
    pause_s = _FIRST_PAUSE_S << min(n_pauses - 1, 10)
    return failed_s + min(_LONGEST_PAUSE_S, pause_s)


def is_waiting(failed_s: float, n_failures: int, n_retries: int, now_s: float) -> bool:
    """Whether it is too early; a failure in the future means a wrong clock and is not waited for."""
    return failed_s <= now_s < next_try_s(failed_s, n_failures, n_retries)


def in_words(moment_s: float) -> str:
    """Return a time to the minute, in the machine's time zone."""
    return datetime.fromtimestamp(moment_s, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
