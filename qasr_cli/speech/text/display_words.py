"""Text as display words, each with its aligner tokens.

In goes a chunk's text; out come words with the space before them and their aligner tokens. The aligner drops
punctuation, symbols and all spaces; here every character stays: joining the words always gives the text back.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from qasr_cli import languages
from qasr_cli.speech.text.aligner_tokens import AlignerToken, is_token_char, tokenize

_SPACED_WORD = re.compile(r"\s*\S+")
_DASH = re.compile(r"(?<=\S)(?:[—―⸺]|--+)(?=\S)")  # a word ends after one that has no spaces around it
_OPENING = {"Ps", "Pi"}  # brackets and quotes that belong to the word after them
_OPENING_MARKS = {"¿", "¡"}
_STOPS, _COMMAS = ".!?。！？…؟।", ",;:、，；：—،"
_LETTERS_A_DIGIT = 4
PAUSE_OF_SENTENCE, _PAUSE_OF_COMMA = 3, 1  # letters
_CLOSING = "\"'”’»」』）)]"


@dataclass(frozen=True, slots=True)
class DisplayWord:
    """A word as it is shown, and its aligner tokens (none for punctuation alone)."""

    lead: str
    text: str
    tokens: tuple[str, ...]


def split(text: str, language: str | None) -> tuple[DisplayWord, ...]:
    """Return the display words of a text; `"".join(word.lead + word.text)` is the text again.

    Words end at spaces and after dashes that stand for one (`yes—no`); in languages written without spaces at
    every token, with closing punctuation kept on the word before and opening punctuation on the word after.
    """
    tokens = tokenize(text, language)
    entry = languages.find(language) if language else None
    is_spaced = entry is None or entry.is_spaced
    starts = _starts_at_spaces(text, tokens) if is_spaced else _starts_at_tokens(text, tokens)
    words = []
    last = 0
    for start, end in pairwise([*starts, len(text)]):
        first = last
        while last < len(tokens) and tokens[last].start < end:
            last += 1
        whole = text[start:end]
        shown = whole.lstrip() or whole
        lead = whole[: len(whole) - len(shown)]
        words.append(DisplayWord(lead, shown, tuple(token.text for token in tokens[first:last])))
    return tuple(words)


def count_letters(text: str) -> int:
    """Return how many letters and digits a text has.

    A letter as wide as two (an ideograph, kana, a Hangul syllable) is a syllable, and counts as two.
    """
    return sum(1 + (unicodedata.east_asian_width(char) in "WF") for char in text if is_token_char(char))


def letters_to_say(text: str) -> int:
    """Return the spoken length of a text in letters: a digit counts as four (one, five, zero)."""
    return count_letters(text) + (_LETTERS_A_DIGIT - 1) * sum(char.isdigit() for char in text)


def pause_after(text: str) -> int:
    """Return the pause after a word in letters: longer at a full stop than at a comma."""
    last = text.rstrip(_CLOSING)[-1:]
    if last and last in _STOPS:
        return PAUSE_OF_SENTENCE
    return _PAUSE_OF_COMMA if last and last in _COMMAS else 0


def _starts_at_spaces(text: str, tokens: Sequence[AlignerToken]) -> list[int]:
    """Return where each word's lead begins; a word without a token stays with its neighbour."""
    candidates = sorted({match.start() for match in _SPACED_WORD.finditer(text)} | _dash_ends(text))
    starts: list[int] = []
    has_token = False
    positions = iter(tokens)
    token = next(positions, None)
    for start, end in pairwise([*candidates, len(text)]):
        holds_token = False
        while token is not None and token.start < end:
            holds_token = True
            token = next(positions, None)
        if not starts or (holds_token and has_token):
            starts.append(start)
        has_token = has_token or holds_token
    return starts or ([0] if text else [])


def _dash_ends(text: str) -> set[int]:
    return {match.end() for match in _DASH.finditer(text)}


def _starts_at_tokens(text: str, tokens: Sequence[AlignerToken]) -> list[int]:
    starts = [0] if text else []
    for before, token in pairwise(tokens):
        start = token.start
        while start > before.end and _opens(text[start - 1]):
            start -= 1
        while start > before.end and text[start - 1].isspace():
            start -= 1
        starts.append(start)
    return starts


def _opens(char: str) -> bool:
    return unicodedata.category(char) in _OPENING or char in _OPENING_MARKS
