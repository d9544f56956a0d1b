"""The search finds the best cues, compared with trying every way (10)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qasr_cli.options import CueOptions
from qasr_cli.records import Word
from qasr_cli.subtitles.layout import line_breaking, word_splitting
from qasr_cli.subtitles.layout.break_costs import BreakCosts
from qasr_cli.subtitles.layout.cue_search import CueSearch
from qasr_cli.subtitles.layout.line_breaking import LineBreaker
from qasr_cli.subtitles.layout.text_atom import TextAtom
from qasr_cli.subtitles.rules.limits import HARD_PAUSE_MS, Limits, resolve

VOCABULARY = ["the", "of", "and", "house.", "yes,", "Why?", "was", "beautifully", "supermarkets", "Mr."]
SPOKEN = st.lists(
    st.tuples(
        st.sampled_from(VOCABULARY),
        st.sampled_from([0, 0, 100, 700, 2_000]),
        st.sampled_from([60, 60, 25, 200]),
    ),
    min_size=1,
    max_size=10,
)
OPTIONS = st.builds(
    CueOptions,
    max_lines=st.integers(1, 3),
    max_line_width=st.sampled_from([20, 26]),
    max_words=st.sampled_from([None, None, 1, 2, 5]),
    max_duration_ms=st.sampled_from([1_000, 7_000]),
)


def _words(spoken: list[tuple[str, int, int]]) -> list[Word]:
    now_ms, words = 500, []
    for text, pause_ms, ms_per_letter in spoken:
        words.append(Word(" ", text, now_ms, now_ms + ms_per_letter * len(text)))
        now_ms = words[-1].end_ms + pause_ms
    return words


def _is_legal(pieces: list[TextAtom], limits: Limits) -> bool:
    """Say whether pieces may be a cue, by the rules and not the search's tables; lines say the rest."""
    if len(pieces) == 1:
        return True
    return (
        (limits.max_words is None or len(pieces) <= limits.max_words)
        and all(b.start_ms - a.end_ms < HARD_PAUSE_MS for a, b in pairwise(pieces))
        and pieces[-1].end_ms - pieces[0].start_ms <= limits.max_duration_ms
    )


def _every_way(n: int) -> Iterator[list[int]]:
    return ([0, *inner, n] for size in range(n) for inner in combinations(range(1, n), size))


@given(SPOKEN, OPTIONS)
@example([("house.", 0, 60)] * 10, CueOptions(max_lines=3, max_line_width=20, max_words=3))
def test_no_other_cues_cost_less(spoken: list[tuple[str, int, int]], options: CueOptions) -> None:
    words = _words(spoken)
    limits = resolve(options, "en")
    pieces = word_splitting.split(words, words[-1].end_ms + 2_000, limits, "en")
    found = BreakCosts(pieces, "en")
    breaker = LineBreaker(pieces, found, limits)
    search = CueSearch(pieces, found, breaker, limits, words[-1].end_ms + 2_000)

    def total(edges: list[int]) -> float:
        if not all(_is_legal(pieces[first:last], limits) for first, last in pairwise(edges)):
            return float("inf")
        return sum(search.cost(first, last) + breaker.cost(first, last) for first, last in pairwise(edges))

    chosen = search.run()
    assert total(chosen) == pytest.approx(min(total(edges) for edges in _every_way(len(pieces))))


@given(SPOKEN, st.integers(2, 4))
def test_no_other_lines_cost_less(spoken: list[tuple[str, int, int]], max_lines: int) -> None:
    limits = resolve(CueOptions(max_lines=max_lines, max_line_width=20), "en")
    pieces = word_splitting.split(_words(spoken), 60_000, limits, "en")
    breaker = LineBreaker(pieces, BreakCosts(pieces, "en"), limits)
    n = len(pieces)
    fitting = [
        edges
        for edges in _every_way(n)
        if all(breaker.width(a, b) <= limits.max_half_cells for a, b in pairwise(edges))
    ]
    n_lines = min(len(edges) - 1 for edges in fitting)
    breaks = breaker.breaks(0, n)
    if n_lines > max_lines:
        assert breaker.cost(0, n) == float("inf")
        return
    # The fewest lines that will do, and of all ways to so many the cheapest; a bound changes nothing.
    assert len(breaks) == n_lines - 1
    assert [0, *breaks, n] in fitting
    cost = breaker.cost(0, n)
    assert cost == pytest.approx(
        min(_cost_of_lines(breaker, edges) for edges in fitting if len(edges) - 1 == n_lines)
    )
    assert breaker.cost(0, n, cost + 1) == cost
    assert breaker.cost(0, n, cost) in {cost, float("inf")}


def _cost_of_lines(breaker: LineBreaker, edges: list[int]) -> float:
    """Return what given lines cost: each is weighed against the mean of those below it."""
    total, n = 0.0, edges[-1]
    for number, (first, place) in enumerate(pairwise(edges[:-1])):
        rest = breaker.width(place, n) / (len(edges) - 2 - number)
        total += breaker._line_break_costs[place] + breaker._shape_cost(breaker.width(first, place), rest)
        total += line_breaking._STRANDED * (breaker._heads[place] < n or breaker._tails[place] > first)
    return total
