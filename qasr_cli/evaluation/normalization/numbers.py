"""Numbers, digits or words, as one spelling.

In goes normalized text; out comes the same with its digits as words, by num2words, so that "21" and
"twenty-one" cost nothing. Chinese numerals become digits, by cn2an. Both libraries belong to the extra eval.
Spellings that the libraries do not know stay: "two thousand twenty-four" for 2024, "3.50 dollars" for $3.50.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from qasr_cli.errors import UnavailableError

# Digits with separators of thousands, and decimals, with an English ordinal's ending. In the second, which
# most languages use, a comma stands before decimals, and a point or blank between thousands.
_ENDING = r"((?:st|nd|rd|th)(?![^\W\d_]))?"
_POINT_NUMBER = re.compile(r"(\d{1,3}(?:,\d{3})+(?!\d)|\d+(?:\.\d+)?)" + _ENDING)
_COMMA_NUMBER = re.compile(r"((?:\d{1,3}(?:[. ]\d{3})+(?!\d)|\d+)(?:,\d+)?)" + _ENDING)
_POINT_LANGUAGES = {"en", "ja", "ko", "th", "he", "hi", "ar", "fa", "bn", "kn", "te", "am", "ms", "fil", "cy"}
_WITHOUT_COMMAS = str.maketrans("", "", ",")
_POINTS = str.maketrans({".": "", " ": "", ",": "."})
_MAX_DIGITS = 15  # longer ones are spoken digit by digit
_CHINESE = ("zh", "yue")
_CHINESE_NUMERAL = re.compile(
    r"[\d〇零一二两三四五六七八九幺廿十百千万亿](?:[\d.点〇零一二两三四五六七八九幺廿十百千万亿]*[\d〇零一二两三四五六七八九幺廿十百千万亿])?"
)
_PERCENT = re.compile(r"百分之(\d+(?:\.\d+)?)")
_MAX_NUMERAL = 30  # characters; longer runs are no numerals
_LIBRARY_CODES = {"fil": "", "zh": "", "yue": "", "ms": "id", "nb": "no"}
_INSTALL = "pip install 'qasr[eval]'"
# Whole numbers of four digits that are nearly always years, and spoken so
_YEARS = (range(1_100, 2_000), range(2_010, 2_100))
_AND = re.compile(r"\b(hundred|thousand|million|billion) and\b")
# Signs that stand for a word before or after the number; English, since others inflect it
_ENGLISH_SIGNS = (
    (re.compile(r"\$ ?(\d[\d.,]*)"), r"\1 dollars"),
    (re.compile(r"£ ?(\d[\d.,]*)"), r"\1 pounds"),
    (re.compile(r"€ ?(\d[\d.,]*)"), r"\1 euros"),
    (re.compile(r"(?<=\d) ?%"), " percent"),
    (re.compile(r"\bper cent\b"), "percent"),
)


def is_available() -> bool:
    """Whether the libraries are installed."""
    from importlib.util import find_spec

    return find_spec("num2words") is not None and find_spec("cn2an") is not None


def require() -> None:
    """Refuse to go on without the libraries.

    Raises:
        UnavailableError: They are not installed; the hint says how to get them.
    """
    if not is_available():
        raise UnavailableError("qasr+numbers needs num2words and cn2an, which are not installed", _INSTALL)


def as_words(text: str, language: str | None) -> str:
    """Return a text with its numbers spelled out; where a language is unknown to the library, as it is."""
    if language in _CHINESE:
        return _PERCENT.sub(r"\1%", _CHINESE_NUMERAL.sub(_chinese_digits, text))
    if language == "en":
        for sign, word in _ENGLISH_SIGNS:
            text = sign.sub(word, text)
    speller = _speller(_LIBRARY_CODES.get(language or "", language or ""))
    if speller is not None:
        is_point = language in _POINT_LANGUAGES
        pattern, plain = (_POINT_NUMBER, _WITHOUT_COMMAS) if is_point else (_COMMA_NUMBER, _POINTS)
        text = pattern.sub(lambda match: speller(match[1].translate(plain), match[2] or ""), text)
    return _AND.sub(r"\1", text) if language == "en" else text


@functools.cache
def _speller(code: str) -> Callable[[str, str], str] | None:
    """Return a function from digits and an ordinal ending to words between blanks, if there is one."""
    if not code:
        return None
    from num2words import num2words

    @functools.lru_cache(maxsize=4_096)
    def spell(number: str, ending: str) -> str:
        if len(number) > _MAX_DIGITS:
            digits = (spell(digit, "").strip() for digit in number if digit.isdecimal())
            return f" {' '.join(digits)} {ending}"
        value = float(number) if "." in number else int(number)
        form = "cardinal"
        if code == "en" and ending:
            form, ending = "ordinal", ""
        elif code == "en" and len(number) == 4 and any(value in years for years in _YEARS):
            form = "year"
        try:
            words = str(num2words(value, lang=code, to=form))
        except (ValueError, TypeError, OverflowError, ArithmeticError, LookupError):
            return f" {number} {ending}"  # a number that the library has no words for
        return f" {words.replace('-', ' ').replace(',', ' ')} {ending}"

    try:
        num2words(1, lang=code)
    except NotImplementedError:
        return None
    return spell


def _chinese_digits(match: re.Match[str]) -> str:
    """Return a Chinese numeral in digits: 五十万, 50万 and 500000 are one."""
    import cn2an

    numeral = match[0]
    if len(numeral) > _MAX_NUMERAL or numeral.isascii():
        return numeral
    try:
        value = cn2an.cn2an(numeral, "smart")
    except (ValueError, KeyError, TypeError, IndexError, OverflowError):  # 万一 and others that are words
        return numeral
    is_whole = isinstance(value, int) or float(value).is_integer()
    return str(int(value)) if is_whole else f"{value:f}".rstrip("0")
