"""Cues that keep to the picture: what comes or goes near a shot change does so at the change.

In go times in ticks (`grid`); out come times of which some have moved. An eye that follows the picture to a
new shot reads a cue anew that stays for a moment longer, so Netflix asks (Timing Guidelines, 24 frames a
second): a cue that starts up to 12 frames after a change or 7 before it starts at the change; one that would
start 8 to 11 frames before it starts 12 before; one that ends within 12 frames of it ends two frames (the
least gap) before it. Speech comes first: a move is left undone where it would cut speech off, leave too
little time to read or break a limit of durations and gaps. Cues that cross a change stay as they are.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from qasr_cli.subtitles.layout.frame_grid import Beat, Pace


def nearest(shots: Sequence[int], tick: int) -> int | None:
    """Return the shot change nearest to a time, the earlier of two; None where there is none at all."""
    after = bisect_left(shots, tick)
    return min(shots[max(0, after - 1) : after + 1], key=lambda shot: abs(shot - tick), default=None)


def snap_starts(
    wanted: Sequence[int], beats: Sequence[Beat], shots: Sequence[int], pace: Pace, n_ticks: int
) -> list[int]:
    """Return the starts of all cues, each at its shot change where nothing speaks against it.

    Args:
        wanted: Strictly increasing.
        beats: What each cue needs.
        shots: Shot changes, in order.
        pace: Limits.
        n_ticks: Length of the media.
    """
    starts = list(wanted)
    for k, old in enumerate(wanted):
        new = _start_at(shots, old, pace)
        limit = wanted[k + 1] - pace.gap if k + 1 < len(wanted) else n_ticks
        if new == old or not 0 <= new <= limit - beats[k].least(pace):
            continue
        if beats[k].spoken_until - new > pace.max_duration:
            continue
        if new > old and new - beats[k].spoken > pace.just_before_shot:  # late already, and not to be later
            continue
        if k == 0 or _leaves_room(new, old, (starts[k - 1], beats[k - 1]), pace):
            starts[k] = new
    return starts


def _start_at(shots: Sequence[int], start: int, pace: Pace) -> int:
    shot = nearest(shots, start)
    if shot is None or not -pace.near_shot <= shot - start < pace.near_shot:
        return start
    return shot if shot - start <= pace.just_before_shot else shot - pace.near_shot


def _leaves_room(new: int, old: int, before: tuple[int, Beat], pace: Pace) -> bool:
    """Say whether the cue before keeps its speech, its time and a gap of a legal size."""
    start, beat = before
    if new < old and new - pace.gap < max(beat.spoken_until, start + beat.least(pace)):
        return False
    # The cue before could reach neither up to this one nor stay clear of it.
    return not pace.gap < new - (start + pace.max_duration) < pace.chain


def snap_end(
    span: tuple[int, int], next_start: int | None, beat: Beat, shots: Sequence[int], pace: Pace
) -> int:
    """Return the end of a cue, before its shot change where nothing speaks against it.

    Args:
        span: The cue's start and end.
        next_start: Of the next cue, or None.
        beat: What the cue needs.
        shots: Shot changes, in order, none after the end of the media.
        pace: Limits.
    """
    start, old = span
    shot = nearest(shots, old)
    if shot is None or abs(shot - old) > pace.near_shot:
        return old
    new = shot - pace.gap
    # As with a following cue, the last two frames of speech may give way to the gap.
    earliest = max(start + beat.least(pace), min(old, beat.spoken_until - pace.gap))
    latest = min(start + pace.max_duration, max(old, beat.spoken_until + pace.max_linger))
    if next_start is not None and next_start - new != pace.gap and next_start - new < pace.chain:
        return old
    return new if earliest <= new <= latest else old
