"""Estimated times: by length, around pauses, never across a silence."""

from __future__ import annotations

from qasr_cli.records import Chunk, Span, Timing
from qasr_cli.speech.alignment import word_times
from qasr_cli.speech.alignment.interpolation import SpokenLength, clip_speech, interpolate
from qasr_cli.speech.text import display_words

TWO = (Span(1_000, 2_000), Span(4_000, 5_000))


def spread(text: str, language: str, *speech: tuple[int, int]) -> list[tuple[str, int, int]]:
    spans = tuple(Span(*span) for span in speech)
    timed = word_times.interpolate_words(
        display_words.split(text, language), Chunk(0, 0, spans[0].start_ms, spans[-1].end_ms, spans)
    )
    assert {word.timing for word in timed} == {Timing.INTERPOLATED}
    return [(word.text, word.start_ms, word.end_ms) for word in timed]


def test_no_word_lies_across_a_silence() -> None:
    assert interpolate([SpokenLength(1), SpokenLength(4), SpokenLength(1)], TWO) == [
        (1_000, 1_200),
        (1_200, 2_000),
        (4_000, 5_000),
    ]


def test_a_silence_follows_punctuation_where_the_pace_allows() -> None:
    def n_first(stop_after: int | None) -> int:
        loads = [SpokenLength(2, pause=3 * (index == stop_after)) for index in range(10)]
        return sum(end_ms <= 2_000 for _, end_ms in interpolate(loads, TWO))

    assert n_first(None) == 5
    assert n_first(3) == 4  # 200 ms off to end at the stop
    assert n_first(0) == 5  # too far to go


def test_a_breath_is_left_after_a_comma_inside_speech() -> None:
    assert spread("aaaa, bbbb.", "fi", (0, 900)) == [("aaaa,", 0, 400), ("bbbb.", 500, 900)]


def test_wide_letters_take_twice_as_long() -> None:
    assert spread("用abcd", "zh", (0, 600)) == [("用", 0, 200), ("abcd", 200, 600)]


def test_one_word_takes_the_longer_span() -> None:
    assert interpolate([SpokenLength(5)], (Span(0, 300), Span(900, 2_000))) == [(900, 2_000)]


def test_speech_within_a_stretch() -> None:
    assert clip_speech(TWO, 1_500, 4_200) == (Span(1_500, 2_000), Span(4_000, 4_200))
    assert clip_speech(TWO, 2_500, 2_900) == (Span(2_500, 2_900),)  # nothing was found there: all of it
    assert clip_speech((), 7, 7) == (Span(7, 8),)
