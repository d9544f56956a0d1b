"""Words in, cues out: one search over every way to cut the text.

In go the words of a transcript with their times; out come its cues, laid out and timed. Nothing here knows
what a word sounds like or how a file is written, and no word is ever dropped: what cannot be held (too much
speech for the time it has) is flagged on the cue instead.

The search is a dynamic programme over the boundaries between units: the best cues of the first `k` units are
the best of the first `i` and one cue `[i, k)`. No greedy rule decides early what a later word makes wrong;
the same shape is in Matusov et al. 2019 (W19-5209), where the break model is learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from qasr_cli.options import CueOptions
from qasr_cli.records import Cue, Video, Word
from qasr_cli.subtitles import boundaries, timing, units
from qasr_cli.subtitles.boundaries import Boundaries
from qasr_cli.subtitles.limits import Limits, resolve
from qasr_cli.subtitles.lines import IMPOSSIBLE, Ruler, text_of
from qasr_cli.subtitles.presets import code_by_script
from qasr_cli.subtitles.timing import Draft
from qasr_cli.subtitles.units import Unit
from qasr_cli.subtitles.width import half_cells
from qasr_cli.timebase import MS_PER_S

HARD_PAUSE_MS = 1_500  # BBC 6: text is not held for longer than 1.5 s of silence
_SOFT_PAUSE_MS = 450  # a pause that is heard; better at the edge of a cue than inside

# Weights, in units of "half a cue": from a prototype that reproduces the BBC's own good examples.
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
_STRANDED_SHARE = 0.3  # of a line


@dataclass(frozen=True, slots=True)
class Block:
    """A cue's text as somebody has broken it already, and the words in it `[first, last)`."""

    lines: tuple[str, ...]
    word_range: tuple[int, int]


def build(
    words: Sequence[Word],
    language: str | None,
    duration_ms: int,
    options: CueOptions,
    video: Video | None = None,
) -> tuple[Cue, ...]:
    """Return the cues of a transcript: ordered, without overlap, every word in exactly one.

    A word too wide for a whole cue is cut at graphemes; its later cues have an empty `word_range`. Words
    without a visible character belong to a neighbour's cue; if no word has one, there are no cues.

    Args:
        words: In order; their times may be anything.
        language: Code, or None: the limits are then those of the text's script.
        duration_ms: No cue ends after it (a media of no length is taken to end with its last word).
        options: Limits; None in them means the profile's for the language.
        video: What is known of the picture: times are true to its frames and keep to its shots.

    Raises:
        UsageError: The limits contradict each other.
    """
    limits = _limits(words, language, options, video)
    end_ms = duration_ms if duration_ms > 0 else max([1, *(word.end_ms for word in words)])
    pieces = units.split(words, end_ms, limits)
    if not pieces:
        return ()
    found = boundaries.find(pieces, language or code_by_script(piece.text for piece in pieces))
    ruler = Ruler(pieces, found.cost, limits)
    edges = _Search(pieces, found, ruler, limits, end_ms).run()
    return timing.polish(_drafts(pieces, edges, ruler), end_ms, limits)


def keep(
    words: Sequence[Word],
    blocks: Sequence[Block],
    language: str | None,
    duration_ms: int,
    options: CueOptions,
    video: Video | None = None,
) -> tuple[Cue, ...]:
    """Return cues whose text and breaks are given already, shown when their words are spoken.

    Args:
        words: In order.
        blocks: Their words' ranges are in order, and none is empty.
        language: Code, or None: the limits are then those of the text's script.
        duration_ms: No cue ends after it.
        options: Durations and gap.
        video: As for `build`.
    """
    limits = _limits(words, language, options, video)
    drafts = [
        Draft(
            words[block.word_range[0]].start_ms,
            words[block.word_range[1] - 1].end_ms,
            block.lines,
            block.word_range,
            sum(half_cells(line, limits.counting) for line in block.lines),
        )
        for block in blocks
    ]
    return timing.polish(drafts, duration_ms, limits) if drafts else ()


def _limits(words: Sequence[Word], language: str | None, options: CueOptions, video: Video | None) -> Limits:
    known = video or Video()
    return resolve(options, language, (word.text for word in words), known.frame_rate, known.shots_ms)


def _drafts(pieces: Sequence[Unit], edges: Sequence[int], ruler: Ruler) -> list[Draft]:
    n_words = [0, *accumulate(piece.n_words for piece in pieces)]
    drafts = []
    for first, last in pairwise(edges):
        places = (first, *ruler.breaks(first, last), last)
        lines = tuple(text_of(pieces[a:b]) for a, b in pairwise(places))
        spoken_until_ms = max(piece.end_ms for piece in pieces[first:last])
        drafts.append(
            Draft(
                pieces[first].start_ms,
                spoken_until_ms,
                lines,
                (n_words[first], n_words[last]),
                ruler.width(first, last),
            )
        )
    return drafts


class _Search:
    """Finds the cheapest cues; `[first, last)` are units throughout."""

    def __init__(
        self,
        pieces: Sequence[Unit],
        found: Boundaries,
        ruler: Ruler,
        limits: Limits,
        duration_ms: int,
    ) -> None:
        self._n = len(pieces)
        self._ruler = ruler
        self._limits = limits
        self._max_width = limits.max_half_cells * limits.max_lines
        self._stranded_width = int(_STRANDED_SHARE * limits.max_half_cells)
        self._is_sentence_end = found.is_sentence_end
        self._is_clause_end = found.is_clause_end
        self._starts = [piece.start_ms for piece in pieces] + [duration_ms]
        self._ends = list(accumulate((piece.end_ms for piece in pieces), max))
        # Silence before each unit; none before the first, and what is left after the last.
        self._gaps = [0, *(max(0, b - a) for a, b in zip(self._ends, self._starts[1:], strict=True))]
        self._pauses = list(accumulate(max(0, gap - _SOFT_PAUSE_MS) for gap in self._gaps))
        self._n_ends = [0, *accumulate(self._is_sentence_end)]
        self._edge_costs = [self._edge_cost(last, found.cost) for last in range(self._n + 1)]
        self._clause_before = list(accumulate(range(self._n + 1), self._latest_clause, initial=-1))[1:]

    def _latest_clause(self, latest: int, place: int) -> int:
        return place if place and self._is_clause_end[place - 1] else latest

    def _edge_cost(self, last: int, break_costs: Sequence[float]) -> float:
        """Return what it costs that a cue ends before unit `last`."""
        if last in (0, self._n) or self._is_sentence_end[last - 1]:
            return _AT_SENTENCE_END
        pause_s = min(self._gaps[last], MS_PER_S) / MS_PER_S
        return _PER_BREAK_COST * break_costs[last] - _PAUSE_REWARD_PER_S * pause_s

    def run(self) -> list[int]:
        """Return the edges of the cues: 0, …, number of units."""
        best = [IMPOSSIBLE] * (self._n + 1)
        best[0] = 0.0
        came_from = [0] * (self._n + 1)
        for first in range(self._n):
            for last in range(first + 1, self._n + 1):
                if not self._is_possible(first, last):
                    break
                cost = best[first] + self._cost(first, last)
                if cost >= best[last]:
                    continue  # the lines can only add to it
                cost += self._ruler.cost(first, last)
                if cost < best[last]:
                    best[last], came_from[last] = cost, first
        edges = [self._n]
        while edges[-1]:
            edges.append(came_from[edges[-1]])
        return edges[::-1]

    def _is_possible(self, first: int, last: int) -> bool:
        """Say whether the hard limits leave room for a cue; one unit alone always may be one."""
        if last == first + 1:
            return True
        return (
            self._gaps[last - 1] < HARD_PAUSE_MS
            and self._ruler.width(first, last) <= self._max_width
            and self._ends[last - 1] - self._starts[first] <= self._limits.max_duration_ms
        )

    def _cost(self, first: int, last: int) -> float:
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
        return cost + self._stranded_cost(first, last)

    def _lone_word_cost(self, place: int) -> float:
        if self._begins_sentence(place) and self._is_sentence_end[place]:
            return 0.0
        # "안녕하세요," and "However," stand alone better than a word out of the middle.
        is_clause = self._is_clause_end[place] and (place == 0 or self._is_clause_end[place - 1])
        return _LONE_WORD / 2 if is_clause else _LONE_WORD

    def _begins_sentence(self, first: int) -> bool:
        return first == 0 or self._is_sentence_end[first - 1]

    def _time_cost(self, first: int, last: int) -> float:
        """Return the cost of reading speed and duration, were the cue held as long as it may be."""
        start_ms = self._starts[first]
        held_ms = min(
            self._starts[last] - self._limits.min_gap_ms - start_ms,
            self._ends[last - 1] + self._limits.max_linger_ms - start_ms,
            self._limits.max_duration_ms,
        )
        held_ms = max(held_ms, 1)
        speed = self._ruler.width(first, last) * MS_PER_S / held_ms
        cost = 0.0
        if speed > self._limits.soft_rate:
            cost = _OVER_SOFT_CPS * min(speed / self._limits.soft_rate - 1, _MAX_OVER_CPS)
            cost += _OVER_HARD_CPS * min(max(0.0, speed / self._limits.hard_rate - 1), _MAX_OVER_CPS)
        if held_ms < self._limits.min_duration_ms:
            cost += _TOO_SHORT * (1 - held_ms / self._limits.min_duration_ms)
        return cost

    def _stranded_cost(self, first: int, last: int) -> float:
        """Return the cost of a few words at either edge that punctuation parts from the rest of the cue."""
        cost = 0.0
        place = self._clause_before[last - 1]
        if place > first and not self._is_clause_end[last - 1]:
            cost += _STRANDED if self._ruler.width(place, last) <= self._stranded_width else 0.0
        if place > first and first and not self._is_clause_end[first - 1]:
            head = self._first_clause(first)
            cost += _STRANDED if self._ruler.width(first, head) <= self._stranded_width else 0.0
        return cost

    def _first_clause(self, first: int) -> int:
        """Return the place after the first clause end at or after `first`; the caller knows there is one."""
        return self._is_clause_end.index(True, first) + 1
