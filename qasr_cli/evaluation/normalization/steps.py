"""The steps of normalizers: pure functions from text to text.

Each keeps the marks of Devanagari, Thai and Arabic: they are letters' parts, and not decoration.
"""

from __future__ import annotations

import re
import unicodedata

from qasr_cli import languages

_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ`´ʹ＇", "'"))
_DOTLESS = str.maketrans({"I": "ı", "İ": "i"})  # Turkish and Azerbaijani
_TURKIC = ("tr", "az")
_UNSPACED = ("zh", "yue", "ja", "th")
_SPOKEN_SIGNS = set("%‰°")  # and currency signs: they stand for words
_INSIDE_NUMBER = re.compile(r"(?<=\d)[.,:](?=\d)")
_BLANKS = re.compile(r"\s+")
_NO_LETTER = re.compile(r"[^\w\s]|_")


def compatibility(text: str, language: str | None) -> str:
    """Return NFKC: full-width letters and ligatures become plain ones."""
    del language
    return unicodedata.normalize("NFKC", text)


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
    return unicodedata.category(char)[0] in "LM"


def blanks(text: str, language: str | None) -> str:
    """Return single blanks; none in Chinese, Cantonese, Japanese and Thai, but between two Latin words."""
    text = _BLANKS.sub(" ", text).strip()
    if language not in _UNSPACED:
        return text
    parts = text.split(" ")
    joined = parts[0]
    for part in parts[1:]:
        joined += languages.joint(joined, part) + part
    return joined
