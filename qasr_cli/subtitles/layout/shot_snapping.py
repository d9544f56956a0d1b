"""Shot snapping: cue starts and ends near a shot change move to the change.

In go times in ticks (`frame_grid`); out come times, some of them moved. A viewer rereads a cue that stays for
a moment after a shot change. Netflix (Timing Guidelines) requires, at 24 frames a second: a cue that starts
up to 12 frames after a change, or 7 before it, starts at the change; a start 8 to 11 frames before it is
moved to 12 before; an end within 12 frames of it is moved to two frames (the least gap) before it. Speech has
priority: a move that would cut off speech, leave too little time to read or break a limit of durations and
gaps is left out. Cues that cross a change stay as they are.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from qasr_cli.subtitles.layout.frame_grid import CueDemand, TickLimits


def nearest(shots: Sequence[int], tick: int) -> int | None:
    """Return the shot change nearest to a time, the earlier of two; None without any."""
    after = bisect_left(shots, tick)
    return min(shots[max(0, after - 1) : after + 1], key=lambda shot: abs(shot - tick), default=None)


def snap_starts(
    wanted: Sequence[int], demands: Sequence[CueDemand], shots: Sequence[int], ticks: TickLimits, n_ticks: int
) -> list[int]:
    """Return the starts of all cues, each at its shot change unless a rule forbids it.

    Args:
        wanted: Preferred starts, strictly increasing.
        demands: Times that each cue needs.
        shots: Shot changes, in order.
        ticks: Limits, in ticks.
        n_ticks: Length of the media.
    """
    starts = list(wanted)
    for k, old in enumerate(wanted):
        new = _start_at(shots, old, ticks)
        limit = wanted[k + 1] - ticks.gap if k + 1 < len(wanted) else n_ticks
        if new == old or not 0 <= new <= limit - demands[k].least(ticks):
            continue
        if demands[k].spoken_until - new > ticks.max_duration:
            continue
        is_late = new > old and new - demands[k].spoken > ticks.just_before_shot
        if is_late:  # already, and must not be later
            continue
        if k == 0 or _leaves_room(new, old, (starts[k - 1], demands[k - 1]), ticks):
            starts[k] = new
    return starts


def _start_at(shots: Sequence[int], start: int, ticks: TickLimits) -> int:
    shot = nearest(shots, start)
    if shot is None or not -ticks.near_shot <= shot - start < ticks.near_shot:
        return start
    return shot if shot - start <= ticks.just_before_shot else shot - ticks.near_shot


def _leaves_room(new: int, old: int, before: tuple[int, CueDemand], ticks: TickLimits) -> bool:
    """Whether the cue before keeps its speech, its duration and a legal gap."""
    start, demand = before
    if new < old and new - ticks.gap < max(demand.spoken_until, start + demand.least(ticks)):
        return False
    # The cue before could reach neither up to this one nor stay clear of it.
    return not ticks.gap < new - (start + ticks.max_duration) < ticks.chain


def snap_end(
    span: tuple[int, int], next_start: int | None, demand: CueDemand, shots: Sequence[int], ticks: TickLimits
) -> int:
    """Return the end of a cue, before its shot change unless a rule forbids it.

    Args:
        span: The cue's start and end.
        next_start: Start of the next cue, or None.
        demand: Times that the cue needs.
        shots: Shot changes, in order, none after the end of the media.
        ticks: Limits, in ticks.
    """
    start, old = span
    shot = nearest(shots, old)
    if shot is None or abs(shot - old) > ticks.near_shot:
        return old
    new = shot - ticks.gap
    # As with a following cue, the last two frames of speech may give way to the gap.
    earliest = max(start + demand.least(ticks), min(old, demand.spoken_until - ticks.gap))
    latest = min(start + ticks.max_duration, max(old, demand.spoken_until + ticks.max_linger))
    if next_start is not None and next_start - new != ticks.gap and next_start - new < ticks.chain:
        return old
    return new if earliest <= new <= latest else old
