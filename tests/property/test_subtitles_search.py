"""The search finds the best cues, compared with trying every way."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.options import CueOptions
from qasr_cli.records import Word
from qasr_cli.subtitles import boundaries, cues, units
from qasr_cli.subtitles.limits import resolve
from qasr_cli.subtitles.lines import Ruler

VOCABULARY = ["the", "of", "and", "house.", "yes,", "Why?", "was", "beautifully", "supermarkets", "Mr."]


def _search(texts: list[str], pauses_ms: list[int], options: CueOptions) -> tuple[cues._Search, Ruler, int]:
    now_ms, words = 500, []
    for text, pause_ms in zip(texts, pauses_ms, strict=True):
        words.append(Word(" ", text, now_ms, now_ms + 60 * len(text)))
        now_ms = words[-1].end_ms + pause_ms
    limits = resolve(options, "en")
    pieces = units.split(words, now_ms + 2_000, limits)
    found = boundaries.find(pieces, "en")
    ruler = Ruler(pieces, found.cost, limits)
    return cues._Search(pieces, found, ruler, limits, now_ms + 2_000), ruler, len(pieces)


@given(
    st.lists(
        st.tuples(st.sampled_from(VOCABULARY), st.sampled_from([0, 0, 100, 700, 2_000])),
        min_size=1,
        max_size=9,
    ),
    st.integers(1, 3),
)
def test_no_other_cues_cost_less(spoken, max_lines):
    texts, pauses_ms = [list(column) for column in zip(*spoken, strict=True)]
    search, ruler, n = _search(texts, pauses_ms, CueOptions(max_lines=max_lines, max_line_cells=20))

    def total(edges: list[int]) -> float:
        stretches = list(pairwise(edges))
        steps = [(first, last) for first, end in stretches for last in range(first + 1, end + 1)]
        if not all(search._is_possible(first, last) for first, last in steps):
            return float("inf")
        return sum(search._cost(first, last) + ruler.cost(first, last) for first, last in stretches)

    every_way = ([0, *inner, n] for size in range(n) for inner in combinations(range(1, n), size))
    assert total(search.run()) == pytest.approx(min(total(edges) for edges in every_way))
