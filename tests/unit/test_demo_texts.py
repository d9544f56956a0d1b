"""The demo pair's languages: who may learn what, and that sentences are written as their language asks."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tools.demo_model.scoring import errors_by_word, interval, share
from tools.demo_model.texts import LANGUAGES, Language, Mix
from tools.demo_model.texts.language import sentences_of

CODES = sorted(LANGUAGES)


@pytest.fixture(params=CODES)
def language(request: pytest.FixtureRequest) -> Language:
    return LANGUAGES[request.param]


def test_each_language_knows_a_thousand_words(language: Language) -> None:
    assert len(language.vocabulary) >= 1000
    assert len(set(language.vocabulary)) == len(language.vocabulary)


def test_no_slot_is_left_open(language: Language) -> None:
    rng = random.Random(1)
    for pattern in language.patterns:
        for _ in range(5):
            text = language.expand(pattern, rng)
            assert not set("{}()|") & set(text), pattern
            assert text.strip(), pattern


def test_held_out_sentences_are_never_trained(language: Language) -> None:
    rng = random.Random(2)
    parts = {part: {language.sentence(rng, part) for _ in range(300)} for part in ("train", "dev", "test")}
    assert not parts["train"] & parts["dev"]
    assert not parts["train"] & parts["test"]
    for text in language.held:
        for sentence in sentences_of(text):
            assert language.part_of(sentence) == "test"
            assert language.part_of(sentence.lower().strip(".")) == "test"  # its marks do not matter


def test_the_same_seed_says_the_same(language: Language) -> None:
    once, again = ([language.sentence(random.Random(3), "dev") for _ in range(3)] for _ in range(2))
    assert once == again


def test_a_second_spelling_is_a_known_names_and_no_word_of_its_own(language: Language) -> None:
    usual, unusual = ({pair[i] for pair in language.spellings} for i in (0, 1))
    assert {name.lower() for name in usual} <= {word.lower() for word in language.vocabulary}
    assert not usual & unusual
    assert len(language.spellings) == len(usual)
    assert all(name.isascii() for _, name in language.latin)


def test_salads_hold_no_words_that_sound_alike(language: Language) -> None:
    rng = random.Random(4)
    alike = {word.lower() for word in language.alike}
    for _ in range(200):
        text = language.sentence(rng, "train", Mix(salad=1.0, patchwork=0.0))
        assert not alike & {word.strip(".,").lower() for word in text.split()}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("책(을) 읽어요.", "책을 읽어요."),
        ("사과(을) 먹어요.", "사과를 먹어요."),
        ("서울(으로) 가요.", "서울로 가요."),
        ("부산(으로) 가요.", "부산으로 가요."),
        ("커피(과) 빵(이) 있어요.", "커피와 빵이 있어요."),
        ("답은 13(이) 아니에요.", "답은 13이 아니에요."),
        ("답은 25(은) 아니에요.", "답은 25는 아니에요."),
    ],
)
def test_korean_particles_follow_the_sound_before(template: str, expected: str) -> None:
    assert LANGUAGES["ko"].expand(template, random.Random(0)) == expected


def test_word_errors_are_charged_where_they_are() -> None:
    assert errors_by_word(["a", "b", "c"], ["a", "x", "c"]).tolist() == [0, 1, 0]
    assert errors_by_word(["a", "b"], []).tolist() == [1, 1]
    assert errors_by_word([], ["a"]).tolist() == [1]


def test_bounds_hold_their_mean_and_narrow_with_more_clips() -> None:
    rng = np.random.default_rng(0)

    def bounds(n: int) -> tuple[float, float]:
        low, high = interval([(rng.random(20) < 0.1).astype(float) for _ in range(n)]).split("-")
        return float(low), float(high)

    few, many = bounds(10), bounds(1000)
    assert many[0] < 10 < many[1]
    assert many[1] - many[0] < few[1] - few[0]
    assert share(96, 96).startswith("100.0 % (96.")
