"""Cues as a subtitler would judge them, and the numbers behind them."""

from __future__ import annotations

import pytest

from qasr_cli.languages import LANGUAGES
from qasr_cli.options import CueOptions
from qasr_cli.records import Cue, Word
from qasr_cli.subtitles.layout import word_splitting
from qasr_cli.subtitles.layout.break_costs import BreakCosts
from qasr_cli.subtitles.rules.limits import resolve
from qasr_cli.subtitles.rules.presets import Preset, code_by_script, preset
from qasr_cli.subtitles.rules.width import Counting, clusters, half_cells, is_joined
from tests.cue_building import build_cues
from tests.effort import growth


def say(text: str, *, cps: float = 15, is_spaced: bool = True, start_ms: int = 1_000) -> list[Word]:
    """Return `text` spoken evenly, with a short breath at punctuation."""
    now_ms = start_ms
    words: list[Word] = []
    for part in text.split() if is_spaced else [char for char in text if char.strip()]:
        length_ms = int(1_000 * (len(part) + is_spaced) / cps)
        words.append(Word(" " if is_spaced and words else "", part, now_ms, now_ms + length_ms))
        now_ms += length_ms + {".": 350, "?": 350, "。": 350, ",": 120, "、": 120}.get(part[-1], 0)
    return words


def lay_out(words: list[Word], language: str | None, **limits: object) -> tuple[Cue, ...]:
    return build_cues(words, language, words[-1].end_ms + 2_000, CueOptions(**limits))  # type: ignore[arg-type]


def texts(built: tuple[Cue, ...]) -> list[str]:
    return [" / ".join(cue.lines) for cue in built]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        # BBC Subtitle Guidelines 3.9: its examples of good segmentation.
        ("en", "When I jumped on the bus, I saw the man who had taken the basket from the old lady.",
         ["When I jumped on the bus,", "I saw the man who had taken / the basket from the old lady."]),
        ("en", "On two minor occasions immediately following the war, small numbers of people were seen "
               "crossing the border.",
         ["On two minor occasions / immediately following the war,",
          "small numbers of people / were seen crossing the border."]),
        # One line where one will do (Netflix).
        ("en", "First, I will tell you about the market.", ["First, I will tell you about the market."]),
        # Linguistic sense before balance (BBC 3.4).
        ("en", "In the past, there was only a narrow road here.",
         ["In the past, / there was only a narrow road here."]),
        # A title, an initial and a decimal end no sentence.
        ("en", "Dr. Smith and J. Doe paid 3.5 million. It was too much.",
         ["Dr. Smith and J. Doe paid 3.5 million.", "It was too much."]),
        ("de", "Am 3. Mai haben wir uns mit Frau Dr. Meier über den neuen Vertrag unterhalten.",
         ["Am 3. Mai haben wir uns mit Frau Dr. Meier / über den neuen Vertrag unterhalten."]),
    ],
)  # fmt: skip
def test_text_is_cut_where_a_subtitler_would_cut_it(language: str, text: str, expected: list[str]) -> None:
    assert texts(lay_out(say(text), language)) == expected


def test_korean_breaks_at_spaces_only() -> None:
    words = say("먼저 음성을 텍스트로 바꾸고, 그다음에 단어마다 시간을 맞추는 과정이 필요합니다.", cps=7)
    assert texts(lay_out(words, "ko")) == [
        "먼저 음성을 텍스트로 바꾸고,",
        "그다음에 단어마다 시간을 / 맞추는 과정이 필요합니다.",
    ]


def test_japanese_breaks_after_particles_and_never_before_small_kana() -> None:
    text = "それから駅前の新しい喫茶店でコーヒーを飲みながら、来月の旅行について話し合いたいと思っています。"
    assert texts(lay_out(say(text, cps=7, is_spaced=False), "ja")) == [
        "それから駅前の新しい喫茶店で / コーヒーを飲みながら、",
        "来月の旅行について / 話し合いたいと思っています。",
    ]


@pytest.mark.parametrize("code", [language.code for language in LANGUAGES])
def test_no_line_begins_with_closing_punctuation(code: str | None) -> None:
    words = [
        Word("", char, 200 * k, 200 * k + 150)
        for k, char in enumerate("字字字字」、字字字字！？字字字。" * 9)
    ]
    for cue in lay_out(words, code, max_line_width=8):
        assert not any(line[0] in "」、！？。" for line in cue.lines)


def test_chunks_of_a_spaced_language_are_joined_with_a_space() -> None:
    words = [Word("", "One", 0, 300), Word("", "two-", 300, 600), Word("", "three.", 600, 900)]
    assert texts(lay_out(words, "en")) == ["One two-three."]
    assert texts(lay_out(words, "ja")) == ["Onetwo-three."]


def test_a_language_without_spaces_has_none_in_a_file_of_one_with() -> None:
    said = say("Good morning, everybody.")
    for text in ("你好，世界。", "そうですね。"):
        said += say(text, is_spaced=False, start_ms=said[-1].end_ms + 3_000)
    assert texts(lay_out(said, "en")) == ["Good morning, everybody.", "你好，世界。", "そうですね。"]


def test_no_break_spaces_are_kept_and_not_broken_at() -> None:
    words = [*say("Vous avez dit que c'était vraiment impossible"), Word("\u00a0", "?", 5_000, 5_050)]
    lines = [line for cue in lay_out(words, "fr", max_line_width=12) for line in cue.lines]
    assert lines[-1] == "impossible\u00a0?"


def test_a_word_wider_than_a_cue_goes_on_in_cues_without_words() -> None:
    built = lay_out([Word("", "字" * 70, 0, 7_000), Word("", "末", 7_000, 7_300)], "zh")
    assert built[0].word_range == (0, 1)
    assert "".join(line for cue in built for line in cue.lines) == "字" * 70 + "末"
    assert built[-1].word_range[1] == 2
    assert all(len(line) <= 16 for cue in built for line in cue.lines)


def test_words_at_one_millisecond_are_each_seen() -> None:
    words = [Word(" ", "word" * 20, 5_000, 5_000) for _ in range(6)]
    built = build_cues(words, "en", 60_000, CueOptions())
    assert len(built) == 6
    assert all(cue.end_ms - cue.start_ms >= 200 for cue in built)
    assert "cps" in built[0].flags
    assert "late" in built[-1].flags


def test_more_cues_than_milliseconds_are_put_together() -> None:
    words = [Word(" ", "word" * 20, 0, 0) for _ in range(9)]
    built = build_cues(words, "en", 2, CueOptions())
    assert [(cue.start_ms, cue.end_ms) for cue in built] == [(0, 1), (1, 2)]
    assert all("lines" in cue.flags for cue in built)


def test_a_pause_of_one_and_a_half_seconds_ends_a_cue() -> None:
    words = [Word("", "Well", 0, 400), Word(" ", "then", 1_900, 2_300)]
    assert texts(lay_out(words, "en")) == ["Well", "then"]


def test_no_words_make_no_cues() -> None:
    assert build_cues((), "en", 1_000, CueOptions()) == ()
    assert build_cues([Word("", " \u200f", 0, 100)], "en", 1_000, CueOptions()) == ()


def test_three_lines_are_used_only_when_two_do_not_do() -> None:
    words = say("one two three four five six seven eight nine ten eleven twelve")
    built = lay_out(words, "en", max_line_width=16, max_lines=3)
    assert max(len(cue.lines) for cue in built) == 3
    assert all(len(line) <= 16 for cue in built for line in cue.lines)


def test_timing_follows_netflix_in_the_open() -> None:
    words = [
        Word("", "Hello", 2_000, 2_400),
        Word(" ", "there.", 2_400, 2_900),
        Word(" ", "Bye.", 9_000, 9_300),
    ]
    first, second = lay_out(words, "en")
    assert (first.start_ms, first.end_ms) == (1_960, 3_400)  # 40 ms before the speech, 500 ms after
    assert (second.start_ms, second.end_ms) == (8_960, 9_800)
    assert not first.flags + second.flags


def test_small_gaps_are_closed_and_large_ones_kept() -> None:
    words = [
        Word("", "Hello.", 1_000, 2_000),
        Word(" ", "Yes.", 2_700, 3_700),
        Word(" ", "No.", 4_900, 5_900),
    ]
    first, second, third = lay_out(words, "en")
    assert second.start_ms - first.end_ms == 83
    assert third.start_ms - second.end_ms >= 500


def test_every_language_has_its_numbers() -> None:
    by_code = {language.code: preset(language.code) for language in LANGUAGES}
    assert len(by_code) == 30
    assert by_code["en"] == Preset(42, 20, 17, 17)
    assert (by_code["ko"].line_cells, by_code["ko"].spoken_cps) == (16, 14)
    assert (by_code["ja"].spoken_cps, by_code["zh"].spoken_cps, by_code["th"].line_cells) == (7, 11, 35)
    for language in LANGUAGES:
        assert by_code[language.code].is_spaced == language.is_spaced


@pytest.mark.parametrize(
    ("text", "code"),
    [("hello", "en"), ("привет", "en"), ("東京タワーへ行く", "ja"), ("今天我想", "zh"), ("한국어", "ko"),
     ("สวัสดี", "th"), ("مرحبا", "ar"), ("नमस्ते", "hi"), ("", "en"), ("123", "en")],
)  # fmt: skip
def test_without_a_language_the_script_decides(text: str, code: str | None) -> None:
    assert code_by_script([text]) == code
    assert preset(None, [text]) == preset(code)


@pytest.mark.parametrize(
    ("text", "counting", "expected"),
    [
        ("hello", Counting.CLUSTER, 10),
        ("e\u0301", Counting.CLUSTER, 2),
        ("สวัสดี", Counting.CLUSTER, 8),  # four consonants; the marks above count nothing
        ("👩‍👩‍👧", Counting.CLUSTER, 2),
        ("\u200f", Counting.CLUSTER, 0),
        ("中文 ab", Counting.EAST_ASIAN, 7),
        ("“…”", Counting.EAST_ASIAN, 6),
        ("“…”", Counting.KOREAN, 3),
        ("한글, 둘", Counting.KOREAN, 8),
        ("👩‍👩‍👧", Counting.EAST_ASIAN, 2),
        ("e\u0301", Counting.EAST_ASIAN, 1),
    ],
)
def test_width(text: str, counting: Counting, expected: int) -> None:
    assert half_cells(text, counting) == expected


def test_clusters_are_what_a_reader_sees() -> None:
    assert clusters("ae\u0301👩‍👧") == ["a", "e\u0301", "👩‍👧"]
    assert is_joined("e", "\u0301x")
    assert is_joined("🇰", "🇷")
    assert not is_joined("a", "b")
    assert not is_joined("🇰🇷", "🇰🇷")


@pytest.mark.parametrize(
    ("first", "second", "pause_ms", "language", "is_end"),
    [
        ("done.", "Then", 0, "en", True),
        ("done.", "then", 0, "en", False),
        ("Mr.", "Smith", 0, "en", False),
        ("etc.", "Then", 600, "en", True),
        ("J.", "Smith", 0, "en", False),
        ("3.", "Mai", 0, "de", False),
        ("1990.", "Then", 0, "en", True),
        ("Why?”", "he", 0, "en", False),
        ("Why?", "he", 0, "en", True),
        ("wait…", "and", 0, "en", False),
        ("です。", "はい", 0, "ja", True),
        ("है।", "हाँ", 0, "hi", True),
        ("done", "Then", 900, "en", False),
    ],
)
def test_sentence_ends(first: str, second: str, pause_ms: int, language: str, is_end: bool) -> None:
    words = [Word("", first, 0, 500), Word(" ", second, 500 + pause_ms, 1_000 + pause_ms)]
    pieces = word_splitting.split(words, 5_000, resolve(CueOptions(), language))
    assert BreakCosts(pieces, language).is_sentence_end == [is_end, True]


def test_breaks_that_hurt_cost_more_than_breaks_that_help() -> None:
    def cost(before: str, after: str, language: str = "en") -> float:
        words = [Word("", "So", 0, 1), Word(" ", before, 1, 2), Word(" ", after, 2, 3)]
        return BreakCosts(word_splitting.split(words, 9, resolve(CueOptions(), language)), language).cost[2]

    assert cost("done.", "Then") < cost("done,", "then") < cost("house", "and") < cost("house", "in")
    assert cost("house", "in") < cost("big", "house") < cost("the", "house")
    assert cost("ten", "men") < cost("10", "men")
    assert cost("big", "house") < cost("New", "York")
    assert cost("Haus", "in", "de") < cost("das", "Haus", "de")


def test_laying_out_grows_with_the_words_and_no_faster() -> None:
    sentence = (
        "On two minor occasions immediately following the war, small numbers of people were seen there. "
    )
    words = say(sentence * 600)  # three quarters of an hour
    assert len(words) == 9_000
    assert len(lay_out(words, "en")) > 1_000
    assert growth(lambda n_sentences: lay_out(words[: 15 * n_sentences], "en"), 10, 40) < 5


def test_a_dash_that_joins_two_words_gets_no_space_after_it() -> None:
    said = [Word("", "Say", 0, 300), Word(" ", "yes—", 300, 700), Word("", "no.", 700, 1_100)]
    assert texts(lay_out(said, "en")) == ["Say yes—no."]
    apart = [Word("", "Oui —", 0, 400), Word("", "non.", 500, 900)]  # where two chunks meet
    assert texts(lay_out(apart, "fr")) == ["Oui — non."]
