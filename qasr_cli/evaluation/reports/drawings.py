"""Geometry of the page's drawings: marks on strips, curves, histograms, axes.

In go figures; out come coordinates for SVG. A strip is `WIDTH` units wide and stretches to any width, without
text inside, so that the words beside it keep their size. A plot has axes and keeps its shape.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

WIDTH = 1000.0  # of a strip
PLOT_WIDTH, PLOT_HEIGHT = 300.0, 180.0  # of a plot's inside, in CSS pixels where it is not scaled
_MAX_TICKS = 5
_MANY = 1e5  # marks of larger numbers would lie on each other
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


class Tick(NamedTuple):
    """A mark of an axis."""

    at: float
    text: str


class Axis(NamedTuple):
    """An axis from `low` to `high`, `length` units long."""

    low: float
    high: float
    length: float
    step: float

    def at(self, value: float) -> float:
        """Return the place of a value; one outside lies at the end."""
        share = (value - self.low) / (self.high - self.low)
        return round(min(1.0, max(0.0, share)) * self.length, 1)

    @property
    def ticks(self) -> list[Tick]:
        """The marks, from the lower end to the upper one."""
        n = round((self.high - self.low) / self.step)
        n_decimals = max(0, -math.floor(math.log10(self.step) + 1e-9))
        n_decimals += self.step * 10**n_decimals % 1 > 1e-6  # steps of 2.5
        values = [self.low + number * self.step for number in range(n + 1)]
        kind = f",.{n_decimals}f" if self.high < _MANY else "g"
        return [Tick(self.at(value), format(value + 0.0, kind)) for value in values]


def axis(values: Iterable[float], length: float = WIDTH, *, is_around_zero: bool = False) -> Axis:
    """Return an axis with round marks from 0, or from minus its end, that holds all values."""
    longest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    longest = longest or 1.0
    n_steps = _MAX_TICKS // 2 if is_around_zero else _MAX_TICKS
    raw = longest / n_steps
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(one * magnitude for one in _STEPS if one * magnitude >= raw * (1 - 1e-9))
    end = math.ceil(longest / step * (1 - 1e-9)) * step
    return Axis(-end if is_around_zero else 0.0, end, length, step)


class Mark(NamedTuple):
    """A figure on a strip with its interval; `low` and `high` are None without one."""

    at: float
    low: float | None
    high: float | None


def mark(on: Axis, value: float, low: float | None, high: float | None) -> Mark:
    """Return the place of a figure and its interval."""
    return Mark(on.at(value), None if low is None else on.at(low), None if high is None else on.at(high))


def curve(points: Sequence[tuple[float, float]], across: Axis, up: Axis) -> str:
    """Return a polyline's points; the upper end of a plot is 0."""
    return " ".join(f"{across.at(x):g},{PLOT_HEIGHT - up.at(y):g}" for x, y in points)


def places(points: Sequence[tuple[float, float]], across: Axis, up: Axis) -> list[tuple[float, float]]:
    """Return the places of single points."""
    return [(across.at(x), round(PLOT_HEIGHT - up.at(y), 1)) for x, y in points]


def bars(counts: Mapping[int, int], bin_width: int, across: Axis) -> str:
    """Return the outline of a histogram as the path of an area; the highest bar fills the plot."""
    highest = max(counts.values(), default=0)
    if not highest:
        return ""
    parts = []
    for start, n in sorted(counts.items()):
        height = n / highest * PLOT_HEIGHT
        left, right = across.at(start), across.at(start + bin_width)
        if n:
            parts.append(f"M{left:g},{PLOT_HEIGHT:g}v{-height:.1f}h{right - left:.1f}v{height:.1f}z")
    return "".join(parts)


def share_axis(length: float) -> Axis:
    """Return an axis of shares, from 0 to 1."""
    return Axis(0.0, 1.0, length, 0.25)


def thinned(points: Sequence[tuple[float, float]], most: int = 200) -> list[tuple[float, float]]:
    """Return at most so many of the points, the first and the last among them."""
    if len(points) <= most:
        return list(points)
    return [points[round(number * (len(points) - 1) / (most - 1))] for number in range(most)]
