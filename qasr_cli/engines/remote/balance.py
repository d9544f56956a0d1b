"""Which server gets the next request, and which ones get none for now.

In go what servers did; out comes a choice. A server that has no room gets fewer requests at once, half of
them after each refusal and slowly more again (additive increase, multiplicative decrease, as TCP). One that
fails is benched for 1, 2, 4 ... 60 s, until it has shown that it works. Nothing here is locked or waits: the
dispatcher calls it under its lock.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from qasr_cli.engines.remote.server import Server

_LONGEST_BENCH_S = 60.0
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_NEWEST_SHARE = 0.2  # of the latest answer in the measured speed
_FOR_EVER = float("inf")


@dataclass(slots=True, eq=False)
class ServerState:
    """A server as the dispatcher knows it; times are of the monotonic clock.

    Attributes:
        limit: Maximum requests at once.
        window: Requests at once that it has room for, as far as is known.
        n_in_flight: Requests that it has now.
        speed: Audio seconds per second in all its requests together; 0 until it is measured.
        paused_until_s: It has said that it is busy.
        is_benched: It gets no chunks until it has shown that it works.
        is_checked: It is being asked whether it works.
        check_s: When it is to be asked.
        proven_s: When it last showed that it works.
        n_failures: Failures since its last answer.
        n_pauses: Refusals for want of room since its last answer.
        reason: What it failed with.
    """

    server: Server
    limit: int
    window: float = 0.0
    n_in_flight: int = 0
    speed: float = 0.0
    paused_until_s: float = 0.0
    is_benched: bool = False
    is_checked: bool = False
    check_s: float = 0.0
    proven_s: float = 0.0
    n_failures: int = 0
    n_pauses: int = 0
    reason: str = ""

    def __post_init__(self) -> None:
        self.window = float(self.limit)

    def has_room(self, now_s: float) -> bool:
        """Whether it may get a request now."""
        return (
            not self.is_benched
            and now_s >= self.paused_until_s
            and self.n_in_flight < max(1, int(self.window))
        )

    def answered(self, now_s: float, audio_s: float, wall_s: float, n_beside: int) -> None:
        """Note an answer.

        Args:
            now_s: Current time.
            audio_s: Length of the chunk.
            wall_s: How long it took.
            n_beside: Requests that the server had when it began, this one included.
        """
        self.n_failures = self.n_pauses = 0
        self.proven_s = now_s
        self.window = min(float(self.limit), self.window + 1 / max(1.0, self.window))
        speed = audio_s * n_beside / max(wall_s, 1e-3)  # Little's law
        self.speed = speed if not self.speed else self.speed + _NEWEST_SHARE * (speed - self.speed)

    def refused(self, wait_s: float | None, now_s: float, reason: str) -> None:
        """Note that it has no room; of several such answers at once the first counts."""
        self.reason = reason
        if now_s < self.paused_until_s:
            self.paused_until_s = max(self.paused_until_s, now_s + (wait_s or 0))
            return
        own_s = _jittered(_LONGEST_PAUSE_S, _FIRST_PAUSE_S, self.n_pauses)
        self.n_pauses += 1
        self.window = max(1.0, min(self.window, self.n_in_flight + 1) / 2)
        self.paused_until_s = now_s + (own_s if wait_s is None else wait_s)

    def bench(self, now_s: float, reason: str, *, is_check: bool = False) -> None:
        """Bench it after a failure or a check; of several requests that fail at once the first counts."""
        self.reason = reason
        if self.is_benched and not is_check:
            return
        self.is_benched, self.is_checked = True, False
        self.check_s = now_s + _jittered(_LONGEST_BENCH_S, 1.0, self.n_failures)
        self.n_failures += 1

    def restore(self, now_s: float) -> None:
        """Let it have chunks again; few at first."""
        self.is_benched = self.is_checked = False
        self.proven_s = now_s
        self.window = max(1.0, self.limit / 4)


def _jittered(longest_s: float, first_s: float, n_before: int) -> float:
    """Return `first_s`, doubled with each time before, less up to a quarter: clients get out of step."""
    return min(longest_s, first_s * 2.0 ** min(n_before, 10)) * random.uniform(0.75, 1)  # noqa: S311


def choose(states: Sequence[ServerState], now_s: float, avoided: ServerState | None) -> ServerState | None:
    """Return the server that would be done first with one more request; None if none has room.

    Args:
        states: All servers.
        now_s: Current time.
        avoided: Has failed on the very chunk, which it gets again if no other one will have room soon.
    """
    free = [state for state in states if state.has_room(now_s)]
    others = [state for state in free if state is not avoided]
    is_other_soon = any(
        state is not avoided and not state.is_benched and now_s >= state.paused_until_s for state in states
    )
    if not others and is_other_soon:
        return None
    known = [state.speed for state in states if state.speed]
    usual = sum(known) / len(known) if known else 1.0
    return min(
        others or free, key=lambda state: (state.n_in_flight + 1) / (state.speed or usual), default=None
    )


def due(states: Sequence[ServerState], now_s: float) -> ServerState | None:
    """Return a benched server that is to be asked now whether it works."""
    return next(
        (one for one in states if one.is_benched and not one.is_checked and now_s >= one.check_s), None
    )


def next_change_s(states: Sequence[ServerState], now_s: float) -> float:
    """Return when a server may have room again without an answer; infinity if never."""
    times = [
        state.check_s if state.is_benched else state.paused_until_s
        for state in states
        if not state.is_checked
    ]
    return min((at_s for at_s in times if at_s > now_s), default=_FOR_EVER)
