"""No word is lost when a recording's words are dealt to utterances, and no error is added."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from qasr_cli.evaluation.matching import recordings
from qasr_cli.evaluation.utterances import Answer, AudioPart, TimedWord, Utterance
from qasr_cli.records import Span

WORDS = st.sampled_from(["one", "two", "three", "four", "Five,", "今", "天", "é"])


@st.composite
def recorded(draw: st.DrawFn) -> tuple[list[Utterance], Answer]:
    """Draw utterances that may overlap, and a system's words, each at any time."""
    utterances = []
    for number in range(draw(st.integers(2, 5))):
        start_ms = draw(st.integers(0, 5_000))
        span = Span(start_ms, start_ms + draw(st.integers(1, 3_000)))
        text = " ".join(draw(st.lists(WORDS, max_size=6)))
        utterances.append(Utterance(str(number), "set", AudioPart(Path("a.wav"), span), text))
    words = []
    for text in draw(st.lists(WORDS, max_size=20)):
        start_ms = draw(st.integers(0, 9_000))
        words.append(TimedWord(text, start_ms, start_ms + draw(st.integers(0, 500))))
    return utterances, Answer(" ".join(word.text for word in words), words=tuple(words))


@given(recorded())
def test_every_word_goes_to_exactly_one_utterance_in_order(given_: tuple[list[Utterance], Answer]) -> None:
    utterances, whole = given_
    dealt = recordings.answers(utterances, whole)
    assert len(dealt) == len(utterances)
    places = {id(word): place for place, word in enumerate(whole.words)}
    own = [[places[id(word)] for word in answer.words] for answer in dealt]
    assert sorted(place for one in own for place in one) == list(range(len(whole.words)))
    assert all(one == sorted(one) for one in own)


@given(recorded())
def test_the_parts_have_no_more_errors_than_the_whole(given_: tuple[list[Utterance], Answer]) -> None:
    utterances, whole = given_
    order = sorted(range(len(utterances)), key=lambda one: (utterances[one].audio.span, one))  # type: ignore[union-attr]
    dealt = recordings.answers(utterances, whole)

    def errors(reference: str, said: str) -> int:
        return Levenshtein.distance(*(text.replace(",", "").casefold().split() for text in (reference, said)))

    def spaced(answer: Answer) -> str:
        return " ".join(word.text for word in answer.words)

    parts = sum(errors(one.text, spaced(answer)) for one, answer in zip(utterances, dealt, strict=True))
    together = " ".join(utterances[place].text for place in order)
    assert parts == errors(together, spaced(whole))


@given(st.lists(WORDS, min_size=1, max_size=30))
def test_a_perfect_answer_without_times_is_dealt_perfectly(words: list[str]) -> None:
    middle = len(words) // 2
    halves = [" ".join(words[:middle]), " ".join(words[middle:])]
    two = [Utterance(text, "set", AudioPart(Path("a.wav")), text) for text in halves]
    dealt = recordings.answers(two, Answer(" ".join(words)))
    joined = "".join(answer.text for answer in dealt)
    assert joined.replace(" ", "") == "".join(words)
