"""Numbers, digits or words, as one spelling.

In goes normalized text; out comes the same with its digits as words, by num2words, so that "21" and
"twenty-one" cost nothing. Chinese numerals become digits, by cn2an. Both libraries belong to the extra eval.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from qasr_cli.errors import UnavailableError

_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?!\d)|\d+(?:\.\d+)?")
_MAX_DIGITS = 15  # longer ones are spoken digit by digit
_CHINESE = ("zh", "yue")
_LIBRARY_CODES = {"fil": "tl", "pt": "pt", "zh": "", "yue": "", "ms": "id"}
_INSTALL = "pip install 'qasr[eval]'"


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
        return _chinese_digits(text)
    speller = _speller(_LIBRARY_CODES.get(language or "", language or ""))
    if speller is None:
        return text
    return _NUMBER.sub(lambda match: f" {speller(match[0].replace(',', ''))} ", text)


@functools.cache
def _speller(code: str) -> Callable[[str], str] | None:
    if not code:
        return None
    from num2words import num2words

    @functools.lru_cache(maxsize=4_096)
    def spell(number: str) -> str:
        if len(number) > _MAX_DIGITS:
            return " ".join(spell(digit) for digit in number if digit.isdecimal())
        value = float(number) if "." in number else int(number)
        return str(num2words(value, lang=code)).replace("-", " ").replace(",", " ")

    try:
        spell("1")
    except (NotImplementedError, ValueError, TypeError, KeyError):
        return None
    return spell


def _chinese_digits(text: str) -> str:
    import cn2an

    try:
        return str(cn2an.transform(text, "cn2an"))
    except (ValueError, KeyError, TypeError):  # a numeral that is none
        return text
