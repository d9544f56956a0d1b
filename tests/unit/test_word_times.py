"""Words in Japanese, estimated times, and what a posterior that says nothing leads to."""

from __future__ import annotations

import numpy as np
import pytest

from qasr_cli.options import ChunkOptions, DecodeOptions, EngineOptions
from qasr_cli.records import Chunk, Span, Timing
from qasr_cli.speech.alignment import monotonic_decoder, word_times
from qasr_cli.speech.audio import chunking
from qasr_cli.speech.audio.vad import SpeechMap
from qasr_cli.speech.inference.protocols import Posterior
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.text import aligner_tokens, display_words, segmenters
from tests import fakes
from tests.recognition import recognize_and_align


@pytest.fixture
def no_taggers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Japanese and Korean as they are cut where neither nagisa nor soynlp is installed."""
    monkeypatch.setattr(segmenters, "_japanese", lambda: None)
    monkeypatch.setattr(segmenters, "_korean", lambda: None)


@pytest.mark.usefixtures("no_taggers")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("東京タワーへ、行く。", ["東", "京", "タワー", "へ、", "行", "く。"]),
        ("うれしいです。ありがとう。", ["うれしいです。", "ありがとう。"]),  # a full stop between kana cuts
        ("えっ？はい！「うん」", ["えっ？", "はい！", "「うん」"]),
        ("人々はらーめんを", ["人々", "はらーめんを"]),  # repetition and long-vowel marks join
        ("ジョン・スミス", ["ジョン・", "スミス"]),
        ("3.5%とPython3", ["3.5%", "と", "Python3"]),
        ("か\u3099き", ["か\u3099き"]),  # a voicing mark of its own is no place to cut
    ],
)
def test_japanese_is_cut_at_scripts_and_marks(text: str, shown: list[str]) -> None:
    assert [word.lead + word.text for word in display_words.split(text, "ja")] == shown


@pytest.mark.usefixtures("no_taggers")
def test_japanese_units_are_cleaned_like_all_others() -> None:
    assert [unit.text for unit in aligner_tokens.tokenize("3.5%のe-mailを、か\u3099", "ja")] == [
        *("35", "の", "email", "を", "が"),
    ]


def test_a_long_text_is_split_in_linear_time() -> None:
    assert len(display_words.split("字。" * 20_000, "zh")) == 20_000  # quadratic, this took half a minute


def test_an_ideograph_lasts_twice_as_long_as_a_letter() -> None:
    chunk = Chunk(0, 0, 0, 1_000, (Span(0, 1_000),))
    timed = word_times.interpolate_words(display_words.split("用abcdef写", "zh"), chunk)
    assert [(word.start_ms, word.end_ms) for word in timed] == [(0, 200), (200, 800), (800, 1_000)]


def test_estimated_words_skip_the_silence() -> None:
    chunk = Chunk(0, 0, 1_000, 5_000, (Span(1_000, 2_000), Span(4_000, 5_000)))
    timed = word_times.interpolate_words(display_words.split("aaaa bbbb", "en"), chunk)
    assert [(word.start_ms, word.end_ms) for word in timed] == [(1_000, 2_000), (4_000, 5_000)]
    assert {word.timing for word in timed} == {Timing.INTERPOLATED}


def test_a_word_that_swallowed_a_pause_is_cut_and_marked() -> None:
    chunk = Chunk(0, 0, 0, 9_000)
    timed = [
        monotonic_decoder.TokenTime(0, 6_000, Timing.ALIGNED, 0.9),
        monotonic_decoder.TokenTime(6_000, 6_500, Timing.ALIGNED, 0.9),
    ]
    first, second = word_times.from_tokens(display_words.split("so then", "en"), timed, chunk)
    assert (first.start_ms, first.end_ms, first.timing) == (0, 1_200, Timing.REPAIRED)
    assert (second.start_ms, second.timing) == (6_000, Timing.ALIGNED)


@pytest.mark.parametrize("fill", [np.nan, np.inf])
def test_a_posterior_that_is_no_number_says_nothing(fill: float) -> None:
    scores = np.full((4, 20), -3.0, np.float32)
    scores[2, 7] = fill
    assert monotonic_decoder.decode(Posterior(scores, 80), 1_500) is None


def test_order_holds_where_every_way_is_impossible() -> None:
    scores = np.full((6, 20), -np.inf, np.float32)
    scores[np.arange(6), [9, 9, 3, 3, 1, 1]] = 0.0
    times = monotonic_decoder.decode(Posterior(scores, 80), 1_500)
    assert times is not None
    edges = [edge for unit in times for edge in (unit.start_ms, unit.end_ms)]
    assert edges == sorted(edges)
    assert all(unit.end_ms - unit.start_ms >= 80 and unit.confidence is not None for unit in times)


def test_a_forced_language_is_filled_in_and_reaches_the_aligner() -> None:
    chunk, audio = Chunk(0, 0, 0, 2_000), np.zeros(32_000, np.float32)
    session = Session(fakes.unnaming(EngineOptions()))
    forced = recognize_and_align([audio], [chunk], session, DecodeOptions(language="en"))[0]
    free = recognize_and_align([audio], [chunk], session)[0]
    assert forced is not None
    assert free is not None
    assert (forced.language, free.language) == ("en", None)
    assert {word.timing for word in forced.words} == {Timing.ALIGNED}
    assert {word.timing for word in free.words} == {Timing.INTERPOLATED}


def test_no_crumb_is_left_where_a_cut_elsewhere_avoids_it() -> None:
    edges_s = [0, 21, 21.3, 29, 29.9, 30.6]  # the longest pause lies before the last word
    spans = tuple(
        Span(int(a * 1000), int(b * 1000)) for a, b in zip(edges_s[::2], edges_s[1::2], strict=True)
    )
    speech = SpeechMap(spans, np.ones(1_000, np.float32), 31_000)
    chunks = chunking.plan(0, speech, ChunkOptions())
    assert [(chunk.start_ms, chunk.end_ms) for chunk in chunks] == [(0, 21_000), (21_300, 30_600)]
