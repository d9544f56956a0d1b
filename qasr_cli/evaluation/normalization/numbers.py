"""Numbers, digits or words, as one spelling.

In goes normalized text; out comes the same with its digits as words, by num2words, so that "21" and
"twenty-one" cost nothing; those of languages of India by indic-numtowords. Chinese numerals become digits.
The libraries belong to the extra eval. What they spell wrongly or as nobody writes it is mended here.
Inflected numerals, ordinals outside English, and Greek, Filipino and Macedonian numbers stay as they are.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec

from qasr_cli.errors import UnavailableError
from qasr_cli.evaluation.normalization import chinese_numbers, english_numbers

# Digits with separators of thousands, and decimals, with an English ending: ordinal or plural. In the second,
# which most languages use, a comma stands before decimals, and a point or blank between thousands. In India
# groups have two digits. `1 000` has a blank in every language.
_ENDING = r"((?:st|nd|rd|th|s)(?![^\W\d_]))?"
_POINT_NUMBER = re.compile(
    r"((?:\d{1,3}(?:,\d{2,3}){0,6},\d{3}(?!\d)|\d{1,3}(?: 000){1,6}(?!\d)|\d+)(?:\.\d+)?)" + _ENDING
)
_COMMA_NUMBER = re.compile(r"((?:\d{1,3}(?:[. ]\d{3}){1,6}(?!\d)|\d+)(?:,\d+)?)" + _ENDING)
_INDIAN_LANGUAGES = {"hi", "bn", "ta", "te", "mr", "gu", "kn", "ml", "pa", "or", "as", "ur", "ne"}
_POINT_LANGUAGES = {"en", "ja", "ko", "th", "he", "ar", "fa", "am", "ms", "fil", "cy"} | _INDIAN_LANGUAGES
_POINTS: dict[int, str] = str.maketrans({",": "", " ": ""})
_COMMAS: dict[int, str] = str.maketrans({".": "", " ": "", ",": "."})
_MAX_DIGITS = 15  # longer ones are spoken digit by digit
_CHINESE = ("zh", "yue")
_LIBRARY_CODES = {"ms": "id", "nb": "no"}
_INSTALL = "pip install 'qasr[eval]'"
# Whole numbers of four digits that are nearly always years, and spoken so
_YEARS = (range(1_100, 2_000), range(2_010, 2_100))
# The word before decimals, which are spoken digit by digit, or in the second group as a number. The library
# speaks 3.5 as 3 and 50 hundredths in Arabic, Turkish and Vietnamese, and forgets the last zero of 3.50.
_DECIMAL_WORDS = {
    "en": "point", "ar": "فاصلة", "tr": "virgül", "vi": "phẩy", "ms": "perpuluhan", "hi": "दशमलव",
    "bn": "দশমিক", "mr": "दशांश", "ur": "اعشاریہ", "ta": "புள்ளி", "te": "పాయింట్", "de": "komma",
    "nl": "komma", "sv": "komma", "da": "komma", "fi": "pilkku", "id": "koma", "ko": "점",
    "th": "จุด", "ja": "点",
}  # fmt: skip
_DECIMALS_AS_NUMBER = {"fr": "virgule", "es": "coma", "pt": "vírgula", "it": "virgola", "ro": "virgulă"}
_TURKISH_NUMERALS = re.compile(
    "altmış|altı|bin|bir|beş|dokuz|doksan|dört|elli|iki|kırk|milyon|milyar|on|otuz|sekiz|seksen|sıfır|trilyon|üç|"
    "yedi|yetmiş|yirmi|yüz"
)
# What num2words 0.5.14 spells otherwise than it is written, by language: pattern, replacement
_MENDED: Mapping[str, tuple[tuple[re.Pattern[str], str], ...]] = {
    "ar": (
        (re.compile(r"\bو "), "و"),  # "and" is part of the next word
        (re.compile(r"مئتا$"), "مئتان"),  # the form without a noun
        (re.compile(r"ألفا$"), "ألفان"),
    ),
    "da": ((re.compile(r"\ben millioner\b"), "en million"),),
    "ms": (
        (re.compile(r"\bdelapan\b"), "lapan"),
        (re.compile(r"\bnol\b"), "sifar"),
    ),  # the speller is Indonesian
    "nl": ((re.compile(r"\béén\b"), "een"),),  # the accent is emphasis
    "sv": ((re.compile(r"etttusen"), "ettusen"),),
    "tr": ((_TURKISH_NUMERALS, r"\g<0> "),),  # words of their own
    "vi": (
        (re.compile(r"\b(nghìn|triệu|tỷ) lẻ (?=mười|\w+ mươi)"), r"\1 không trăm "),
        (re.compile(r"\b(nghìn|triệu|tỷ) lẻ "), r"\1 không trăm lẻ "),
    ),
}


def is_available() -> bool:
    """Whether the libraries are installed."""
    return all(find_spec(module) is not None for module in ("num2words", "cn2an", "indic_numtowords"))


def require() -> None:
    """Refuse to go on without the libraries.

    Raises:
        UnavailableError: They are not installed; the hint says how to get them.
    """
    if not is_available():
        raise UnavailableError(
            "qasr+numbers needs num2words, cn2an and indic-numtowords, which are not all installed", _INSTALL
        )


def as_words(text: str, language: str | None) -> str:
    """Return a text with its numbers spelled out; where a language is unknown to the libraries, as it is."""
    if language in _CHINESE:
        return chinese_numbers.as_digits(text)
    if language == "en":
        text = english_numbers.signs_as_words(text)
    speller = _speller(language or "")
    if speller is not None:
        is_point = language in _POINT_LANGUAGES
        pattern, plain = (_POINT_NUMBER, _POINTS) if is_point else (_COMMA_NUMBER, _COMMAS)
        text = pattern.sub(lambda match: _spelled(match, plain, speller, language == "en"), text)
    return english_numbers.one_spelling(" ".join(text.split())) if language == "en" else text


def _spelled(
    match: re.Match[str], plain: dict[int, str], speller: Callable[[str, str], str], is_english: bool
) -> str:
    number, ending = match[1].translate(plain), match[2] or ""
    form = ""
    if is_english and ending:
        form, ending = ("plural" if ending == "s" else "ordinal"), ""
    if is_english and form != "ordinal" and match[1].isdecimal() and len(number) == 4:
        form = f"year {form}"
    return f" {speller(number, form)} {ending}"


@functools.cache
def _speller(language: str) -> Callable[[str, str], str] | None:
    """Return a function from digits and an English form to words, if a library has one."""
    code = _LIBRARY_CODES.get(language, language)
    cardinal = _of_india(code) if code in _INDIAN_LANGUAGES else _of_num2words(code)
    return None if cardinal is None else functools.lru_cache(maxsize=4_096)(_Speller(language, cardinal))


@dataclass(frozen=True, slots=True)
class _Speller:
    """Spells the numbers of a language.

    Attributes:
        cardinal: A library's function from a number and its form to words.
    """

    language: str
    cardinal: Callable[[str, str], str]

    def __call__(self, number: str, form: str) -> str:
        """Return a number in words."""
        whole, point, places = number.partition(".")
        if point:
            return self._decimal(number, whole, places, form)
        if len(whole) > _MAX_DIGITS or (len(whole) > 1 and whole[0] == "0"):
            return self._one_by_one(whole)  # 007, and numbers of telephones
        return self._by_library(number, whole, form) or number  # one that the library has no words for

    def _decimal(self, number: str, whole: str, places: str, form: str) -> str:
        as_number = _DECIMALS_AS_NUMBER.get(self.language)
        word = _DECIMAL_WORDS.get(self.language) or as_number
        if word or len(number) > _MAX_DIGITS:
            is_number = as_number is not None and places[0] != "0"
            spoken = self(places, "") if is_number else self._one_by_one(places)
            return f"{self(whole, '')} {word or ''} {spoken}"
        return self._by_library(number, whole, form) or f"{self(whole, '')} {self._one_by_one(places)}"

    def _one_by_one(self, digits: str) -> str:
        return " ".join(self(digit, "") for digit in digits)

    def _by_library(self, number: str, whole: str, form: str) -> str:
        """Return the library's words as they are written; "" if it has none."""
        try:
            words = self.cardinal(number, _library_form(whole, form))
        except (ValueError, TypeError, OverflowError, ArithmeticError, LookupError):
            return ""
        for pattern, right in _MENDED.get(self.language, ()):
            words = pattern.sub(right, words)
        words = words.replace("-", " ").replace(",", " ").strip()
        return english_numbers.plural(words) if "plural" in form else words


def _library_form(whole: str, form: str) -> str:
    if "year" in form and any(int(whole) in years for years in _YEARS):
        return "year"
    return "ordinal" if form == "ordinal" else "cardinal"


def _of_india(code: str) -> Callable[[str, str], str]:
    from indic_numtowords import num2words

    return lambda number, form: str(num2words(int(number), lang=code))


def _of_num2words(code: str) -> Callable[[str, str], str] | None:
    if not code:
        return None
    from num2words import CONVERTER_CLASSES, num2words

    if code not in CONVERTER_CLASSES:  # the library would take Finnish for fil
        return None
    return lambda number, form: str(
        num2words(float(number) if "." in number else int(number), lang=code, to=form)
    )
