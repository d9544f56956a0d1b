"""The best lines of one cue.

In go atoms with the costs of the breaks between them; out come widths and breaks. All sums are running sums,
so that the search for the best cues can try every stretch of text.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate

from qasr_cli.subtitles.layout.break_costs import BreakCosts
from qasr_cli.subtitles.layout.text_atom import IDEOGRAPHIC_SPACE, TextAtom
from qasr_cli.subtitles.rules.limits import Limits
from qasr_cli.subtitles.rules.width import HALF_CELLS_PER_CELL, Counting, half_cells

# From the prototype that was fitted to the BBC's worked examples; TED: the shorter line at least half of the
# longer; Netflix: prefer the bottom-heavy pyramid.
_PER_LINE = 0.5
_PER_BREAK_COST = 0.40
_IMBALANCE = 1.0
_TOP_HEAVY = 0.3
_UNDER_HALF = 0.8
HALF = 0.5  # of the longer line
_HALF_SLACK = 0.15  # a line of 49 % is no worse than one of 50 %: the cost grows to its full at 35 %
# A line that ends on "of" or "the" costs so much more that another cue is the better choice (BBC 3.4).
BAD_BREAK, _PER_BAD_BREAK = 5.0, 1.5
# One or two words parted by the line break from the clause that they end or begin (BBC 3.9).
_STRANDED = 2.0
STRANDED_SHARE = 0.3  # of a line
_EASY_BREAK = 2.5  # before a conjunction: "…, he said / that" strands nothing
IMPOSSIBLE = float("inf")


class LineBreaker:
    """Measures stretches `[first, last)` of atoms and breaks them into lines.

    Args:
        atoms: Atoms of the whole transcript.
        break_costs: Costs of a break before each atom, and ends of clauses.
        limits: Width of a line, lines of a cue, how spaces count.
    """

    def __init__(self, atoms: Sequence[TextAtom], break_costs: BreakCosts, limits: Limits) -> None:
        self._line_break_costs = [_of_break(cost) for cost in break_costs.cost]
        self.max_half_cells = limits.max_half_cells
        self._max_lines = limits.max_lines
        self._next_turn = _next_turns(atoms)
        dashes = limits.speakers.dashes
        self.may_hold_two = dashes is not None and limits.max_lines > 1
        self._dashes = [half_cells(dash, limits.counting) for dash in dashes or ("", "")]
        spaces = [_space_half_cells(atom.space, limits.counting) for atom in atoms]
        # End and begin of each atom if the whole text were one line.
        self._ends = list(
            accumulate(space + atom.half_cells for space, atom in zip(spaces, atoms, strict=True))
        )
        self._begins = [end - atom.half_cells for end, atom in zip(self._ends, atoms, strict=True)]
        self.stranded_half_cells = int(STRANDED_SHARE * limits.max_half_cells)
        self._heads, self._tails = self._stranded(break_costs)

    def _stranded(self, break_costs: BreakCosts) -> tuple[list[int], list[int]]:
        """Return, for a break at each place, the next end of a clause after it, and the last one before it.

        Without one, or if the place is the end of a clause, these are beyond the text at either side.
        """
        is_clause_end = break_costs.is_clause_end
        n = len(is_clause_end)
        heads, tails = [n] * n, [-1] * n
        following = n
        for place in range(n - 1, 0, -1):
            following = place + 1 if is_clause_end[place] else following
            if not is_clause_end[place - 1] and self.width(place, following) <= self.stranded_half_cells:
                heads[place] = following
        before = 0
        for place in range(1, n):
            before = place if is_clause_end[place - 1] else before
            is_easy = break_costs.cost[place] <= _EASY_BREAK
            if not is_easy and self.width(before, place) <= self.stranded_half_cells:
                tails[place] = before
        return heads, tails

    def width(self, first: int, last: int) -> int:
        """Return the half cells of atoms `[first, last)` on one line."""
        return self._ends[last - 1] - self._begins[first]

    def shown_width(self, first: int, last: int) -> int:
        """Return the width with the dashes of two speakers."""
        return self.width(first, last) + (sum(self._dashes) if self._next_turn[first] < last else 0)

    def turns(self, first: int) -> int:
        """Return the furthest `last` with which `[first, last)` has no more speakers than a cue may hold."""
        turn = self._next_turn[first]
        return self._next_turn[turn] if self.may_hold_two and turn < len(self._next_turn) else turn

    def room(self, n_lines: int) -> int:
        """Return the half cells of `n_lines` full lines as one line: a space at a break takes no room."""
        return self.max_half_cells * n_lines + HALF_CELLS_PER_CELL * (n_lines - 1)

    def reach(self, first: int, half_cells: int) -> int:
        """Return the furthest `last` with which `[first, last)` is no wider than `half_cells` on one line."""
        return bisect_right(self._ends, self._begins[first] + half_cells)

    def cost(self, first: int, last: int, below: float = IMPOSSIBLE) -> float:
        """Return the cost of the best lines, 0 for a single line, or `IMPOSSIBLE` if not below `below`."""
        return self._best(first, last, below)[0]

    def breaks(self, first: int, last: int) -> tuple[int, ...]:
        """Return the atoms that begin the second and further of the best lines."""
        return self._best(first, last, IMPOSSIBLE)[1]

    def _best(self, first: int, last: int, below: float) -> tuple[float, tuple[int, ...]]:
        turn = self._next_turn[first]
        if turn < last:
            top, bottom = self._dashes
            widest = max(self.width(first, turn) + top, self.width(turn, last) + bottom)
            return (_PER_LINE, (turn,)) if widest <= self.max_half_cells else (IMPOSSIBLE, ())
        if self.width(first, last) <= self.max_half_cells:
            return 0.0, ()
        for n_lines in range(2, self._max_lines + 1):
            # The fewest possible lines count, so only the last attempt may stop at `below`.
            cost, places = self._split(
                first, last, n_lines, below if n_lines == self._max_lines else IMPOSSIBLE
            )
            if cost < IMPOSSIBLE:
                return cost, places
        return IMPOSSIBLE, ()

    def _split(self, first: int, last: int, n_lines: int, below: float) -> tuple[float, tuple[int, ...]]:
        """Return the cheapest way to exactly `n_lines`: each first line against the mean of the rest."""
        if n_lines == 1:
            fits = self.width(first, last) <= self.max_half_cells
            return (0.0 if fits else IMPOSSIBLE), ()
        least, best = below, IMPOSSIBLE
        chosen: tuple[int, ...] = ()
        room = self.room(n_lines - 1)
        earliest = bisect_left(self._begins, self._ends[last - 1] - room, first + 1, last)
        for place in range(earliest, min(self.reach(first, self.max_half_cells) + 1, last)):
            cost = self._line_break_costs[place]
            if cost >= least:
                continue
            if self._heads[place] < last or self._tails[place] > first:
                cost += _STRANDED
            cost += self._shape_cost(self.width(first, place), self.width(place, last) / (n_lines - 1))
            if cost < least:
                rest, places = self._split(place, last, n_lines - 1, IMPOSSIBLE)
                if cost + rest < least:
                    least = best = cost + rest
                    chosen = (place, *places)
        return best, chosen

    def _shape_cost(self, top: float, bottom: float) -> float:
        uneven = abs(top - bottom) / self.max_half_cells
        cost = _IMBALANCE * uneven
        if top > bottom:
            cost += _TOP_HEAVY * uneven
        share = min(top, bottom) / max(top, bottom)
        if share >= HALF:
            return cost
        return cost + _UNDER_HALF * min(1.0, (HALF - share) / _HALF_SLACK)


def _next_turns(atoms: Sequence[TextAtom]) -> list[int]:
    """Return for each atom the next one of another speaker, or the number of atoms."""
    following = [len(atoms)] * len(atoms)
    for place in range(len(atoms) - 2, -1, -1):
        is_turn = atoms[place].speaker != atoms[place + 1].speaker
        following[place] = place + 1 if is_turn else following[place + 1]
    return following


def _of_break(cost: float) -> float:
    return _PER_LINE + _PER_BREAK_COST * cost + _PER_BAD_BREAK * max(0.0, cost - BAD_BREAK)


def _space_half_cells(space: str, counting: Counting) -> int:
    if not space:
        return 0
    return HALF_CELLS_PER_CELL if counting is Counting.CLUSTER or space == IDEOGRAPHIC_SPACE else 1


def text_of(atoms: Sequence[TextAtom]) -> str:
    """Return the text of one line."""
    return "".join(
        (atom.space if number else "") + atom.label + atom.text for number, atom in enumerate(atoms)
    )
