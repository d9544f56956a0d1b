"""Text as display words, each knowing which of its characters the aligner will be asked about.

In go a chunk's text; out come words with the space before them and their aligner units. The aligner drops
punctuation, symbols and all spaces; here every character stays: joining the words always gives the text back.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from qasr_cli import languages
from qasr_cli.speech.text.aligner_tokens import AlignerToken, find_units, is_kept

_TOKEN = re.compile(r"\s*\S+")
_DASH = re.compile(r"(?<=\S)(?:[—―⸺]|--+)(?=\S)")  # a word ends after one that has no spaces around it
_OPENING = {"Ps", "Pi"}  # brackets and quotes that belong to the word after them
_OPENING_MARKS = {"¿", "¡"}
_STOPS, _COMMAS = ".!?。！？…؟।", ",;:、，；：—،"
_LETTERS_A_DIGIT = 4
PAUSE_OF_SENTENCE, _PAUSE_OF_COMMA = 3, 1  # letters
_CLOSING = "\"'”’»」』）)]"


@dataclass(frozen=True, slots=True)
class DisplayWord:
    """A word as it is shown, and its aligner units (none when it is punctuation alone)."""

    lead: str
    text: str
    units: tuple[str, ...]


def split(text: str, language: str | None) -> tuple[DisplayWord, ...]:
    """Return the display words of a text; `"".join(word.lead + word.text)` is the text again.

    Words end at spaces and after dashes that stand for one (`yes—no`); in languages written without spaces at
    every unit, with closing punctuation kept on the word before and opening punctuation on the word after.
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


def count_letters(text: str) -> int:
    """Return how many letters and digits a text has to say.

    A letter as wide as two (an ideograph, kana, a Hangul syllable) is a syllable, and counts as two.
    """
    return sum(1 + (unicodedata.east_asian_width(char) in "WF") for char in text if is_kept(char))


def letters_to_say(text: str) -> int:
    """Return how many letters a text has to say: a digit is a word of about four (one, five, zero)."""
    return count_letters(text) + (_LETTERS_A_DIGIT - 1) * sum(char.isdigit() for char in text)


def pause_after(text: str) -> int:
    """Return how long a speaker rests after a word, in letters: at a full stop longer than at a comma."""
    last = text.rstrip(_CLOSING)[-1:]
    if last and last in _STOPS:
        return PAUSE_OF_SENTENCE
    return _PAUSE_OF_COMMA if last and last in _COMMAS else 0


def _starts_at_spaces(text: str, units: Sequence[AlignerToken]) -> list[int]:
    """Return where each word's lead begins; a piece without a unit stays with its neighbour."""
    candidates = sorted({match.start() for match in _TOKEN.finditer(text)} | _dash_ends(text))
    starts: list[int] = []
    has_unit = False
    positions = iter(units)
    unit = next(positions, None)
    for start, end in pairwise([*candidates, len(text)]):
        holds_unit = False
        while unit is not None and unit.start < end:
            holds_unit = True
            unit = next(positions, None)
        if not starts or (holds_unit and has_unit):
            starts.append(start)
        has_unit = has_unit or holds_unit
    return starts or ([0] if text else [])


def _dash_ends(text: str) -> set[int]:
    return {match.end() for match in _DASH.finditer(text)}


def _starts_at_units(text: str, units: Sequence[AlignerToken]) -> list[int]:
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
