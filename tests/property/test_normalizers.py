"""Normalizers: what is normalized stays, marks are kept, nothing of two spellings is left."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qasr_cli.evaluation.normalization import normalizers

# Of each way that steps differ: scripts, letter cases, blanks, commas in numbers, and no speller at all
LANGUAGES = (
    "en",
    "de",
    "fr",
    "zh",
    "yue",
    "ja",
    "ko",
    "th",
    "hi",
    "ar",
    "tr",
    "ru",
    "vi",
    "pt",
    "fa",
    "bn",
    "km",
    "fil",
    None,
)
DIFFICULT = "0123456789,.:'-%$€£ abstndrhIiİıßÉéΣς½²Ⅳ一二两十百千万亿零〇点第年分兩萬乾薴圖٣٫٬٪۲२๒ـيك" + (
    "हिन्दीกรุงเทพ\u0e33가나ﬁ１２（）「」 \u200b\u200d\u00a0"
)
texts = st.one_of(st.text(max_size=12), st.text(alphabet=DIFFICULT, max_size=14))


@pytest.mark.parametrize("name", ["none", "qasr", "qasr+numbers"])
@settings(max_examples=200)
@given(text=texts, language=st.sampled_from(LANGUAGES))
@example(text="İ'ุ", language="fil")  # marks that come together when an apostrophe goes
@example(text="一'万", language="yue")  # a numeral that comes together then
def test_a_normalized_text_stays_as_it_is(name: str, text: str, language: str | None) -> None:
    normalizer = normalizers.get(name)
    once = normalizer.normalize(text, language)
    assert normalizer.normalize(once, language) == once


@given(text=st.text(alphabet="हिन्दीกรุงเทพมُحَمَّدবাংলাமிழ்", max_size=20), language=st.sampled_from(LANGUAGES))
def test_letters_and_marks_are_kept(text: str, language: str | None) -> None:
    plain = unicodedata.normalize("NFKC", text)
    kept = normalizers.get("qasr").normalize(text, language)
    assert kept.replace(" ", "") == plain.replace(" ", "")


@given(text=texts, language=st.sampled_from(LANGUAGES))
def test_case_width_and_blanks_make_no_difference(text: str, language: str | None) -> None:
    normalizer = normalizers.get("qasr")
    plain = normalizer.normalize(text, language)
    assert normalizer.normalize(f"  {text}\n", language) == plain
    assert plain == plain.strip()
    assert "  " not in plain
