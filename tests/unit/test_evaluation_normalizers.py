"""Normalizers, step by step: each row is one spelling of two that are the same, or are not."""

from __future__ import annotations

import re

import pytest

from qasr_cli.errors import UnavailableError, UsageError
from qasr_cli.evaluation.normalization import foreign, normalizers
from qasr_cli.options.evaluation import NORMALIZERS

SAME = [  # language, two spellings that are one for `qasr`
    ("en", "Don’t stop!", "don't stop"),
    ("en", "The ﬁne “white-paper”…", "the fine white paper"),
    ("en", "'quoted' words'", "quoted words"),
    ("en", "rock ’n’ roll", "rock n roll"),
    ("en", "full ｗｉｄｔｈ １２", "full width 12"),
    ("de", "STRAẞE", "straße"),
    ("fr", "L’été, n'est-ce pas ?", "l'été n'est ce pas"),
    ("tr", "IĞDIR İSTANBUL", "ığdır istanbul"),
    ("el", "ΛΌΓΟΣ", "λόγος"),
    ("hi", "हिन्दी में लिखा।", "हिन्दी में लिखा"),
    ("ar", "مُحَمَّد، نعم؟", "مُحَمَّد نعم"),
    ("zh", "繁體中文，測試。", "繁体中文测试"),
    ("zh", "用 iPhone 打 电话", "用iphone打电话"),
    ("ja", "はい、そう です。", "はいそうです"),
    ("th", "กรุงเทพ มหานคร", "กรุงเทพมหานคร"),
    ("ko", "안녕, 하세요!", "안녕 하세요"),
]
DIFFERENT = [  # what `qasr` keeps apart
    ("en", "1,000", "1000"),
    ("en", "3.5", "35"),
    ("en", "won't", "wont"),
    ("en", "$5", "5"),
    ("en", "50%", "50"),
    ("en", "twenty", "20"),
    ("en", "I", "ı"),
    ("hi", "की", "कि"),
    ("th", "กา", "กำ"),
    ("yue", "廣東話", "广东话"),
    ("ja", "漢字", "汉字"),
    ("ko", "안녕하세요", "안녕 하세요"),
]
SAME_NUMBERS = [  # of `qasr+numbers` only
    ("en", "Twenty-one", "21"),
    ("en", "on the 21st of May 1999", "on the twenty first of may nineteen ninety-nine"),
    ("en", "one hundred and one", "101"),
    ("en", "1,000,000", "one million"),
    ("en", "$5 and 5%", "five dollars and five percent"),
    ("en", "3.5", "three point five"),
    ("de", "einundzwanzig", "21"),
    ("de", "10.000,5", "zehntausend Komma fünf"),
    ("fr", "10 000", "dix mille"),
    ("es", "veintiuno", "21"),
    ("ru", "21", "двадцать один"),
    ("ja", "２１歳", "二十一歳"),
    ("ko", "21", "이십일"),
    ("th", "21", "ยี่สิบเอ็ด"),
    ("zh", "五十万", "50万"),
    ("zh", "一亿五千万", "1.5亿"),
    ("zh", "二零二四年", "2024年"),
    ("zh", "百分之五", "5%"),
    ("zh", "兩百", "200"),
    ("zh", "第三", "第3"),
    ("yue", "二十", "20"),
]


@pytest.mark.parametrize(("language", "one", "other"), SAME)
def test_spellings_that_are_one(language: str, one: str, other: str) -> None:
    normalizer = normalizers.get("qasr")
    assert normalizer.normalize(one, language) == normalizer.normalize(other, language) == other


@pytest.mark.parametrize(("language", "one", "other"), DIFFERENT)
def test_spellings_that_are_kept_apart(language: str, one: str, other: str) -> None:
    normalizer = normalizers.get("qasr")
    assert normalizer.normalize(one, language) != normalizer.normalize(other, language)


@pytest.mark.parametrize(("language", "one", "other"), SAME_NUMBERS)
def test_numbers_in_digits_and_in_words_are_one(language: str, one: str, other: str) -> None:
    tolerant, strict = normalizers.get("qasr+numbers"), normalizers.get("qasr")
    assert tolerant.normalize(one, language) == tolerant.normalize(other, language)
    assert strict.normalize(one, language) != strict.normalize(other, language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "x" * 50 + "1" * 60),  # more digits than words have
        ("zh", "零" * 100),
        ("zh", "万一 十分 百"),
        ("hi", "21"),  # a language without a speller
        ("ar", "3.5"),  # which it spells wrongly
        (None, "21"),
    ],
)
def test_numbers_that_no_library_can_spell_change_nothing_else(language: str | None, text: str) -> None:
    assert normalizers.get("qasr+numbers").normalize(text, language)


@pytest.mark.parametrize(
    ("text", "english", "basic"),  # as published, traps included
    [
        ("O'Brien", "0 brien", "o brien"),
        ("twenty-one [laughs]", "21", "twenty one"),
        ("the colour", "the color", "the colour"),
        ("हिन्दी", "ह नद", "ह न द"),
    ],
)
def test_whispers_normalizers_keep_their_traps(text: str, english: str, basic: str) -> None:
    assert normalizers.get("whisper-en").normalize(text, "en").split() == english.split()
    assert normalizers.get("whisper-basic").normalize(text, "en").split() == basic.split()


def test_the_leaderboards_follows_the_language_and_merges_compounds() -> None:
    normalizer = normalizers.get("leaderboard")
    assert normalizer.merges_compounds
    assert normalizer.normalize("twenty-one", "en") == "21"
    assert normalizer.normalize("vingt-et-un", "fr").split() == ["vingt", "et", "un"]


@pytest.mark.parametrize("name", NORMALIZERS)
def test_a_normalizer_says_its_version_and_steps(name: str) -> None:
    normalizer = normalizers.get(name)
    assert normalizer.name == name
    assert re.search(r"\d", normalizer.version)
    assert len(normalizer.described) > 20


@pytest.mark.parametrize("text", ["\ud800 a", "9" * 5_000, "九" * 5_000, "\x00", "(", "1/2 ²½"])
@pytest.mark.parametrize("language", ["en", "zh", None])
@pytest.mark.parametrize("name", NORMALIZERS)
def test_odd_texts_break_no_normalizer(name: str, language: str | None, text: str) -> None:
    assert len(normalizers.get(name).normalize(text, language)) < 100_000


def test_versions_name_the_packages_that_results_follow() -> None:
    assert re.fullmatch(r"1, opencc [\d.]+", normalizers.get("qasr").version)
    expected = r"1, opencc [\d.]+, num2words [\d.]+, cn2an [\d.]+"
    assert re.fullmatch(expected, normalizers.get("qasr+numbers").version)


def test_an_unknown_normalizer_is_refused() -> None:
    with pytest.raises(UsageError, match="no such normalizer"):
        normalizers.get("sclite")


def test_a_missing_package_is_named_with_the_extra() -> None:
    with pytest.raises(UnavailableError) as caught:
        foreign.require("no_such_module_of_qasr", "no-such-package", "whisper-en")
    assert "whisper-en needs no-such-package" in str(caught.value)
    assert caught.value.hint == "pip install 'qasr[eval]'"
