"""Text as display words, each knowing which of its characters the aligner will be asked about.

In goes a chunk's text; out come words with the space before them and their aligner units. The aligner drops
punctuation, accents written as separate marks and all spaces; here every character stays: joining the words
always gives the text back.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from qasr_cli import languages

_TOKEN = re.compile(r"(\s*)(\S+)")
_OPENING = {"Ps", "Pi"}  # brackets and quotes that belong to the word after them
_OPENING_MARKS = {"¿", "¡"}
_IDEOGRAPHS = (
    *((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F)),
    *((0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0x2F800, 0x2FA1F)),
)  # the ranges that the models' own preprocessing gives a unit each


# What a character does to the unit before it: joins it whatever it is, ends it, stands alone, is left out;
# of the other kinds (scripts), like goes with like.
_JOINS, _ENDS, _ALONE, _DROPPED, _WORD = "joins", "ends", "alone", "dropped", "word"
_PROLONGING = frozenset("ー々ゝゞヽヾ")  # the long vowel and the repetition marks say the sound before them
_INVISIBLE = {"Mn", "Mc", "Me", "Cf"}  # accents written as separate marks, joiners: no place to cut


@dataclass(frozen=True, slots=True)
class Unit:
    """What the aligner times at once: cleaned as the model expects, from characters `[start, end)`."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class DisplayWord:
    """A word as it is shown, and its aligner units (none when it is punctuation alone)."""

    lead: str
    text: str
    units: tuple[str, ...]


def find_units(text: str, language: str | None) -> list[Unit]:
    """Return the aligner's units of a text, as the models' own preprocessing makes them.

    Letters, digits and `'` are kept and everything else is dropped; ideographs stand alone; other units end
    at white space only, so `e-mail` is `email` and `3.5` is `35`. Japanese, which the models cut with a
    tagger, is cut where its scripts change and at every mark.

    Args:
        text: As the recognizer wrote it.
        language: Code such as `ja`, or None.
    """
    texts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    growing = _ENDS  # the kind of the unit that the next character may belong to
    for position, char in enumerate(text):
        kind = _japanese_kind(char, growing) if language == "ja" else _kind(char)
        if kind == _DROPPED:
            continue
        if kind == _JOINS or (kind == growing and kind not in {_ENDS, _ALONE}):
            texts[-1] += char
            ends[-1] = position + 1
            continue
        growing = kind
        if kind != _ENDS:
            texts.append(char)
            starts.append(position)
            ends.append(position + 1)
    return [Unit(*unit) for unit in zip(texts, starts, ends, strict=True)]


def split(text: str, language: str | None) -> tuple[DisplayWord, ...]:
    """Return the display words of a text; `"".join(word.lead + word.text)` is the text again.

    Words end at spaces; in languages written without them at every unit, with closing punctuation kept on the
    word before and opening punctuation on the word after.
    """
    units = find_units(text, language)
    known = languages.find(language) if language else None
    is_spaced = known is None or known.is_spaced
    starts = _starts_at_spaces(text, units) if is_spaced else _starts_at_units(text, units)
    words = []
    unit = 0
    for start, end in pairwise([*starts, len(text)]):
        first = unit
        while unit < len(units) and units[unit].start < end:
            unit += 1
        piece = text[start:end]
        bare = piece.lstrip() or piece
        lead = piece[: len(piece) - len(bare)]
        words.append(DisplayWord(lead, bare, tuple(mine.text for mine in units[first:unit])))
    return tuple(words)


def _starts_at_spaces(text: str, units: Sequence[Unit]) -> list[int]:
    """Return where each word's lead begins; a token without a unit stays with its neighbour."""
    starts: list[int] = []
    has_unit = False
    positions = iter(units)
    unit = next(positions, None)
    for match in _TOKEN.finditer(text):
        holds_unit = False
        while unit is not None and unit.start < match.end():
            holds_unit = True
            unit = next(positions, None)
        if not starts or (holds_unit and has_unit):
            starts.append(match.start())
        has_unit = has_unit or holds_unit
    return starts or ([0] if text else [])


def _starts_at_units(text: str, units: Sequence[Unit]) -> list[int]:
    starts = [0] if text else []
    for before, unit in pairwise(units):
        start = unit.start
        while start > before.end and _opens(text[start - 1]):
            start -= 1
        while start > before.end and text[start - 1].isspace():
            start -= 1
        starts.append(start)
    return starts


def _opens(char: str) -> bool:
    return unicodedata.category(char) in _OPENING or char in _OPENING_MARKS


def _is_kept(char: str) -> bool:
    return char == "'" or unicodedata.category(char)[0] in "LN"


def _is_ideograph(char: str) -> bool:
    return any(first <= ord(char) <= last for first, last in _IDEOGRAPHS)


def _kind(char: str) -> str:
    """Return what a character does to the unit before it."""
    if char.isspace():
        return _ENDS
    if _is_ideograph(char):
        return _ALONE
    return _WORD if _is_kept(char) else _DROPPED


def _japanese_kind(char: str, growing: str) -> str:
    """Return the same for Japanese, where a run of one script is a unit and no spaces end it."""
    kind = _kind(char)
    if char in _PROLONGING and growing != _ENDS:
        return _JOINS
    if kind == _WORD:
        return _script(char)
    if kind == _DROPPED and growing != _WORD and unicodedata.category(char) not in _INVISIBLE:
        return _ENDS
    return kind


def _script(char: str) -> str:
    """Return which of the scripts that Japanese mixes a letter or digit belongs to."""
    if "\u3040" <= char <= "\u309f":
        return "hiragana"
    if "\u30a0" <= char <= "\u30ff" or "\uff66" <= char <= "\uff9f":
        return "katakana"
    return _WORD


def weights(words: Sequence[DisplayWord]) -> Iterator[int]:
    """Yield how long each word takes to say, relative to the others: its letters, and a breath for a stop."""
    for word in words:
        pause = 3 if word.text[-1] in ".!?。！？…" else 1 if word.text[-1] in ",;:、，" else 0
        yield max(1, count_letters(word.text)) + pause


def count_letters(text: str) -> int:
    """Return how many letters and digits a text has to say.

    A letter as wide as two (an ideograph, kana, a Hangul syllable) is a syllable, and counts as two.
    """
    return sum(1 + (unicodedata.east_asian_width(char) in "WF") for char in text if _is_kept(char))
