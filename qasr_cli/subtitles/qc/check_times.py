"""Rules of time: order, gaps, durations, reading speed, shots.

In go captions in the order of time; out come findings. Only captions of one place are neighbours: a sign at
the top and a line at the bottom may be shown together.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise

from qasr_cli.records import Caption
from qasr_cli.subtitles.qc.caption_atoms import width
from qasr_cli.subtitles.qc.findings import Finding
from qasr_cli.subtitles.rules.limits import Limits
from qasr_cli.subtitles.rules.width import HALF_CELLS_PER_CELL
from qasr_cli.timebase import MS_PER_S

_ROUNDING_MS = 5  # programs round a gap of two frames differently
_NAMELESS_GAP_MS = 83  # two frames at 24 fps, where the rate is unknown ...
_LEAST_GAP_MS = 66  # ... and the file may be at 30
_SHOT_MS = 500  # Netflix: within 12 frames of a cut a start or an end belongs to the cut


def lanes(captions: Sequence[Caption]) -> list[list[int]]:
    """Return the captions' indices by place, each in order."""
    by_place: dict[str, list[int]] = {}
    for index, caption in enumerate(captions):
        by_place.setdefault(caption.place, []).append(index)
    return list(by_place.values())


def length_ms(caption: Caption) -> int:
    """Return a caption's duration; 0 or less if its times are wrong."""
    return caption.end_ms - caption.start_ms


def cps(caption: Caption, limits: Limits) -> float:
    """Return a caption's reading speed in cells a second; 0 if its times or text are wrong."""
    if length_ms(caption) <= 0:
        return 0.0
    return width(caption.lines, limits) / HALF_CELLS_PER_CELL * MS_PER_S / length_ms(caption)


def check(captions: Sequence[Caption], limits: Limits) -> Iterator[Finding]:
    """Yield findings about the times."""
    for index, caption in enumerate(captions):
        if caption.start_ms < 0 or length_ms(caption) <= 0:
            yield _finding("bad_times", captions, index, _bad_times(caption))
        else:
            yield from _durations(captions, index, limits)
            yield from _shots(captions, index, limits)
    for lane in lanes(captions):
        for index, following in pairwise(lane):
            yield from _gap(captions, (index, following), limits)


def _finding(
    rule: str,
    captions: Sequence[Caption],
    index: int,
    comment: str,
    measured: tuple[float, float] | None = None,
) -> Finding:
    value, limit = measured or (None, None)
    return Finding(rule, comment, index, captions[index].start_ms, value, limit)


def _bad_times(caption: Caption) -> str:
    if caption.start_ms < 0:
        return f"starts {-caption.start_ms / MS_PER_S:g} s before the media"
    if length_ms(caption) == 0:
        return "has no duration"
    return f"ends {-length_ms(caption) / MS_PER_S:g} s before it starts"


def _durations(captions: Sequence[Caption], index: int, limits: Limits) -> Iterator[Finding]:
    shown_ms = length_ms(captions[index])
    for rule, limit_ms, is_broken, than in (
        ("dur_min", limits.min_duration_ms, shown_ms < limits.min_duration_ms, "less"),
        ("dur_max", limits.max_duration_ms, shown_ms > limits.max_duration_ms, "more"),
    ):
        if is_broken:
            comment = f"shown for {shown_ms / MS_PER_S:g} s, {than} than {limit_ms / MS_PER_S:g}"
            yield _finding(rule, captions, index, comment, (shown_ms / MS_PER_S, limit_ms / MS_PER_S))
    half_cells = width(captions[index].lines, limits)
    speed = cps(captions[index], limits)
    for rule, rate in (("cps", limits.hard_rate), ("cps_soft", limits.soft_rate)):
        if half_cells * MS_PER_S > rate * shown_ms:  # whole numbers: a limit that is just kept is kept
            limit = rate / HALF_CELLS_PER_CELL
            shown = f"{speed:.1f}" if speed >= limit + 0.1 else f"{speed:.3f}"
            comment = f"{shown} characters a second, more than {limit:g}"
            yield _finding(rule, captions, index, comment, (round(speed, 2), limit))
            return


def _gap(captions: Sequence[Caption], pair: tuple[int, int], limits: Limits) -> Iterator[Finding]:
    index, following = pair
    gap_ms = captions[following].start_ms - captions[index].end_ms
    if length_ms(captions[index]) <= 0 or length_ms(captions[following]) <= 0:
        return
    if gap_ms < 0:
        comment = f"overlaps the next by {-gap_ms / MS_PER_S:g} s"
        yield _finding("overlap", captions, index, comment, (gap_ms / MS_PER_S, 0.0))
    elif gap_ms < least_gap_ms(limits):
        comment = f"{gap_ms} ms before the next, less than {limits.min_gap_ms}"
        yield _finding("gap_min", captions, index, comment, (gap_ms / MS_PER_S, limits.min_gap_ms / MS_PER_S))
    elif limits.min_gap_ms + _ROUNDING_MS < gap_ms < limits.chain_ms and (
        length_ms(captions[index]) + gap_ms - limits.min_gap_ms <= limits.max_duration_ms
    ):  # a gap may stay that only a caption beyond the maximum duration could close
        comment = (
            f"{gap_ms} ms before the next: neither {limits.min_gap_ms} ms nor at least {limits.chain_ms} ms"
        )
        measured = gap_ms / MS_PER_S, limits.chain_ms / MS_PER_S
        yield _finding("gap_flicker", captions, index, comment, measured)


def least_gap_ms(limits: Limits) -> int:
    """Return the shortest gap that passes."""
    is_nameless = limits.frame_rate is None and limits.min_gap_ms in {_NAMELESS_GAP_MS, 80}
    return _LEAST_GAP_MS if is_nameless else limits.min_gap_ms


def _shots(captions: Sequence[Caption], index: int, limits: Limits) -> Iterator[Finding]:
    """Find a start that flashes before a cut, or an end that hangs over one."""
    caption, cuts = captions[index], limits.shots_ms
    frame_ms = round(MS_PER_S / limits.frame_rate) if limits.frame_rate else 42
    after_start = bisect_left(cuts, caption.start_ms + frame_ms)
    if after_start < len(cuts) and cuts[after_start] - caption.start_ms < min(_SHOT_MS, length_ms(caption)):
        ahead_ms = cuts[after_start] - caption.start_ms
        yield _finding("crosses_shot", captions, index, f"starts {ahead_ms} ms before the picture changes")
    before_end = bisect_left(cuts, caption.end_ms - frame_ms) - 1
    if (
        before_end >= 0
        and caption.start_ms < cuts[before_end]
        and caption.end_ms - cuts[before_end] < _SHOT_MS
    ):
        over_ms = caption.end_ms - cuts[before_end]
        yield _finding("crosses_shot", captions, index, f"ends {over_ms} ms after the picture changes")
