"""Which words are shown for good before an utterance has ended."""

from __future__ import annotations

import pytest

from qasr_cli.speech.streaming.stable_prefix import StablePrefix, split


def shown(*hypotheses: tuple[str, int]) -> list[tuple[str, str]]:
    prefix = StablePrefix()
    return [prefix.update(text, end_ms) for text, end_ms in hypotheses]


def test_a_word_is_stable_after_a_second_and_three_hypotheses() -> None:
    text = "one two three four five six"
    assert shown((text, 1_000), (text, 1_500), (text, 2_000)) == [
        ("", text),
        ("", text),
        ("one two", " three four five six"),
    ]


def test_three_hypotheses_within_a_second_are_not_enough() -> None:
    text = "one two three four five"
    assert shown((text, 1_000), (text, 1_300), (text, 1_600))[-1] == ("", text)


def test_two_hypotheses_over_seconds_are_not_enough() -> None:
    text = "one two three four five"
    assert shown((text, 1_000), (text, 9_000))[-1] == ("", text)


def test_fewer_words_need_to_follow_one_that_is_older() -> None:
    text = "one two three four"
    assert shown((text, 0), (text, 500), (text, 1_400))[-1] == ("", text)
    assert shown((text, 0), (text, 500), (text, 1_500))[-1] == ("one two", " three four")


def test_the_last_two_words_wait_whatever_their_age() -> None:
    text = "one two"
    assert shown(*((text, ms) for ms in range(0, 9_000, 500)))[-1] == ("", text)


def test_what_may_belong_to_the_next_utterance_waits() -> None:
    text, longer = "one two three four five", "one two three four five six seven"
    steps = [(text, 800), (longer, 1_000), (longer, 3_000)]
    prefix, late = StablePrefix(until_ms=900), StablePrefix(until_ms=700)
    assert [prefix.update(*step)[0] for step in steps][-1] == "one two three four five"
    assert [late.update(*step)[0] for step in steps][-1] == ""


def test_a_change_makes_the_words_after_it_wait_anew() -> None:
    old, new = "one two three four five six", "one too three four five six"
    assert shown((old, 0), (old, 500), (new, 1_000), (new, 1_500))[-1] == ("one", " too three four five six")


def test_what_is_stable_stays_when_a_hypothesis_contradicts_it() -> None:
    text, other = "one two three four five six", "ten two three four five six"
    prefix = StablePrefix()
    for end_ms in (0, 500, 1_000):
        prefix.update(text, end_ms)
    assert prefix.update(other, 1_500) == ("one two", " three four five six")
    assert prefix.n_contradictions == 1
    assert prefix.update(text, 2_000) == ("one two", " three four five six")


def test_what_follows_a_contradiction_becomes_stable_in_turn() -> None:
    text, other = "one two three four five six", "one and two three four five six seven"
    prefix = StablePrefix()
    for end_ms in (0, 500, 1_000):
        prefix.update(text, end_ms)
    shown = [prefix.update(other, end_ms) for end_ms in (1_500, 2_000, 2_500)]
    assert shown[0] == ("one two", " three four five six seven")
    assert shown[-1] == ("one two three", " four five six seven")


def test_a_character_is_a_word_in_scripts_without_spaces() -> None:
    text = "今天天气好"
    assert shown((text, 0), (text, 500), (text, 1_000))[-1] == ("今", "天天气好")


def test_a_character_whose_bytes_are_not_complete_is_never_stable() -> None:
    text = "one tw\ufffd three four five six seven"
    assert shown((text, 0), (text, 500), (text, 1_000))[-1] == ("one", text[3:])


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("Hello  big world.", ["Hello", "  big", " world."]),
        ("今天 OK。", ["今", "天", " OK", "。"]),
        ("นี่คือ", ["นี่", "คื", "อ"]),
        ("👩‍👩‍👧 e\u0301a", ["👩‍👩‍👧", " e\u0301a"]),
        ("", []),
    ],
)
def test_words_are_never_cut_inside_a_grapheme(text: str, units: list[str]) -> None:
    assert split(text) == units


def test_withdrawn_words_are_those_that_the_final_does_not_have() -> None:
    prefix = StablePrefix()
    for end_ms in (0, 500, 1_000):
        prefix.update("One two, three four five six seven eight", end_ms)
    assert prefix.text == "One two, three four"
    assert prefix.n_withdrawn("one two three four") == 0
    assert prefix.n_withdrawn("One too, three four five") == 1
