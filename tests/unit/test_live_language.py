"""The language of a session, and the utterances that are recognized again in it."""

from __future__ import annotations

from collections.abc import Sequence

from qasr_cli.options import DecodeOptions, GuardOptions
from qasr_cli.records import Chunk, Hypothesis
from qasr_cli.speech.recognition.recognize import RecognizedChunk
from qasr_cli.speech.streaming.language_inertia import LanguageInertia

EN, ES = "English", "Spanish"


def forced(
    spoken: Sequence[tuple[str | None, int]],
    decode: DecodeOptions | None = None,
    guard: GuardOptions | None = None,
    flags: tuple[str, ...] = (),
) -> list[str | None]:
    inertia = LanguageInertia()
    return [
        inertia.judge(
            RecognizedChunk(Chunk(0, 0, 0, length_ms), Hypothesis("words", language), flags),
            decode or DecodeOptions(),
            guard or GuardOptions(),
        )
        for language, length_ms in spoken
    ]


def test_a_short_utterance_in_another_language_is_forced() -> None:
    assert forced([(EN, 5_000), (ES, 2_000), (EN, 2_000)]) == [None, "en", None]


def test_two_in_a_row_change_the_language() -> None:
    assert forced([(EN, 5_000), (ES, 2_000), (ES, 2_000), (EN, 2_000)]) == [None, "en", None, "es"]


def test_a_long_one_stays_and_the_next_one_agrees_with_it() -> None:
    assert forced([(EN, 5_000), (ES, 9_000), (ES, 2_000), (ES, 2_000)]) == [None] * 4


def test_the_first_with_enough_speech_decides() -> None:
    assert forced([(ES, 1_000), (EN, 3_000), (ES, 1_000)]) == [None, None, "en"]


def test_a_language_that_is_given_or_free_to_change_forces_nothing() -> None:
    spoken = [(EN, 5_000), (ES, 2_000)]
    assert forced(spoken, DecodeOptions(language="en")) == [None, None]
    assert forced(spoken, guard=GuardOptions(multilingual=True)) == [None, None]


def test_flagged_and_unknown_ones_neither_decide_nor_are_forced() -> None:
    assert forced([(EN, 5_000), (None, 2_000)]) == [None, None]
    assert forced([(EN, 5_000), (ES, 2_000)], flags=("loop",)) == [None, None]
