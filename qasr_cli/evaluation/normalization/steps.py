"""The steps of normalizers: pure functions from text to text.

Each keeps the marks of Devanagari, Thai and Arabic: they are letters' parts, and not decoration.
"""

from __future__ import annotations

import functools
import re
import unicodedata

from qasr_cli import languages

_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ`´ʹ＇", "'"))
_DOTLESS = str.maketrans({"I": "ı", "İ": "i"})  # Turkish and Azerbaijani
_TURKIC = ("tr", "az")
# Another encoding of the same letter, where keyboards differ
_PERSIAN = ("fa", "ur")
_PERSIAN_LETTERS = str.maketrans("يك", "یک")
_TATWEEL = "\u0640"  # lengthens a line
_ARABIC_SEPARATORS = (
    (re.compile(r"(?<=\d)\u066b(?=\d)"), "."),
    (re.compile(r"(?<=\d)\u066c(?=\d)"), ","),
    (re.compile(r"\u066a"), "%"),
)
_OTHER_DIGIT = re.compile(r"(?=\d)[^0-9]")
_RAISED_AFTER_DIGIT = re.compile(r"(?<=\d)(?=[¹²³⁰⁴-⁹₀-₉¼½¾⅐-⅟↉])")
_SPOKEN_SIGNS = set("%‰°")  # and currency signs: they stand for words
_INSIDE_NUMBER = re.compile(r"(?<=\d)[.,:](?=\d)")
_BLANKS = re.compile(r"\s+")
_NO_LETTER = re.compile(r"[^\w\s]|_")


def compatibility(text: str, language: str | None) -> str:
    """Return one encoding: NFKC, by which full-width letters and ligatures become plain ones; digits 0 to 9.

    2½ and 10² stay two numbers. Separators inside Arabic numbers become points and commas, letters of Arabic
    keyboards those of Persian and Urdu, and the sign that lengthens Arabic words goes.
    """
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", _RAISED_AFTER_DIGIT.sub(" ", text)).replace(_TATWEEL, "")
    for sign, plain in _ARABIC_SEPARATORS:
        text = sign.sub(plain, text)
    if language in _PERSIAN:
        text = text.translate(_PERSIAN_LETTERS)
    return _OTHER_DIGIT.sub(lambda match: str(unicodedata.decimal(match[0])), text)


def lower(text: str, language: str | None) -> str:
    """Return lower case; I is ı in Turkish."""
    if language in _TURKIC:
        text = text.translate(_DOTLESS)
    return unicodedata.normalize("NFKC", text.lower())


def apostrophes(text: str, language: str | None) -> str:
    """Return all apostrophes as one."""
    del language
    return text.translate(_APOSTROPHES)


def punctuation(text: str, language: str | None) -> str:
    """Replace punctuation and symbols by blanks; apostrophes inside words and marks inside numbers stay."""
    del language
    kept = _NO_LETTER.sub(_replaced, text)
    return unicodedata.normalize("NFKC", kept)  # marks that came together may need another order


def _replaced(match: re.Match[str]) -> str:
    """Return what stands for a character that is no letter or digit: itself, a blank or nothing."""
    text, at, char = match.string, match.start(), match[0]
    category = unicodedata.category(char)
    if char == "'":
        is_word = 0 < at < len(text) - 1 and _is_of_word(text[at - 1]) and _is_of_word(text[at + 1])
        return char if is_word else " " if at and text[at - 1].isspace() else ""
    if category[0] in "MN" or category == "Sc" or char in _SPOKEN_SIGNS or _INSIDE_NUMBER.match(text, at):
        return char
    return "" if category == "Cf" else " "


def _is_of_word(char: str) -> bool:
    return unicodedata.category(char)[0] in "LM" and not languages.is_unspaced(char)


@functools.cache
def _is_unspaced(language: str | None) -> bool:
    found = languages.find(language) if language else None
    return found is not None and not found.is_spaced


def blanks(text: str, language: str | None) -> str:
    """Return single blanks; none in Chinese, Cantonese, Japanese and Thai, but between two Latin words."""
    text = _BLANKS.sub(" ", text).strip()
    if not _is_unspaced(language):
        return text
    return languages.joined(text.split(" "))
