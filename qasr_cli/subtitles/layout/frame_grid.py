"""The grid of cue times: whole milliseconds, or the edges of a video's frames.

In go milliseconds and a frame rate; out come ticks, the unit of cue timing: milliseconds without a frame
rate, otherwise frames. A tick begins at the first whole millisecond inside it (42 ms for frame 1 of 24 a
second), so that a player shows the right frame at that time. Arithmetic is exact: frame 1,000,000 of
24000/1001 does not drift.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from qasr_cli.subtitles.rules.limits import Limits
from qasr_cli.timebase import MS_PER_S

_BORROW_MS = 120  # three frames at 25 a second
_FLOOR_MS = 200
JUST_BEFORE_SHOT_MS = 292  # Netflix: 7 frames at 24 a second
_NEAR_SHOT_MS = 500  # Netflix: half a second, 12 frames


@dataclass(frozen=True, slots=True)
class FrameGrid:
    """Ticks of `ms_per_tick` milliseconds, the first at 0."""

    ms_per_tick: Fraction = Fraction(1)

    @classmethod
    def of_frames(cls, frame_rate: Fraction | None) -> FrameGrid:
        """Return the frames of a video, or milliseconds for None."""
        return cls() if frame_rate is None else cls(Fraction(MS_PER_S) / frame_rate)

    def at_or_after(self, time_ms: int) -> int:
        """Return the first tick that begins at a time or later; of a length, the ticks that it needs."""
        return -(-time_ms * self.ms_per_tick.denominator // self.ms_per_tick.numerator)

    def at_or_before(self, time_ms: int) -> int:
        """Return the last tick that begins at a time or earlier; of a length, the ticks that fit in it."""
        return time_ms * self.ms_per_tick.denominator // self.ms_per_tick.numerator

    def nearest(self, time_ms: int) -> int:
        """Return the tick that begins nearest to a time: a picture's time is its frame's time, rounded."""
        ticks, rest = divmod(time_ms * self.ms_per_tick.denominator, self.ms_per_tick.numerator)
        return ticks + (2 * rest >= self.ms_per_tick.numerator)

    def ms(self, tick: int) -> int:
        """Return the first whole millisecond of a tick."""
        return -(-tick * self.ms_per_tick.numerator // self.ms_per_tick.denominator)


@dataclass(frozen=True, slots=True)
class TickLimits:
    """The limits of `Limits` in ticks, rounded so that they imply those in milliseconds.

    Attributes:
        floor: Least duration of a cue, even if all words have one time.
        borrow: How late a cue may start to leave a short cue before it its minimum.
        just_before_shot: A cue that starts at most this long before a shot change is moved to it.
        near_shot: A time at most this far from a shot change belongs to it.
    """

    min_duration: int
    max_duration: int
    gap: int
    chain: int
    linger: int
    max_linger: int
    floor: int
    borrow: int
    just_before_shot: int
    near_shot: int

    @classmethod
    def on(cls, grid: FrameGrid, limits: Limits) -> TickLimits:
        """Return the limits as ticks of a grid."""
        min_duration = grid.at_or_after(limits.min_duration_ms)
        return cls(
            min_duration=min_duration,
            max_duration=grid.at_or_before(limits.max_duration_ms),
            gap=grid.at_or_after(limits.min_gap_ms),
            chain=grid.at_or_after(limits.chain_ms),
            linger=grid.at_or_after(limits.linger_ms),
            max_linger=grid.at_or_before(limits.max_linger_ms),
            floor=min(grid.at_or_after(_FLOOR_MS), min_duration),
            borrow=grid.at_or_before(_BORROW_MS),
            just_before_shot=grid.at_or_before(JUST_BEFORE_SHOT_MS),
            near_shot=grid.nearest(_NEAR_SHOT_MS),
        )


@dataclass(frozen=True, slots=True)
class CueDemand:
    """The times that one cue needs, in ticks.

    Attributes:
        wanted: Preferred start, a little before its speech.
        spoken: Start of its speech.
        spoken_until: End of its speech.
        reading: Reading time at the soft speed.
        quick_reading: Reading time at the hard speed, the least.
    """

    wanted: int
    spoken: int
    spoken_until: int
    reading: int
    quick_reading: int

    def least(self, ticks: TickLimits) -> int:
        """Return the shortest duration in which the cue breaks no rule."""
        return max(ticks.min_duration, self.quick_reading)
