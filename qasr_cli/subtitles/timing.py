"""When each cue comes and goes.

In go cues with the time in which they are spoken; out come cues with the time in which they are shown, in
whole milliseconds. The text is not touched. Rules that the speech leaves no room for are flagged:

    cps       faster than the hard reading speed
    dur_min   shorter than the minimum duration
    gap       closer to the next cue than the minimum gap, or not close enough to be one with it
    late      shown more than two frames after it is spoken
    lines     more lines than allowed, because the media has fewer milliseconds than it has cues

Order and numbers: Netflix Timing Guidelines (360051554394), BBC Subtitle Guidelines 6, TED.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from qasr_cli.records import Cue
from qasr_cli.subtitles.limits import Limits
from qasr_cli.timebase import MS_PER_S

_BORROW_MS = 120  # how late a cue may be to give a short one before it its minimum: three frames at 25 fps
_FLOOR_MS = 200  # where words share one millisecond, each cue is still seen
_LATE_MS = 83  # two frames at 24 fps


@dataclass(frozen=True, slots=True)
class Draft:
    """A cue that is laid out but not timed; spoken in `[start_ms, end_ms]`."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    word_range: tuple[int, int]
    half_cells: int
    flags: tuple[str, ...] = ()


def polish(drafts: Sequence[Draft], duration_ms: int, limits: Limits) -> tuple[Cue, ...]:
    """Return the drafts as cues: starts strictly increase, none overlaps, all within the media.

    Args:
        drafts: Ordered by the start of their speech.
        duration_ms: Length of the media, at least 1.
        limits: Durations, gap and reading speeds.
    """
    fitting = _squeeze(drafts, duration_ms)
    starts = _starts(fitting, duration_ms, limits)
    cues = []
    for draft, start_ms, next_ms in zip(fitting, starts, [*starts[1:], None], strict=True):
        end_ms = _end(draft, start_ms, _latest_end(start_ms, next_ms, duration_ms, limits), limits)
        end_ms = _chain(start_ms, end_ms, next_ms, limits)
        shown = Cue(start_ms, end_ms, draft.lines, draft.word_range)
        cues.append(replace(shown, flags=_flags(draft, shown, next_ms, limits)))
    return tuple(cues)


def _squeeze(drafts: Sequence[Draft], duration_ms: int) -> list[Draft]:
    """Put cues together until there are no more than milliseconds to show them in."""
    if len(drafts) <= duration_ms:
        return list(drafts)
    size = -(-len(drafts) // duration_ms)
    groups = [drafts[first : first + size] for first in range(0, len(drafts), size)]
    return [
        Draft(
            group[0].start_ms,
            max(draft.end_ms for draft in group),
            tuple(line for draft in group for line in draft.lines),
            (group[0].word_range[0], group[-1].word_range[1]),
            sum(draft.half_cells for draft in group),
            ("lines",) if len(group) > 1 else (),
        )
        for group in groups
    ]


def _starts(drafts: Sequence[Draft], duration_ms: int, limits: Limits) -> list[int]:
    """Return when each cue appears; where there is no room for all, gaps go first, then durations."""
    wanted = _lead_in(drafts, limits)
    floor_ms = min(_FLOOR_MS, limits.min_duration_ms)
    for gap_ms, least_ms in ((limits.min_gap_ms, floor_ms), (0, floor_ms), (0, duration_ms // len(drafts))):
        starts = _push_later(wanted, drafts, (gap_ms, min(least_ms, floor_ms)), limits)
        _pull_earlier(starts, duration_ms, gap_ms, min(least_ms, floor_ms))
        if starts[0] >= 0:
            return starts
    raise AssertionError("every cue has its millisecond")


def _lead_in(drafts: Sequence[Draft], limits: Limits) -> list[int]:
    """Start each cue a little before its speech, as far as the speech before leaves room."""
    starts = []
    spoken_until_ms = -limits.min_gap_ms
    for draft in drafts:
        earliest_ms = min(draft.start_ms, spoken_until_ms + limits.min_gap_ms)
        starts.append(max(draft.start_ms - limits.lead_in_ms, earliest_ms))
        spoken_until_ms = draft.end_ms
    return starts


def _push_later(
    wanted: Sequence[int], drafts: Sequence[Draft], room_ms: tuple[int, int], limits: Limits
) -> list[int]:
    """Return starts that leave each cue its floor, and its minimum where the next can wait a moment."""
    gap_ms, floor_ms = room_ms
    starts = list(wanted)
    for k in range(1, len(starts)):
        needed_ms = starts[k - 1] + limits.min_duration_ms + gap_ms
        borrowed_ms = min(needed_ms, drafts[k].start_ms + _BORROW_MS)
        has_room = k + 1 == len(starts) or (
            wanted[k + 1] - borrowed_ms >= limits.min_duration_ms + limits.min_gap_ms
        )
        if has_room:
            starts[k] = max(starts[k], borrowed_ms)
        starts[k] = max(starts[k], starts[k - 1] + floor_ms + gap_ms)
    return starts


def _pull_earlier(starts: list[int], duration_ms: int, gap_ms: int, floor_ms: int) -> None:
    """Move starts back, in place, as far as the end of the media asks; they may become negative."""
    limit_ms = duration_ms
    for k in range(len(starts) - 1, -1, -1):
        starts[k] = min(starts[k], limit_ms - floor_ms)
        limit_ms = starts[k] - gap_ms


def _latest_end(start_ms: int, next_ms: int | None, duration_ms: int, limits: Limits) -> int:
    if next_ms is None:
        return duration_ms
    # The gap gives way before the cue does.
    return min(max(next_ms - limits.min_gap_ms, start_ms + min(_FLOOR_MS, limits.min_duration_ms)), next_ms)


def _end(draft: Draft, start_ms: int, latest_ms: int, limits: Limits) -> int:
    """Return when a cue goes: after its speech and its reading time, before the next cue."""
    spoken_until_ms = max(draft.end_ms, start_ms)
    reading_ms = int(draft.half_cells * MS_PER_S / limits.soft_rate)
    wanted_ms = max(spoken_until_ms + limits.linger_ms, start_ms + max(limits.min_duration_ms, reading_ms))
    return min(
        wanted_ms,
        max(spoken_until_ms + limits.max_linger_ms, start_ms + limits.min_duration_ms),
        start_ms + limits.max_duration_ms,
        latest_ms,
    )


def _chain(start_ms: int, end_ms: int, next_ms: int | None, limits: Limits) -> int:
    """Close a gap that would only flicker, unless that makes the cue too long."""
    if next_ms is None or not limits.min_gap_ms < next_ms - end_ms < limits.chain_ms:
        return end_ms
    closed_ms = next_ms - limits.min_gap_ms
    return closed_ms if closed_ms - start_ms <= limits.max_duration_ms else end_ms


def _flags(draft: Draft, cue: Cue, next_ms: int | None, limits: Limits) -> tuple[str, ...]:
    length_ms = cue.end_ms - cue.start_ms
    flags = list(draft.flags)
    if draft.half_cells * MS_PER_S > limits.hard_rate * length_ms:
        flags.append("cps")
    if length_ms < limits.min_duration_ms:
        flags.append("dur_min")
    gap_ms = limits.min_gap_ms if next_ms is None else next_ms - cue.end_ms
    if gap_ms != limits.min_gap_ms and gap_ms < max(limits.chain_ms, limits.min_gap_ms):
        flags.append("gap")
    if cue.start_ms > draft.start_ms + _LATE_MS:
        flags.append("late")
    return tuple(flags)
