"""Each language as its readers would have it (`languages.toml` beside this file), and what the lists hold."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from qasr_cli.languages import LANGUAGES
from qasr_cli.options import CueOptions
from qasr_cli.records import Cue, Word
from qasr_cli.subtitles.layout import word_splitting
from qasr_cli.subtitles.layout.break_costs import BreakCosts
from qasr_cli.subtitles.rules.function_words import function_words
from qasr_cli.subtitles.rules.limits import resolve
from tests.cue_building import build_cues

GOLDEN = Path(__file__).with_name("languages.toml")
EXAMPLES = tomllib.loads(GOLDEN.read_text(encoding="utf-8"))
SPACED = [known.code for known in LANGUAGES if known.is_spaced and known.code != "ko"]
# Letters a second, each language's natural pace; with a short breath at punctuation.
PACES = {"ja": 7, "ko": 7, "zh": 9, "yue": 9}
BREATHS_MS = {".": 350, "?": 350, "。": 350, ",": 120, "、": 120}


def say(text: str, language: str) -> list[Word]:
    """Return a text spoken evenly: by character in Chinese and Japanese, else by what spaces part."""
    is_spaced = language not in {"ja", "zh", "yue"}
    now_ms = 1_000
    words: list[Word] = []
    for part in text.split() if is_spaced else text:
        length_ms = int(1_000 * (len(part) + is_spaced) / PACES.get(language, 15))
        words.append(Word(" " if is_spaced and words else "", part, now_ms, now_ms + length_ms))
        now_ms += length_ms + BREATHS_MS.get(part[-1], 0)
    return words


def shown(built: tuple[Cue, ...]) -> str:
    return " | ".join(" / ".join(cue.lines) for cue in built)


def _examples() -> Iterator[object]:
    for code, examples in EXAMPLES.items():
        for number, example in enumerate(examples):
            yield pytest.param(code, example["shown"], id=f"{code}-{number}")


@pytest.mark.parametrize(("language", "expected"), list(_examples()))
def test_sentences_are_cut_as_a_native_would(language: str, expected: str) -> None:
    is_spaced = language not in {"ja", "zh", "yue", "th"}
    joint = " " if is_spaced else ""
    said = expected.replace(" | ", joint).replace(" / ", joint)
    words = say(said, language)
    assert shown(build_cues(words, language, words[-1].end_ms + 2_000, CueOptions())) == expected


def test_every_language_has_sentences_with_their_reasons() -> None:
    assert set(EXAMPLES) == {known.code for known in LANGUAGES}
    for code, examples in EXAMPLES.items():
        assert len(examples) >= 2, code
        assert all(example["why"] for example in examples)
        assert any(" / " in example["shown"] for example in examples)


@pytest.mark.parametrize("code", SPACED)
def test_a_language_with_spaces_knows_its_function_words(code: str) -> None:
    known = function_words(code)
    kinds = (known.leaning, known.prepositions, known.conjunctions, known.trailing)
    # Hungarian and Turkish have no prepositions, most have nothing that trails, all have conjunctions.
    assert len(frozenset().union(*kinds)) >= 60
    assert len(known.conjunctions) >= 10
    everything = known.leaning | known.prepositions | known.conjunctions | known.trailing | known.objects
    assert all(word == word.lower() for word in everything | known.abbreviations)
    assert all("." in word for word in known.abbreviations)
    assert not known.prepositions & known.trailing


@pytest.mark.parametrize(
    ("language", "before", "after"),
    [
        ("cs", "např.", "Praha"), ("da", "f.eks.", "Aarhus"), ("de", "bzw.", "Berlin"),
        ("el", "π.χ.", "Αθήνα"), ("en", "Prof.", "Jones"), ("es", "Sra.", "García"),
        ("fi", "esim.", "Turku"), ("fil", "Gng.", "Santos"),
        ("fr", "M.", "Dupont"), ("hi", "डॉ.", "शर्मा"), ("hu", "pl.", "Szeged"), ("id", "Bpk.", "Joko"),
        ("it", "Sig.", "Rossi"), ("mk", "проф.", "Илић"), ("ms", "Dr.", "Ahmad"), ("nl", "bijv.", "Utrecht"),
        ("pl", "np.", "Kraków"), ("pt", "Sr.", "Silva"), ("ro", "dl.", "Ionescu"), ("ru", "ул.", "Мира"),
        ("sv", "t.ex.", "Malmö"), ("tr", "Prof.", "Yılmaz"), ("vi", "TS.", "Nguyễn"), ("ar", "د.", "أحمد"),
        ("hu", "3.", "Béla"), ("tr", "3.", "Bölüm"), ("pl", "3.", "Maja"), ("en", "J.", "Smith"),
    ],
)  # fmt: skip
def test_abbreviations_ordinals_and_initials_end_no_sentence(language: str, before: str, after: str) -> None:
    assert _ends(language, before, after) is False


@pytest.mark.parametrize(
    ("language", "before", "after"),
    [
        ("el", "πάμε;", "Θα"), ("el", "πάμε;", "θα"), ("ar", "تعلم؟", "نعم"), ("fa", "می‌دانی؟", "بله"),
        ("hi", "है।", "क्या"), ("ja", "です。", "はい"), ("zh", "吗？", "是的"), ("th", "ไหม?", "ใช่"),
        ("en", "1990.", "Then"), ("ko", "네.", "알겠습니다"),
    ],
)  # fmt: skip
def test_sentences_end_with_the_marks_of_their_language(language: str, before: str, after: str) -> None:
    assert _ends(language, before, after) is True


def _ends(language: str, before: str, after: str) -> bool:
    words = [Word("", before, 0, 500), Word(" ", after, 500, 1_000)]
    pieces = word_splitting.split(words, 5_000, resolve(CueOptions(), language), language)
    first_of_after = next(k for k, piece in enumerate(pieces) if k and piece.space)
    return BreakCosts(pieces, language).is_sentence_end[first_of_after - 1]


@pytest.mark.parametrize(
    ("language", "text", "phrases"),
    [
        ("ja", "駅前の新しい喫茶店でコーヒーを飲む", ["駅前の", "新しい", "喫茶店で", "コーヒーを", "飲む"]),
        ("zh", "今天我想跟大家分享", ["今天", "我", "想", "跟", "大家", "分享"]),
        ("zh", "我們團隊在過去三年", ["我們", "團隊", "在", "過去", "三", "年"]),
        ("yue", "順便傾下旅行嘅計劃", ["順便傾下", "旅行", "嘅", "計劃"]),
        ("th", "ผมจะมาเล่าเรื่องการแปลงเสียง", ["ผม", "จะ", "มา", "เล่า", "เรื่อง", "การแปลง", "เสียง"]),
        ("ja", "Python 3.12で書いた", ["Python", "3.12で", "書いた"]),
        ("zh", "2024年用GPU训练", ["2024年", "用", "GPU训练"]),
        ("en", "one two", ["one", "two"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_cut_small", [True, False])
def test_phrases_are_the_same_however_an_engine_cut_the_text(
    language: str, text: str, phrases: list[str], is_cut_small: bool
) -> None:
    words = [
        Word("" if number else " ", part, 100 * k, 100 * k + 90)
        for k, run in enumerate(text.split())
        for number, part in enumerate(_small(run) if is_cut_small else [run])
    ]
    pieces = word_splitting.split(words, 9_000, resolve(CueOptions(), language), language)
    found: list[str] = []
    for piece in pieces:
        if piece.begins_phrase is False and not piece.space:
            found[-1] += piece.text
        else:
            found.append(piece.text)
    assert found == phrases


def _small(text: str) -> list[str]:
    """Return single characters, Latin words and numbers whole, no mark without its letter."""
    parts: list[str] = []
    for char in text:
        is_latin = char.isascii() and parts and parts[-1][-1].isascii()
        if is_latin or (parts and not char.isalnum()):
            parts[-1] += char
        else:
            parts.append(char)
    return parts


def test_a_word_that_is_cut_shares_its_time_and_stays_one_word() -> None:
    text = "เมื่อเราไปถึงสถานี"
    pieces = word_splitting.split([Word("", text, 1_000, 2_000)], 9_000, resolve(CueOptions(), "th"), "th")
    assert "".join(piece.text for piece in pieces) == text
    assert [piece.n_words for piece in pieces] == [1, 0, 0, 0, 0]
    assert (pieces[0].start_ms, pieces[-1].end_ms) == (1_000, 2_000)
    assert all(a.end_ms == b.start_ms for a, b in itertools.pairwise(pieces))


SCRIPT = """
from tests.unit.test_subtitles_languages import *
for code in ("en", "ru", "ja", "th"):
    words = say(EXAMPLES[code][0]["shown"], code)
    print(ascii(build_cues(words, code, words[-1].end_ms, CueOptions())))
"""


def test_cues_are_the_same_on_any_machine() -> None:
    outputs = set()
    for seed, zone, locale in (("0", "UTC", "C"), ("1", "Asia/Seoul", "tr_TR.UTF-8")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": locale}
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, check=True,
            cwd=Path(__file__).parents[2],
        )  # fmt: skip
        outputs.add(run.stdout)
    assert len(outputs) == 1
