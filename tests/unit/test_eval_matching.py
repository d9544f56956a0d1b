"""Words of a whole recording, dealt to the utterances of its reference."""

from __future__ import annotations

from pathlib import Path

from qasr_cli.evaluation.matching import recordings
from qasr_cli.evaluation.utterances import Answer, AudioPart, TimedWord, Utterance
from qasr_cli.records import Caption, Span


def said(text: str, start_ms: int | None, end_ms: int = 0) -> Utterance:
    span = None if start_ms is None else Span(start_ms, end_ms)
    return Utterance(f"u{start_ms}-{text}", "set", AudioPart(Path("talk.wav"), span), text)


def spoken(*words: tuple[str, int]) -> Answer:
    timed = tuple(TimedWord(text, start_ms, start_ms + 200) for text, start_ms in words)
    return Answer(" ".join(text for text, _ in words), words=timed)


def texts(utterances: list[Utterance], whole: Answer) -> list[str]:
    return [one.text for one in recordings.answers(utterances, whole)]


class TestBorders:
    TWO = [said("good morning", 0, 1000), said("to you all", 1000, 2000)]  # noqa: RUF012 - not changed

    def test_a_word_counts_where_the_text_has_it_whatever_its_time(self) -> None:
        late = spoken(("good", 100), ("morning", 950), ("to", 800), ("you", 1200), ("all", 1500))
        assert texts(self.TWO, late) == ["good morning", "to you all"]

    def test_a_substitution_takes_the_place_of_its_word(self) -> None:
        whole = spoken(("good", 100), ("evening", 1100), ("to", 1200), ("you", 1300), ("all", 1500))
        assert texts(self.TWO, whole) == ["good evening", "to you all"]

    def test_an_insertion_goes_to_the_nearer_of_its_neighbours(self) -> None:
        ends = [("good", 100), ("morning", 600), ("to", 1000), ("you", 1300), ("all", 1500)]
        early = spoken(*ends[:2], ("well", 700), *ends[2:])
        late = spoken(*ends[:2], ("well", 980), *ends[2:])
        assert texts(self.TWO, early) == ["good morning well", "to you all"]
        assert texts(self.TWO, late) == ["good morning", "well to you all"]

    def test_nothing_that_fits_goes_by_time_alone(self) -> None:
        assert texts(self.TWO, spoken(("ja", 100), ("nein", 1500))) == ["ja", "nein"]

    def test_an_hour_in_which_nothing_fits_is_spread_evenly(self) -> None:
        hour = [
            said("one two three four five", start_ms, start_ms + 3000)
            for start_ms in range(0, 3_600_000, 3000)
        ]
        whole = spoken(*(("x", start_ms) for start_ms in range(0, 3_600_000, 1000)))
        assert texts(hour, whole) == ["x x x"] * 1200

    def test_an_utterance_without_words_is_empty(self) -> None:
        assert texts(self.TWO, Answer("")) == ["", ""]


class TestOtherTexts:
    def test_utterances_in_another_order_than_their_times(self) -> None:
        turned = [said("to you all", 1000, 2000), said("good morning", 0, 1000)]
        whole = spoken(("good", 100), ("morning", 500), ("to", 1000), ("you", 1300), ("all", 1500))
        assert texts(turned, whole) == ["to you all", "good morning"]

    def test_case_and_marks_are_no_difference(self) -> None:
        whole = spoken(("Good", 0), ("morning,", 1500), ("TO", 1600), ("you", 1700), ("all!", 1800))
        assert texts(TestBorders.TWO, whole) == ["Good morning,", "TO you all!"]

    def test_chinese_without_times_of_words(self) -> None:
        two = [said("今天天气不错", 0, 1000), said("我们去 iPhone 店", 1000, 2000)]
        assert texts(two, Answer("今天天气很不错，我们去iPhone店。")) == [
            "今天天气很不错，",
            "我们去iPhone店。",
        ]

    def test_captions_have_times(self) -> None:
        two = [said("一", 0, 1000), said("二", 5000, 6000)]
        captions = (Caption(0, 900, ("零",)), Caption(5100, 5900, ("三",)))
        whole = Answer("零 三", captions=captions)
        assert texts(two, whole) == ["零", "三"]

    def test_utterances_without_times_are_told_apart_by_their_order(self) -> None:
        two = [said("good morning", None), said("to you all", None)]
        assert texts(two, Answer("good morning to you all")) == ["good morning", "to you all"]

    def test_a_single_utterance_is_the_whole_recording(self) -> None:
        whole = spoken(("good", 100))
        assert recordings.answers([said("good morning", None)], whole) == [whole]


class TestLikeness:
    def test_a_normalized_text_is_like_its_own(self) -> None:
        assert recordings.is_like("Mister Brown has twenty men.", "mr brown has 20 men")
        assert not recordings.is_like("The weather is fine today", "please close that window")
