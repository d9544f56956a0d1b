"""Automatic repair of subtitles: times, gaps, order and line breaks, never a word.

In go captions; out come the same captions in the order of time, each with its own text, with times and lines
that keep the limits if possible. A caption that needs listening or another text (too fast with neighbours on
both sides, or to be split) stays as it was, and so do signs at a position in the picture, except for
impossible times. A second repair changes nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from qasr_cli.records import Caption
from qasr_cli.subtitles.layout.line_breaking import IMPOSSIBLE, LineBreaker, text_of
from qasr_cli.subtitles.qc import caption_atoms, check_text, check_times
from qasr_cli.subtitles.qc.caption_atoms import (
    CaptionText,
    is_dialogue,
    is_hyphenated,
    is_typeset,
    is_visible,
    width,
)
from qasr_cli.subtitles.rules.limits import Limits
from qasr_cli.timebase import MS_PER_S

_FLOOR_MS = 100  # if many captions share one time, each is still visible
_HARD_BREAK_RULES = {"cpl", "lines"}


def fix_captions(
    captions: Sequence[Caption], limits: Limits, language: str | None, grid_ms: int = 1
) -> tuple[Caption, ...]:
    """Return the captions repaired, in the order of time.

    Args:
        captions: Captions in any order, with any times.
        limits: Limits of the captions.
        language: Code, or None.
        grid_ms: Resolution of times in their format; durations and gaps are multiples of it.
    """
    repaired = _without_invisible(captions, limits)
    while True:
        fixed = _fixed(repaired, limits, language, grid_ms)
        # A new break replaces a space, and in scripts without spaces the text changes then. The loop ends:
        # lines are only rebroken if that breaks fewer rules.
        if sorted(caption.lines for caption in fixed) == sorted(caption.lines for caption in repaired):
            return fixed
        repaired = fixed


def kept(captions: Sequence[Caption], limits: Limits) -> tuple[int, ...]:
    """Return the indices of the captions that a repair keeps: it leaves out those that show nothing."""
    visible = [index for index, caption in enumerate(captions) if is_visible(caption, limits)]
    after = visible[-1] + 1 if visible else 0
    if any(caption.before for caption in captions[after:]):
        visible.append(len(captions) - 1)  # without a next caption its notes stay where they are
    return tuple(visible)


def _without_invisible(captions: Sequence[Caption], limits: Limits) -> tuple[Caption, ...]:
    """Leave out captions without visible text. Notes before them are moved to the next caption."""
    places = set(kept(captions, limits))
    repaired: list[Caption] = []
    before: tuple[str, ...] = ()
    for index, caption in enumerate(captions):
        before += caption.before
        if index in places:
            repaired.append(replace(caption, before=before))
            before = ()
    return tuple(repaired)


def _fixed(
    captions: Sequence[Caption], limits: Limits, language: str | None, grid_ms: int
) -> tuple[Caption, ...]:
    timed = sorted(captions, key=lambda caption: caption.start_ms)
    fixed = [_possible(caption, limits, grid_ms) for caption in timed]
    for lane in check_times.lanes(fixed):
        if is_typeset(fixed[lane[0]]):
            continue  # a moving sign is one caption a frame: with longer times all would be shown at once
        of_lane = _ends(_starts([fixed[index] for index in lane], limits, grid_ms), limits, grid_ms)
        for index, caption in zip(lane, of_lane, strict=True):
            fixed[index] = caption
    ordered = sorted(fixed, key=lambda caption: caption.start_ms)
    return tuple(_break_lines(ordered, limits, language))


def _possible(caption: Caption, limits: Limits, grid_ms: int) -> Caption:
    """Move a caption that begins before the media, or ends before it begins, to a possible time."""
    start_ms, end_ms = _up(max(caption.start_ms, 0), grid_ms), _down(caption.end_ms, grid_ms)
    if end_ms < start_ms:  # a sign gets its time here, the others together with their neighbours
        end_ms = start_ms + (_needed_ms(caption, limits, grid_ms) if is_typeset(caption) else 0)
    return replace(caption, start_ms=start_ms, end_ms=end_ms)


def _up(time_ms: float, grid_ms: int) -> int:
    return int(-(-time_ms // grid_ms)) * grid_ms


def _down(time_ms: int, grid_ms: int) -> int:
    return time_ms // grid_ms * grid_ms


def _needed_ms(caption: Caption, limits: Limits, grid_ms: int) -> int:
    """Return the minimum duration in which a caption can be read."""
    reading_ms = -(-width(caption.lines, limits) * MS_PER_S // limits.hard_rate)
    return _up(max(limits.min_duration_ms, reading_ms), grid_ms)


def _starts(lane: list[Caption], limits: Limits, grid_ms: int) -> list[Caption]:
    """Move starts later so that the caption before has its minimum duration, if the two have time for it.

    A start is moved only if two captions are shown at once and cutting the first would leave it too short to
    read: of their common time each has what it needs, beginning with the first. One that was too short before
    the other began has no claim to more than the minimum: the start of the other is right.
    """
    placed = list(lane)
    for k in range(1, len(placed)):
        before, caption = placed[k - 1], placed[k]
        if before.end_ms <= caption.start_ms and before.start_ms < caption.start_ms:
            continue
        wanted_ms = before.start_ms + _claimed_ms(before, limits, grid_ms)
        if wanted_ms > caption.start_ms:
            wanted_ms += _up(limits.min_gap_ms, grid_ms)
        # Never so late that its own text would no longer fit before its own end, if that is one.
        is_timed = check_times.length_ms(caption) > 0
        until_ms = caption.end_ms if is_timed else max(before.end_ms, caption.end_ms)
        latest_ms = until_ms - _needed_ms(caption, limits, grid_ms)
        start_ms = max(caption.start_ms, min(wanted_ms, latest_ms), before.start_ms + _FLOOR_MS)
        placed[k] = replace(caption, start_ms=start_ms, end_ms=max(caption.end_ms, start_ms))
    return placed


def _claimed_ms(caption: Caption, limits: Limits, grid_ms: int) -> int:
    """Return the time that a caption may take from the next one: what it needs, if it had that itself."""
    needed_ms, own_ms = _needed_ms(caption, limits, grid_ms), check_times.length_ms(caption)
    if own_ms <= 0 or own_ms >= needed_ms:
        return needed_ms
    return min(own_ms, _up(limits.min_duration_ms, grid_ms))


def _ends(lane: list[Caption], limits: Limits, grid_ms: int) -> list[Caption]:
    starts = [caption.start_ms for caption in lane[1:]]
    return [
        replace(caption, end_ms=_end(caption, next_ms, limits, grid_ms))
        for caption, next_ms in zip(lane, [*starts, None], strict=True)
    ]


def _end(caption: Caption, next_ms: int | None, limits: Limits, grid_ms: int) -> int:
    """Return the end of a caption: long enough to be read, a gap before the next."""
    start_ms, end_ms = caption.start_ms, caption.end_ms
    reading_ms, max_ms = _needed_ms(caption, limits, grid_ms), _down(limits.max_duration_ms, grid_ms)
    needed_ms, longest_ms = min(reading_ms, max_ms), max(reading_ms, max_ms)
    end_ms = min(end_ms, start_ms + longest_ms)
    if next_ms is None:
        return max(end_ms, start_ms + needed_ms)
    before_gap_ms = next_ms - _up(limits.min_gap_ms, grid_ms)
    if next_ms - end_ms < check_times.least_gap_ms(limits):
        # The gap is given up if the cue is just long enough to be read: one rule is not kept by breaking
        # another. If the cue is too short anyway, the gap stays.
        least_ms = needed_ms if start_ms + needed_ms <= next_ms else _FLOOR_MS
        end_ms = min(end_ms, max(before_gap_ms, min(next_ms, start_ms + least_ms)))
    if end_ms < start_ms + needed_ms:
        end_ms = max(end_ms, min(start_ms + needed_ms, before_gap_ms))
    is_flicker = before_gap_ms > end_ms and next_ms - end_ms < limits.chain_ms
    if is_flicker and before_gap_ms - start_ms <= longest_ms:
        return before_gap_ms
    return max(end_ms, min(next_ms, start_ms + grid_ms))


def _break_lines(captions: Sequence[Caption], limits: Limits, language: str | None) -> list[Caption]:
    text = caption_atoms.of_captions(captions, language, limits)
    spaced = caption_atoms.of_captions(captions, language, limits, is_spaced_at_breaks=True)
    breaker = LineBreaker(spaced.atoms, spaced.break_costs, limits)
    fixed = list(captions)
    for index, caption in enumerate(captions):
        if _is_breakable(caption) and any(check_text.of_lines(caption, index, text, limits)):
            fixed[index] = _rebroken(caption, spaced, breaker, spaced.edges(index), limits)
    return fixed


def _is_breakable(caption: Caption) -> bool:
    """Whether a caption's line breaks have no meaning, so that others may replace them."""
    if not caption.lines or is_typeset(caption):
        return False
    return not (is_dialogue(caption) or is_hyphenated(caption.lines))


def _rebroken(
    caption: Caption, text: CaptionText, breaker: LineBreaker, edges: tuple[int, int], limits: Limits
) -> Caption:
    """Return a caption with its best lines, if they are better than its own."""
    first, last = edges
    if breaker.cost(first, last) == IMPOSSIBLE:
        return caption  # no breaks help a text that is too long
    places = (first, *breaker.breaks(first, last), last)
    proposed = replace(caption, lines=tuple(text_of(text.atoms[a:b]) for a, b in pairwise(places)))
    is_better = _n_broken(proposed, text.language, limits) < _n_broken(caption, text.language, limits)
    return proposed if is_better else caption


def _n_broken(caption: Caption, language: str | None, limits: Limits) -> tuple[int, int]:
    """Return how many hard rules, and how many rules in all, a caption's lines break."""
    alone = caption_atoms.of_captions([caption], language, limits)
    rules = [finding.rule for finding in check_text.of_lines(caption, 0, alone, limits)]
    return sum(rule in _HARD_BREAK_RULES for rule in rules), len(rules)
