"""The best lines of one cue.

In go units with the costs of the breaks between them; out come widths, and where to break. Everything is
looked up in running sums, so that the search for the best cues can ask about every stretch of text.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

from qasr_cli.subtitles.limits import Limits
from qasr_cli.subtitles.units import IDEOGRAPHIC_SPACE, Unit
from qasr_cli.subtitles.width import HALF_CELLS_PER_CELL, Counting

# From the prototype that was fitted to the BBC's worked examples; TED: the shorter line at least half of the
# longer; Netflix: prefer the bottom-heavy pyramid.
_PER_LINE = 0.5
_PER_BREAK_COST = 0.40
_IMBALANCE = 1.0
_TOP_HEAVY = 0.3
_UNDER_HALF = 0.8
_HALF, _HALF_SLACK = (
    0.5,
    0.15,
)  # a line of 49 % is no worse than one of 50 %: the cost grows to its full at 35 %
# A line that ends on "of" or "the" costs so much more that another cue is the better choice (BBC 3.4).
BAD_BREAK, _PER_BAD_BREAK = 5.0, 1.2
IMPOSSIBLE = float("inf")


class Ruler:
    """Measures stretches `[first, last)` of units and breaks them into lines.

    Args:
        units: Of the whole transcript.
        break_costs: Of a break before each unit.
        limits: Width of a line, lines of a cue, how spaces count.
    """

    def __init__(
        self,
        units: Sequence[Unit],
        break_costs: Sequence[float],
        limits: Limits,
    ) -> None:
        self._break_costs = break_costs
        self.max_half_cells = limits.max_half_cells
        self._max_lines = limits.max_lines
        spaces = [_space_half_cells(unit.space, limits.counting) for unit in units]
        # Where each unit ends and begins, were the whole text one line.
        self._ends = list(
            accumulate(space + unit.half_cells for space, unit in zip(spaces, units, strict=True))
        )
        self._begins = [end - unit.half_cells for end, unit in zip(self._ends, units, strict=True)]

    def width(self, first: int, last: int) -> int:
        """Return the half cells of units `[first, last)` on one line."""
        return self._ends[last - 1] - self._begins[first]

    def cost(self, first: int, last: int) -> float:
        """Return the cost of the best lines, 0 when one will do, or `IMPOSSIBLE`."""
        return self._best(first, last)[0]

    def breaks(self, first: int, last: int) -> tuple[int, ...]:
        """Return the units that begin the second and further of the best lines."""
        return self._best(first, last)[1]

    def _best(self, first: int, last: int) -> tuple[float, tuple[int, ...]]:
        if self.width(first, last) <= self.max_half_cells:
            return 0.0, ()
        for n_lines in range(2, self._max_lines + 1):
            cost, places = self._split(first, last, n_lines)
            if cost < IMPOSSIBLE:
                return cost, places
        return IMPOSSIBLE, ()

    def _split(self, first: int, last: int, n_lines: int) -> tuple[float, tuple[int, ...]]:
        """Return the cheapest way to exactly `n_lines`: each first line against the mean of the rest."""
        if n_lines == 1:
            fits = self.width(first, last) <= self.max_half_cells
            return (0.0 if fits else IMPOSSIBLE), ()
        best: tuple[float, tuple[int, ...]] = (IMPOSSIBLE, ())
        room = self.max_half_cells * (n_lines - 1)
        earliest = bisect_left(self._begins, self._ends[last - 1] - room, first + 1, last)
        for place in range(earliest, last):
            top = self.width(first, place)
            if top > self.max_half_cells:
                break
            cost = self._break_cost(top, self.width(place, last) / (n_lines - 1), place)
            if cost < best[0]:
                rest, places = self._split(place, last, n_lines - 1)
                if cost + rest < best[0]:
                    best = cost + rest, (place, *places)
        return best

    def _break_cost(self, top: float, bottom: float, place: int) -> float:
        uneven = abs(top - bottom) / self.max_half_cells
        broken = self._break_costs[place]
        cost = _PER_LINE + _PER_BREAK_COST * broken + _PER_BAD_BREAK * max(0.0, broken - BAD_BREAK)
        cost += _IMBALANCE * uneven
        if top > bottom:
            cost += _TOP_HEAVY * uneven
        share = min(top, bottom) / max(top, bottom)
        return cost + _UNDER_HALF * min(1.0, max(0.0, _HALF - share) / _HALF_SLACK)


def _space_half_cells(space: str, counting: Counting) -> int:
    if not space:
        return 0
    return HALF_CELLS_PER_CELL if counting is Counting.CLUSTER or space == IDEOGRAPHIC_SPACE else 1


def text_of(units: Sequence[Unit]) -> str:
    """Return the text of one line."""
    return "".join((unit.space if number else "") + unit.text for number, unit in enumerate(units))
