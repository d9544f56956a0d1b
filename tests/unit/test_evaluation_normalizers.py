"""Normalizers, step by step: each row is one spelling of two that are the same, or are not."""

from __future__ import annotations

import re
import time

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
    ("zh", "乾 隆", "乾隆"),  # a name, whose first character alone becomes 干
    ("zh", "乾圖", "干图"),  # which OpenCC simplifies in two steps
    ("en", "2½ cups", "2 1 2 cups"),
    ("en", "10² km", "10 2 km"),
    ("en", "soft\u00adhyphen", "softhyphen"),
    ("ar", "مـــحمد", "محمد"),
    ("ar", "٣٫٥ و ٢١٪", "3.5 و 21%"),
    ("fa", "كتاب علي", "کتاب علی"),
    ("fa", "۱۲", "12"),
    ("hi", "२१", "21"),
    ("th", "๒๑", "21"),
    ("ne", "१,००० घर", "1,000 घर"),
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
    ("ar", "علي", "علی"),  # letters of two languages
    ("de", "Strasse", "Straße"),
    ("en", "10²", "102"),
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
    ("yue", "兩萬五千", "25000"),
    ("zh", "三点十五分", "3点15分"),
    ("zh", "三点十五分", "3:15"),
    ("zh", "十点二十", "10:20"),
    ("zh", "三点零五分", "3点05分"),
    ("zh", "九点二八分", "9.28分"),  # a score
    ("zh", "三点一四一五九二六五", "3.14159265"),
    ("zh", "百分之百", "100%"),
    ("zh", "百分之三点五", "3.5%"),
    ("zh", "零零七", "007"),
    ("zh", "一千", "1,000"),
    ("zh", "一千零五十", "1050"),
    ("zh", "二百五", "250"),
    ("zh", "3.5万", "三万五千"),
    ("en", "a hundred dollars", "$100"),
    ("en", "$5 million", "five million dollars"),
    ("en", "$5.5 billion", "five point five billion dollars"),
    ("en", "$1", "one dollar"),
    ("en", "$3.50", "three dollars and fifty cents"),
    ("en", "5€", "five euros"),
    ("en", "£2.00", "two pounds"),
    ("en", "the 1990s", "the nineteen-nineties"),
    ("en", "the 20s", "the twenties"),
    ("en", "007", "zero zero seven"),
    ("en", "3.50", "three point five zero"),
    ("en", "1,000.5", "one thousand point five"),
    ("en", "2024", "two thousand and twenty-four"),
    ("en", "1,500", "fifteen hundred"),
    ("en", "1500", "one thousand five hundred"),
    ("en", "1,999", "one thousand, nine hundred and ninety-nine"),
    ("en", "101st", "one hundred and first"),
    ("en", "10 000", "ten thousand"),
    ("tr", "2024", "iki bin yirmi dört"),  # the package writes one word
    ("tr", "3,5", "üç virgül beş"),
    ("ar", "21", "واحد وعشرون"),
    ("ar", "200", "مئتان"),
    ("ar", "3.5", "ثلاثة فاصلة خمسة"),
    ("fr", "3,14", "trois virgule quatorze"),
    ("fr", "3,05", "trois virgule zéro cinq"),
    ("es", "3,5", "tres coma cinco"),
    ("vi", "2024", "hai nghìn không trăm hai mươi bốn"),
    ("vi", "3,14", "ba phẩy một bốn"),
    ("ms", "8,000", "lapan ribu"),
    ("id", "8.000", "delapan ribu"),
    ("da", "1.000.000", "en million"),
    ("sv", "1000", "ettusen"),
    ("hi", "12,34,567", "बारह लाख चौंतीस हज़ार पाँच सौ सरसठ"),
    ("hi", "२१", "इक्कीस"),
    ("bn", "100", "একশো"),
    ("fa", "21", "بیست و یک"),
    ("it", "1.000", "mille"),
    ("pt", "21", "vinte e um"),
    ("nl", "21", "eenentwintig"),
    ("pl", "21", "dwadzieścia jeden"),
    ("cs", "21", "dvacet jedna"),
    ("ro", "21", "douăzeci și unu"),
    ("hu", "21", "huszonegy"),
    ("hu", "0,0001", "nulla nulla nulla nulla egy"),  # more places than the package has words for
    ("ur", "29", "انتیس"),  # the package spells with Arabic letters
    ("fi", "21", "kaksikymmentäyksi"),
]
# Of `qasr+numbers`: what has numerals in it and means something else
SAME_WORDS = [
    ("zh", "千万不要"),
    ("zh", "万一"),
    ("zh", "成千上万"),
    ("en", "one million and they left"),
    ("en", "two thousand men"),
    ("fil", "21"),  # whose code the package would take for Finnish
    ("el", "21"),
    ("mk", "21"),
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


@pytest.mark.parametrize(("language", "text"), SAME_WORDS)
def test_words_that_are_made_of_numerals_stay(language: str, text: str) -> None:
    assert normalizers.get("qasr+numbers").normalize(text, language) == text


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "x" * 50 + "1" * 60),  # more digits than words have
        ("zh", "零" * 100),
        ("zh", "万一 十分 百"),
        ("el", "21"),  # a language without a speller
        ("hi", "9" * 15),  # more than the package of that language knows
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
    expected = r"1, opencc [\d.]+, num2words [\d.]+, cn2an [\d.]+, indic-numtowords [\d.]+"
    assert re.fullmatch(expected, normalizers.get("qasr+numbers").version)


@pytest.mark.parametrize(
    ("language", "piece"),
    [("en", "12,"), ("en", "1,1"), ("hi", "12,"), ("zh", "1"), ("zh", "一百"), ("de", "1 000 ")],
)
def test_a_number_without_end_takes_time_in_proportion(language: str, piece: str) -> None:
    """In proportion it takes a tenth of a second; with every start tried anew it takes 10 to 40."""
    normalizer = normalizers.get("qasr+numbers")
    begun = time.process_time()
    normalizer.normalize(piece * 20_000, language)
    assert time.process_time() - begun < 5.0


def test_an_unknown_normalizer_is_refused() -> None:
    with pytest.raises(UsageError, match="no such normalizer"):
        normalizers.get("sclite")


def test_a_missing_package_is_named_with_the_extra() -> None:
    with pytest.raises(UnavailableError) as caught:
        foreign.require("no_such_module_of_qasr", "no-such-package", "whisper-en")
    assert "whisper-en needs no-such-package" in str(caught.value)
    assert caught.value.hint == "pip install 'qasr[eval]'"
