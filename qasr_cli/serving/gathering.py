"""How long a batch waits for requests that are almost here: a fuller batch serves more clients at its cost.

In go what happens in the lane; out come seconds. Two kinds are almost here: requests that are being received
or decoded, and those of clients that were just answered and have more to ask, as programs with a fixed number
of requests at once do. Not locked: the request lane holds its lock when it calls.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from qasr_cli.serving.lane_counts import LaneCounts

_MAX_GATHER_S = 0.5
_GATHER_SHARE = 0.5  # of the time that the last batch took: more would cost more than a fuller batch gives
_RETURN_S = (
    0.03  # in which a client reads its answer and asks again; ten times what one on this machine needs
)


class Gathering:
    """What a batch may wait for.

    Args:
        n_near: Returns how many requests are being decoded and will be here in a moment.
        counts: Has the seconds of the last batch.
    """

    def __init__(self, n_near: Callable[[], int], counts: LaneCounts) -> None:
        self._counts = counts
        self._n_near = n_near
        self._n_away = 0  # answered clients that have not come back
        self._answered_s = 0.0
        self._begun_s: float | None = None

    def begin(self) -> None:
        """Start the time of the next batch, unless it has started."""
        if self._begun_s is None:
            self._begun_s = time.monotonic()

    def end(self) -> None:
        """End it: the batch is made."""
        self._begun_s = None

    def answered(self) -> None:
        """Note that a request is over; its client may come back."""
        now_s = time.monotonic()
        if now_s > self._answered_s + _RETURN_S:
            self._n_away = 0  # those answered before have gone
        self._n_away += 1
        self._answered_s = now_s

    def came(self) -> None:
        """Note a request; so a client that is alone is not waited for twice."""
        self._n_away = max(0, self._n_away - 1)

    @property
    def left_s(self) -> float:
        """Seconds that the next batch may still wait for others; not above 0 without a reason."""
        now_s = time.monotonic()
        begun_s = now_s if self._begun_s is None else self._begun_s
        until_s = begun_s + min(_MAX_GATHER_S, _GATHER_SHARE * self._counts.batch_s)
        if not self._n_near():
            until_s = min(until_s, self._answered_s + _RETURN_S) if self._n_away else now_s
        return until_s - now_s
