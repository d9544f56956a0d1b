"""The search for the cheapest cues: one dynamic programme over the boundaries between atoms.

In go atoms, their break costs and a line breaker; out come the edges of the cues. The best cues of
the first `k` atoms are the best of the first `i` and one cue `[i, k)`, so no greedy decision is wrong because
of a later word; Matusov et al. 2019 (W19-5209) use the same search with a learned break model.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from qasr_cli.subtitles.layout.break_costs import BreakCosts
from qasr_cli.subtitles.layout.line_breaking import IMPOSSIBLE, LineBreaker
from qasr_cli.subtitles.layout.text_atom import TextAtom
from qasr_cli.subtitles.rules.limits import HARD_PAUSE_MS, Limits
from qasr_cli.timebase import MS_PER_S

_SOFT_PAUSE_MS = 450  # an audible pause; better at the edge of a cue than inside

# Weights, in units of "half a cue": from a prototype that reproduces the BBC's own good examples. All but
# that of the edge are costs and never a gain: `run` skips cues whose edge alone is too expensive.
_PER_CUE = 2.0
_OVER_HARD_CPS = 14.0
_MAX_OVER_CPS = 2.0  # three times too fast is unreadable, and cutting it smaller makes it no better
_OVER_SOFT_CPS = 1.0
_TOO_SHORT = 8.0
_INNER_PAUSE_PER_S = 6.0
_AT_SENTENCE_END = -0.5
_PER_BREAK_COST = 1.5
_PAUSE_REWARD_PER_S = 1.5
_INNER_SENTENCE_END = 2.2
_TAIL_OF_SENTENCE = 5.0  # "…end of one. Begin of" (TED: no end and beginning of two sentences in one cue)
_HEAD_OF_SENTENCE = 3.0
_LONE_WORD = 3.0
_STRANDED = 4.0  # one or two words cut off from their clause (BBC 3.9)
_STUB = 3.0  # the same, as a cue of their own; the less the longer they are ...
_STUB_SHARE = 0.45  # ... up to this share of a line


class CueSearch:
    """Finds the cheapest cues; `[first, last)` are atoms throughout.

    Args:
        atoms: Atoms of the whole transcript.
        break_costs: Costs of the breaks between them.
        breaker: Measures and breaks lines.
        limits: Hard and soft limits of a cue.
        duration_ms: Length of the media.
    """

    def __init__(
        self,
        atoms: Sequence[TextAtom],
        break_costs: BreakCosts,
        breaker: LineBreaker,
        limits: Limits,
        duration_ms: int,
    ) -> None:
        self._n = len(atoms)
        self._breaker = breaker
        self._limits = limits
        self._soft_rate, self._hard_rate = limits.soft_rate, limits.hard_rate
        self._stub_width = _STUB_SHARE * limits.max_half_cells
        self._max_width = breaker.room(limits.max_lines)
        self._is_sentence_end = break_costs.is_sentence_end
        self._is_clause_end = break_costs.is_clause_end
        self._starts = [atom.start_ms for atom in atoms] + [duration_ms]
        self._ends = list(accumulate((atom.end_ms for atom in atoms), max))
        # Silence before each atom: 0 before the first, and the rest of the media after the last.
        self._gaps = [0, *(max(0, b - a) for a, b in zip(self._ends, self._starts[1:], strict=True))]
        self._pauses = list(accumulate(max(0, gap - _SOFT_PAUSE_MS) for gap in self._gaps))
        self._silences = [place for place in range(1, self._n) if self._gaps[place] >= HARD_PAUSE_MS]
        self._n_words = [0, *accumulate(atom.n_words for atom in atoms)]
        self._n_ends = [0, *accumulate(self._is_sentence_end)]
        self._edge_costs = [self._edge_cost(last, break_costs.cost) for last in range(self._n + 1)]
        self._clause_before = list(accumulate(range(self._n + 1), self._latest_clause, initial=-1))[1:]

    def _latest_clause(self, latest: int, place: int) -> int:
        return place if place and self._is_clause_end[place - 1] else latest

    def _edge_cost(self, last: int, costs: Sequence[float]) -> float:
        """Return the cost of a cue's end before atom `last`."""
        if last in (0, self._n) or self._is_sentence_end[last - 1]:
            return _AT_SENTENCE_END
        pause_s = min(self._gaps[last], MS_PER_S) / MS_PER_S
        return _PER_BREAK_COST * costs[last] - _PAUSE_REWARD_PER_S * pause_s

    def run(self) -> list[int]:
        """Return the edges of the cues: 0, …, number of atoms."""
        edge_costs = np.array(self._edge_costs) + _PER_CUE  # float64[n_atoms + 1]
        best = np.full(self._n + 1, IMPOSSIBLE)
        best[0] = 0.0
        came_from = [0] * (self._n + 1)
        for first in range(self._n):
            before = float(best[first])
            furthest = self.reach(first) + 1
            # The edge's cost is known beforehand and the others only add to it, so most cues are skipped at
            # once.
            hopeful = before + edge_costs[first + 1 : furthest] < best[first + 1 : furthest]
            for offset in np.flatnonzero(hopeful).tolist():
                last = first + 1 + offset
                cost = before + self.cost(first, last)
                if cost >= best[last]:
                    continue  # nor can the lines
                cost += self._breaker.cost(first, last, float(best[last]) - cost)
                if cost < best[last]:
                    best[last], came_from[last] = cost, first
        edges = [self._n]
        while edges[-1]:
            edges.append(came_from[edges[-1]])
        return edges[::-1]

    def reach(self, first: int) -> int:
        """Return the furthest `last` within the hard limits; one atom alone may always be a cue."""
        lasts = [
            self._breaker.reach(first, self._max_width),
            bisect_right(self._ends, self._starts[first] + self._limits.max_duration_ms),
            self._breaker.turns(first),
        ]
        silence = bisect_right(self._silences, first)
        if silence < len(self._silences):
            lasts.append(self._silences[silence])
        if self._limits.max_words is not None:
            lasts.append(bisect_right(self._n_words, self._n_words[first] + self._limits.max_words) - 1)
        return max(first + 1, min(lasts))

    def cost(self, first: int, last: int) -> float:
        """Return the cost of a cue without its lines."""
        cost = _PER_CUE + self._edge_costs[last] + self._time_cost(first, last)
        cost += _INNER_PAUSE_PER_S * (self._pauses[last - 1] - self._pauses[first]) / MS_PER_S
        if last == first + 1:
            return cost + self._lone_word_cost(first)
        n_inner_ends = self._n_ends[last - 1] - self._n_ends[first]
        if n_inner_ends:
            cost += _INNER_SENTENCE_END * n_inner_ends
            cost += 0.0 if self._is_sentence_end[last - 1] else _TAIL_OF_SENTENCE
            cost += 0.0 if self._begins_sentence(first) else _HEAD_OF_SENTENCE
        return cost + self._stranded_cost(first, last) + self._stub_cost(first, last)

    def _lone_word_cost(self, place: int) -> float:
        if self._begins_sentence(place) and self._is_sentence_end[place]:
            return 0.0
        # "안녕하세요," and "However," stand alone better than a word out of the middle.
        is_clause = self._is_clause_end[place] and (place == 0 or self._is_clause_end[place - 1])
        return _LONE_WORD / 2 if is_clause else _LONE_WORD

    def _begins_sentence(self, first: int) -> bool:
        return first == 0 or self._is_sentence_end[first - 1]

    def _time_cost(self, first: int, last: int) -> float:
        """Return the cost of reading speed and duration, for a cue shown as long as possible."""
        limits, start_ms = self._limits, self._starts[first]
        until_ms = min(
            self._starts[last] - limits.min_gap_ms,
            self._ends[last - 1] + limits.max_linger_ms,
            start_ms + limits.max_duration_ms,
        )
        held_ms = max(until_ms - start_ms, 1)
        speed = self._breaker.shown_width(first, last) * MS_PER_S / held_ms
        cost = 0.0
        if speed > self._soft_rate:
            cost = _OVER_SOFT_CPS * min(speed / self._soft_rate - 1, _MAX_OVER_CPS)
            if speed > self._hard_rate:
                cost += _OVER_HARD_CPS * min(speed / self._hard_rate - 1, _MAX_OVER_CPS)
        if held_ms < limits.min_duration_ms:
            cost += _TOO_SHORT * (1 - held_ms / limits.min_duration_ms)
        return cost

    def _stub_cost(self, first: int, last: int) -> float:
        """Return the cost of a cue of a few words out of the middle of their clause."""
        if first == 0 or self._is_clause_end[first - 1]:
            return 0.0
        return _STUB * max(0.0, 1 - self._breaker.width(first, last) / self._stub_width)

    def _stranded_cost(self, first: int, last: int) -> float:
        """Return the cost of a few words at an edge, separated by punctuation from the rest of the cue."""
        place = self._clause_before[last - 1]
        if place <= first:
            return 0.0
        cost, width = 0.0, self._breaker.stranded_half_cells
        if not self._is_clause_end[last - 1] and self._breaker.width(place, last) <= width:
            cost += _STRANDED
        if first and not self._is_clause_end[first - 1]:
            head = self._is_clause_end.index(True, first) + 1
            cost += _STRANDED if self._breaker.width(first, head) <= width else 0.0
        return cost
