"""Cue timing: the start and end of each cue.

In go cues with the time in which they are spoken; out come cues with the time in which they are shown, in
whole milliseconds. Never changes the text. The order: starts are put before their speech (`lead_in_ms`) and
make room for each other; they move to shot changes (`--shots`, see `shot_snapping`); ends are extended for
the reader (`--max-cps`, `--min-duration`, `--max-duration`), gaps that would flicker are closed to
`--min-gap`, and ends move to shot changes. With a frame rate (`--fps`) all times are whole frames, so that a
gap is an exact number of frames. Rules that cannot be kept are flagged:

    cps       faster than the hard reading speed
    dur_min   shorter than the minimum duration
    gap       closer to the next cue than the minimum gap, or not close enough to be one with it
    late      shown more than two frames after it is spoken, and no shot change is the reason
    lines     more lines than allowed, because the media has fewer milliseconds than it has cues

Order and numbers: Netflix Timing Guidelines (360051554394), BBC Subtitle Guidelines 6, TED.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from qasr_cli.records import Cue, LineSpeaker
from qasr_cli.subtitles.layout import shot_snapping
from qasr_cli.subtitles.layout.frame_grid import JUST_BEFORE_SHOT_MS, CueDemand, FrameGrid, TickLimits
from qasr_cli.subtitles.rules.limits import Limits
from qasr_cli.timebase import MS_PER_S

_LATE_MS = 83  # two frames at 24 fps


@dataclass(frozen=True, slots=True)
class DraftCue:
    """A cue with lines and without times; its words are spoken in `[start_ms, end_ms]`."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    word_range: tuple[int, int]
    half_cells: int
    flags: tuple[str, ...] = ()
    speakers: tuple[LineSpeaker, ...] = ()


def time_cues(drafts: Sequence[DraftCue], duration_ms: int, limits: Limits) -> tuple[Cue, ...]:
    """Return the drafts as cues: starts strictly increase, none overlaps, all within the media.

    Times are whole frames if `limits` have a frame rate, unless the media has fewer frames than cues or no
    whole number of frames is a legal duration.

    Args:
        drafts: Ordered by the start of their speech.
        duration_ms: Length of the media, at least 1.
        limits: Durations, gap and reading speeds.
    """
    fitting = _squeeze(drafts, duration_ms)
    grid = _grid(fitting, duration_ms, limits)
    ticks, n_ticks = TickLimits.on(grid, limits), grid.at_or_before(duration_ms)
    changes = sorted({grid.nearest(time_ms) for time_ms in limits.shots_ms if time_ms <= duration_ms})
    demands = [_demand(draft, grid, limits) for draft in fitting]
    starts = shot_snapping.snap_starts(_starts(demands, n_ticks, ticks), demands, changes, ticks, n_ticks)
    cues, shot_ticks = [], set(changes)
    for draft, demand, start, following in zip(fitting, demands, starts, [*starts[1:], None], strict=True):
        end = _end(demand, start, _latest_end(start, following, n_ticks, ticks), ticks)
        end = _chain(start, end, following, ticks)
        end = shot_snapping.snap_end((start, end), following, demand, changes, ticks)
        shown_ms = grid.ms(start), grid.ms(end)
        flags = draft.flags + _reading_flags(draft, shown_ms, limits)
        flags += _place_flags(draft.start_ms, shown_ms[0], is_at_shot=start in shot_ticks)
        flags += _gap_flags(ticks.gap if following is None else following - end, ticks)
        cues.append(Cue(*shown_ms, draft.lines, draft.word_range, flags, draft.speakers))
    return tuple(cues)


def make_room(cue: Cue, following_ms: int, limits: Limits) -> Cue:
    """Return a cue that ends in time for one that starts at `following_ms`, as `time_cues` ends it.

    For cues that are timed before the text behind them is known. The end moves earlier to leave the minimum
    gap, or later to close a gap that would only flicker.

    Args:
        cue: Timed within the same limits; starts before `following_ms`.
        following_ms: Start of the next cue.
        limits: Durations and gaps.
    """
    grid = FrameGrid.of_frames(limits.frame_rate)
    ticks = TickLimits.on(grid, limits)
    start, following = grid.nearest(cue.start_ms), grid.at_or_before(following_ms)
    end = min(grid.nearest(cue.end_ms), _latest_end(start, following, following, ticks))
    end_ms = grid.ms(_chain(start, end, following, ticks))
    return replace(cue, end_ms=min(max(end_ms, cue.start_ms + 1), following_ms))


def _grid(drafts: Sequence[DraftCue], duration_ms: int, limits: Limits) -> FrameGrid:
    frames = FrameGrid.of_frames(limits.frame_rate)
    ticks = TickLimits.on(frames, limits)
    fits = len(drafts) <= frames.at_or_before(duration_ms) and ticks.min_duration <= ticks.max_duration
    return frames if fits else FrameGrid()


def _demand(draft: DraftCue, grid: FrameGrid, limits: Limits) -> CueDemand:
    return CueDemand(
        grid.at_or_after(draft.start_ms - limits.lead_in_ms),
        grid.at_or_after(draft.start_ms),
        grid.at_or_after(draft.end_ms),
        grid.at_or_after(int(draft.half_cells * MS_PER_S / limits.soft_rate)),
        grid.at_or_after(math.ceil(draft.half_cells * MS_PER_S / limits.hard_rate)),
    )


def _squeeze(drafts: Sequence[DraftCue], duration_ms: int) -> list[DraftCue]:
    """Merge cues until there are no more cues than milliseconds."""
    if len(drafts) <= duration_ms:
        return list(drafts)
    size = -(-len(drafts) // duration_ms)
    groups = [drafts[first : first + size] for first in range(0, len(drafts), size)]
    return [
        DraftCue(
            group[0].start_ms,
            max(draft.end_ms for draft in group),
            tuple(line for draft in group for line in draft.lines),
            (group[0].word_range[0], group[-1].word_range[1]),
            sum(draft.half_cells for draft in group),
            ("lines",) if len(group) > 1 else (),
            tuple(speaker for draft in group for speaker in draft.speakers),
        )
        for group in groups
    ]


def _starts(demands: Sequence[CueDemand], n_ticks: int, ticks: TickLimits) -> list[int]:
    """Return the start of each cue; without room for all, gaps are given up first, then durations."""
    preferred = _lead_in(demands, ticks)
    share = n_ticks // len(demands)
    for gap, floor in ((ticks.gap, ticks.floor), (0, ticks.floor), (0, min(share, ticks.floor))):
        starts = _shift_later(preferred, demands, (gap, floor), ticks)
        _shift_earlier(starts, n_ticks, gap, floor)
        if starts[0] >= 0:
            return starts
    raise AssertionError("every cue has its tick")


def _lead_in(demands: Sequence[CueDemand], ticks: TickLimits) -> list[int]:
    """Start each cue a little before its speech, as far as the speech before leaves room."""
    starts = []
    spoken_until = -ticks.gap
    for demand in demands:
        starts.append(max(demand.wanted, min(demand.spoken, spoken_until + ticks.gap)))
        spoken_until = demand.spoken_until
    return starts


def _shift_later(
    preferred: Sequence[int], demands: Sequence[CueDemand], room: tuple[int, int], ticks: TickLimits
) -> list[int]:
    """Return starts that leave each cue its floor, and its minimum if the next can start a little later."""
    gap, floor = room
    starts = list(preferred)
    for k in range(1, len(starts)):
        borrowed = min(starts[k - 1] + ticks.min_duration + gap, demands[k].spoken + ticks.borrow)
        has_room = k + 1 == len(starts) or preferred[k + 1] - borrowed >= ticks.min_duration + ticks.gap
        if has_room:
            starts[k] = max(starts[k], borrowed)
        starts[k] = max(starts[k], starts[k - 1] + floor + gap)
    return starts


def _shift_earlier(starts: list[int], n_ticks: int, gap: int, floor: int) -> None:
    """Move starts earlier, in place, so that all cues end with the media; starts may become negative."""
    limit = n_ticks
    for k in range(len(starts) - 1, -1, -1):
        starts[k] = min(starts[k], limit - floor)
        limit = starts[k] - gap


def _latest_end(start: int, following: int | None, n_ticks: int, ticks: TickLimits) -> int:
    if following is None:
        return n_ticks
    # The gap is given up before the cue's duration.
    return min(max(following - ticks.gap, start + ticks.floor), following)


def _end(demand: CueDemand, start: int, latest: int, ticks: TickLimits) -> int:
    """Return the end of a cue: after its speech and its reading time, before the next cue."""
    spoken_until = max(demand.spoken_until, start)
    return min(
        max(spoken_until + ticks.linger, start + max(ticks.min_duration, demand.reading)),
        max(spoken_until + ticks.max_linger, start + ticks.min_duration),
        start + ticks.max_duration,
        latest,
    )


def _chain(start: int, end: int, following: int | None, ticks: TickLimits) -> int:
    """Close a gap that would only flicker, unless that makes the cue too long."""
    if following is None or not ticks.gap < following - end < ticks.chain:
        return end
    closed = following - ticks.gap
    return closed if closed - start <= ticks.max_duration else end


def _reading_flags(draft: DraftCue, shown_ms: tuple[int, int], limits: Limits) -> tuple[str, ...]:
    length_ms = shown_ms[1] - shown_ms[0]
    is_fast = draft.half_cells * MS_PER_S > limits.hard_rate * length_ms
    return ("cps",) * is_fast + ("dur_min",) * (length_ms < limits.min_duration_ms)


def _gap_flags(gap: int, ticks: TickLimits) -> tuple[str, ...]:
    return ("gap",) * (gap != ticks.gap and gap < max(ticks.chain, ticks.gap))


def _place_flags(spoken_ms: int, shown_ms: int, *, is_at_shot: bool) -> tuple[str, ...]:
    return ("late",) * (shown_ms > spoken_ms + (JUST_BEFORE_SHOT_MS if is_at_shot else _LATE_MS))
