"""Text as aligner tokens, with the characters that each token came from.

In go a transcript's text and its language; out come tokens with character offsets. Tokens have letters,
digits and `'` only; with the offsets all other characters stay in the transcript.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from qasr_cli.speech.text import segmenters

_IDEOGRAPHS = (
    *((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F)),
    *((0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0x2F800, 0x2FA1F)),
)  # the ranges that the models' own preprocessing gives a token each

# Marks that separate words without a space: `yes—no`, `and/or`, `well...maybe`, `OK。Python`. The models' own
# preprocessing drops them and joins the words, so that the second one has no time. A full-width mark between
# digits belongs to a number, as a full stop or a comma of Latin script always may.
_PARTING = re.compile(
    r"[\u2012-\u2015\u2e3a\u2e3b/／…⋯]|-{2,}|\.{2,}|(?<!\d)[。．！？，、；：]|[。．！？，、；：](?!\d)"
)
_CURLY_APOSTROPHE = re.compile(r"(?<=\w)[’ʼ＇](?=\w)")  # inside a word; elsewhere it may close a quotation

# A character's effect on the token before it: joins any token, ends it, is a token alone, is left out; the
# other kinds (scripts) join tokens of the same kind.
_JOINS, _ENDS, _ALONE, _DROPPED, _WORD = "joins", "ends", "alone", "dropped", "word"
_PROLONGING = frozenset("ー々ゝゞヽヾ")  # the long vowel and repetition marks continue the sound before them
_INVISIBLE = {"Mn", "Mc", "Me", "Cf"}  # accents written as separate marks, joiners: no place to cut


@dataclass(frozen=True, slots=True)
class AlignerToken:
    """A token with one start and end time, cleaned as the model expects, from characters `[start, end)`."""

    text: str
    start: int
    end: int


def tokenize(text: str, language: str | None) -> list[AlignerToken]:
    """Return the aligner tokens of a text, as the models' own preprocessing makes them.

    Tokens have letters, digits and `'` only; each ideograph is a token; other tokens end at white space, so
    `e-mail` is `email` and `3.5` is `35`. The text is first `prepared` and composed (NFC), so that an accent
    written as a separate mark is not lost. Japanese and Korean are split by the taggers that the models were
    trained with, if these are installed; otherwise Japanese is split where its scripts change and at every
    mark, and Korean at spaces.

    Args:
        text: The recognizer's text.
        language: Code such as `ja`, or None.
    """
    normalized = prepared(text)
    segmented = segmenters.segment(normalized, language)
    if segmented is None:
        return [
            AlignerToken(clean(normalized[start:end]) or normalized[start], start, end)
            for start, end in _spans(normalized, language)
        ]
    return [
        AlignerToken(cleaned, *_without_edge_marks(normalized, word.start, word.end))
        for word in segmented
        if (cleaned := clean(word.text))
    ]


def prepared(text: str) -> str:
    """Return the text, of the same length, with spaces for marks between words and straight apostrophes.

    `don’t` becomes `don't`: the models drop the curly apostrophe, and `don't` works better than `dont`.
    """
    straight = _CURLY_APOSTROPHE.sub("'", text)
    return _PARTING.sub(lambda marks: " " * len(marks[0]), straight)


def clean(text: str) -> str:
    """Return the letters, digits and `'` of a text, composed (NFC), as the model's input."""
    return "".join(char for char in unicodedata.normalize("NFC", text) if is_token_char(char))


def is_token_char(char: str) -> bool:
    """Whether the models' own preprocessing keeps a character."""
    return char == "'" or unicodedata.category(char)[0] in "LN"


def _spans(text: str, language: str | None) -> list[tuple[int, int]]:
    """Return the characters of each token, by script and white space alone."""
    starts: list[int] = []
    ends: list[int] = []
    growing = _ENDS  # the kind of the token that the next character may belong to
    for position, char in enumerate(text):
        kind = _japanese_kind(char, growing) if language == "ja" else _kind(char)
        if kind == _DROPPED:
            if ends and ends[-1] == position and unicodedata.category(char)[0] == "M":
                ends[-1] = position + 1  # an accent belongs to its letter
            continue
        if kind == _JOINS or (kind == growing and kind not in {_ENDS, _ALONE}):
            ends[-1] = position + 1
            continue
        growing = kind
        if kind != _ENDS:
            starts.append(position)
            ends.append(position + 1)
    return list(zip(starts, ends, strict=True))


def _without_edge_marks(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span without the marks at its edges; a span of marks alone (`㈱`) stays whole."""
    positions = [position for position in range(start, end) if is_token_char(text[position])]
    if not positions:
        return start, end
    last = positions[-1] + 1
    while last < end and unicodedata.category(text[last])[0] == "M":
        last += 1
    return positions[0], last


def _is_ideograph(char: str) -> bool:
    return any(first <= ord(char) <= last for first, last in _IDEOGRAPHS)


def _kind(char: str) -> str:
    """Return a character's effect on the token before it."""
    if char.isspace():
        return _ENDS
    if _is_ideograph(char):
        return _ALONE
    return _WORD if is_token_char(char) else _DROPPED


def _japanese_kind(char: str, growing: str) -> str:
    """Return the same for Japanese, where a run of one script is a token and no spaces end it."""
    kind = _kind(char)
    if char in _PROLONGING and growing != _ENDS:
        return _JOINS
    if kind == _WORD:
        return _script(char)
    if kind == _DROPPED and growing != _WORD and unicodedata.category(char) not in _INVISIBLE:
        return _ENDS
    return kind


def _script(char: str) -> str:
    """Return the script of a letter or digit, of those that Japanese mixes."""
    if "\u3040" <= char <= "\u309f":
        return "hiragana"
    if "\u30a0" <= char <= "\u30ff" or "\uff66" <= char <= "\uff9f":
        return "katakana"
    return _WORD
