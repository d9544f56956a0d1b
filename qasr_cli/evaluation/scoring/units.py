"""What an error rate counts: words, characters, or both.

In goes a normalized text; out come its units. Which rates a language has follows the release of Qwen3-ASR:
CER for Chinese, Cantonese and Korean; qasr adds Japanese, Thai and all other languages without blanks between
words. Korean has three, since its spacing is not fixed.
"""

from __future__ import annotations

from collections.abc import Sequence

from qasr_cli import languages
from qasr_cli.evaluation.figures import Unit

_KOREAN = "ko"


def of_language(language: str | None) -> tuple[Unit, ...]:
    """Return the rates of a language, the main one first."""
    if language == _KOREAN:
        return (Unit.CHARACTER, Unit.CHARACTER_AND_BLANK, Unit.WORD)
    found = languages.find(language) if language else None
    if found is not None and not found.is_spaced:
        return (Unit.CHARACTER, Unit.MIXED)
    return (Unit.WORD, Unit.CHARACTER_AND_BLANK)


def split(text: str, unit: Unit) -> list[str]:
    """Return the units of a normalized text."""
    if unit is Unit.WORD:
        return text.split()
    if unit is Unit.CHARACTER:
        return [char for char in text if not char.isspace()]
    if unit is Unit.CHARACTER_AND_BLANK:
        return list(text)
    return _mixed(text)


def _mixed(text: str) -> list[str]:
    """Return Han, kana, hangul and Thai by character, the rest by word."""
    return languages.tokens(text, lambda char: languages.is_unspaced(char) or "\uac00" <= char <= "\ud7a3")


def join(units: Sequence[str], unit: Unit) -> str:
    """Return units as a text, for people."""
    return ("" if unit in {Unit.CHARACTER, Unit.CHARACTER_AND_BLANK} else " ").join(units)
