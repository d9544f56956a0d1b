"""Error rates equal jiwer's and kaldialign's, on thousands of random texts; units of languages by hand."""

from __future__ import annotations

import jiwer
import kaldialign
import pytest

from qasr_cli.evaluation.figures import Counts, Edit, Operation, Unit
from qasr_cli.evaluation.scoring import compounds, edits, units
from tests import evaluation_cases

N_CASES = 3_000


def test_errors_of_words_are_those_of_jiwer() -> None:
    total, told = Counts(), Counts()
    for seed in range(N_CASES):
        reference, hypothesis = evaluation_cases.texts(seed)
        own = edits.count(reference.split(), hypothesis.split())
        found = jiwer.process_words(reference, hypothesis)
        n_units = found.hits + found.substitutions + found.deletions
        other = Counts(n_units, found.substitutions, found.deletions, found.insertions)
        assert own == other, (reference, hypothesis)
        total, told = total + own, told + other
    assert total.rate == told.rate
    assert total.n_errors > N_CASES  # they are no equal texts


def test_errors_of_characters_are_those_of_jiwer() -> None:
    for seed in range(N_CASES):
        reference, hypothesis = evaluation_cases.texts(seed)
        own = edits.count(*(units.split(text, Unit.CHARACTER_AND_BLANK) for text in (reference, hypothesis)))
        found = jiwer.process_characters(reference, hypothesis)
        assert (own.rate, own.substitutions, own.deletions, own.insertions) == (
            found.cer,
            found.substitutions,
            found.deletions,
            found.insertions,
        )


def test_the_rate_of_a_set_is_that_of_sums_as_of_jiwer() -> None:
    pairs = [evaluation_cases.texts(seed) for seed in range(200)]
    total = sum((edits.count(a.split(), b.split()) for a, b in pairs), Counts())
    assert total.rate == jiwer.wer([a for a, _ in pairs], [b for _, b in pairs])


@pytest.mark.parametrize("is_merged", [True, False])
def test_errors_with_merged_compounds_are_those_of_kaldialign(is_merged: bool) -> None:
    n_saved = 0
    for seed in range(1, 900, 3):
        reference, hypothesis = (text.split() for text in evaluation_cases.texts(seed))
        found = kaldialign.edit_distance(reference, hypothesis, merge_compounds=is_merged)
        own = compounds.count(reference, hypothesis) if is_merged else edits.count(reference, hypothesis)
        assert own.n_errors == found["total"]
        n_saved += edits.count(reference, hypothesis).n_errors - own.n_errors
    assert bool(n_saved) == is_merged


def test_a_compound_costs_nothing_in_either_direction() -> None:
    two, one = ["the", "white", "paper", "was", "long"], ["the", "whitepaper", "was", "so", "long"]
    assert compounds.count(two, one).n_errors == compounds.count(one, two).n_errors == 1
    assert edits.count(two, one).n_errors == 3


def test_steps_of_an_alignment_add_up_to_its_counts() -> None:
    for seed in range(500):
        reference, hypothesis = (text.split() for text in evaluation_cases.texts(seed))
        steps = edits.align(reference, hypothesis)
        assert [step.reference for step in steps if step.reference] == reference
        assert [step.hypothesis for step in steps if step.hypothesis] == hypothesis
        n_errors = sum(step.operation is not Operation.EQUAL for step in steps)
        assert n_errors == edits.count(reference, hypothesis).n_errors


@pytest.mark.parametrize(
    ("reference", "hypothesis", "counts"),
    [
        ("", "", Counts(0, 0, 0, 0)),
        ("", "a b", Counts(0, 0, 0, 2)),
        ("a b", "", Counts(2, 0, 2, 0)),
        ("a b c", "a x c d", Counts(3, 1, 0, 1)),
    ],
)
def test_empty_sides_are_insertions_and_deletions(reference: str, hypothesis: str, counts: Counts) -> None:
    assert edits.count(reference.split(), hypothesis.split()) == counts


def test_a_step_that_has_nothing_on_one_side_is_empty_there() -> None:
    assert edits.align(["a", "b"], ["a", "c", "b"]) == [
        Edit(Operation.EQUAL, "a", "a"),
        Edit(Operation.INSERTION, "", "c"),
        Edit(Operation.EQUAL, "b", "b"),
    ]


@pytest.mark.parametrize(
    ("text", "unit", "cut"),
    [
        ("hello world", Unit.WORD, ["hello", "world"]),
        ("가 나", Unit.CHARACTER, ["가", "나"]),
        ("가 나", Unit.CHARACTER_AND_BLANK, ["가", " ", "나"]),
        ("我用 iphone 打call", Unit.MIXED, ["我", "用", "iphone", "打", "call"]),
        ("ok です x1", Unit.MIXED, ["ok", "で", "す", "x1"]),
        ("한국 mixed 글", Unit.MIXED, ["한", "국", "mixed", "글"]),
    ],
)
def test_units(text: str, unit: Unit, cut: list[str]) -> None:
    assert units.split(text, unit) == cut


@pytest.mark.parametrize(
    ("language", "main"),
    [
        ("zh", Unit.CHARACTER),
        ("yue", Unit.CHARACTER),
        ("ja", Unit.CHARACTER),
        ("th", Unit.CHARACTER),
        ("ko", Unit.CHARACTER),
        ("en", Unit.WORD),
        ("hi", Unit.WORD),
        (None, Unit.WORD),
    ],
)
def test_the_main_rate_of_a_language(language: str | None, main: Unit) -> None:
    assert units.of_language(language)[0] is main


def test_korean_has_characters_with_blanks_and_words_beside() -> None:
    assert units.of_language("ko") == (Unit.CHARACTER, Unit.CHARACTER_AND_BLANK, Unit.WORD)
