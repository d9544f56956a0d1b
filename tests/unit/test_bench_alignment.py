"""The benchmark of times on a small scale: our decoder is better in each figure, whatever goes wrong."""

from __future__ import annotations

import pytest

from tests.bench.alignment import CASES, DECODERS, Score, Utterance, measure, utterances

OFFICIAL, SEARCH, WHOLE = DECODERS


@pytest.fixture(scope="module")
def spoken() -> list[Utterance]:
    return utterances(n_drawn=20)


@pytest.fixture(scope="module", params=list(CASES))
def scores(request: pytest.FixtureRequest, spoken: list[Utterance]) -> dict[str, Score]:
    return measure(request.param, spoken)


def test_our_times_are_nearer_the_truth(scores: dict[str, Score]) -> None:
    assert scores[WHOLE].n_words == scores[OFFICIAL].n_words > 1_000
    assert scores[WHOLE].aas_ms < 0.75 * scores[OFFICIAL].aas_ms
    assert scores[WHOLE].aas_ms < scores[SEARCH].aas_ms + 0.5


def test_no_word_is_empty_and_fewer_are_far_off(scores: dict[str, Score]) -> None:
    assert scores[OFFICIAL].n_empty > 0
    assert scores[WHOLE].n_empty == scores[SEARCH].n_empty == 0
    assert scores[WHOLE].n_off <= 0.4 * scores[OFFICIAL].n_off


def test_the_same_seeds_give_the_same_figures(spoken: list[Utterance]) -> None:
    assert measure("plateaus", spoken[:5]) == measure("plateaus", spoken[:5])
