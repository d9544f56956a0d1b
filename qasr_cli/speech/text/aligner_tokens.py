"""Text as aligner tokens: what the model reads, and which characters each token came from.

In go a transcript's text and its language; out come tokens with character offsets. The aligner wants letters,
digits and `'` and nothing else; the offsets are how everything that it does not want stays in the transcript.
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

# Marks that part words although no space does: `yes—no`, `and/or`, `well...maybe`, `OK。Python`. The models'
# own preprocessing drops them and glues what they part, and the second word gets no time. A full-width mark
# between digits belongs to a number, as a full stop or a comma of Latin script always may.
_PARTING = re.compile(
    r"[\u2012-\u2015\u2e3a\u2e3b/／…⋯]|-{2,}|\.{2,}|(?<!\d)[。．！？，、；：]|[。．！？，、；：](?!\d)"
)
_CURLY_APOSTROPHE = re.compile(r"(?<=\w)[’ʼ＇](?=\w)")  # inside a word; elsewhere it may close a quotation

# What a character does to the token before it: joins it whatever it is, ends it, stands alone, is left out;
# of the other kinds (scripts), like goes with like.
_JOINS, _ENDS, _ALONE, _DROPPED, _WORD = "joins", "ends", "alone", "dropped", "word"
_PROLONGING = frozenset("ー々ゝゞヽヾ")  # the long vowel and the repetition marks say the sound before them
_INVISIBLE = {"Mn", "Mc", "Me", "Cf"}  # accents written as separate marks, joiners: no place to cut


@dataclass(frozen=True, slots=True)
class AlignerToken:
    """What gets one start and one end: cleaned as the model expects, from characters `[start, end)`."""

    text: str
    start: int
    end: int


def tokenize(text: str, language: str | None) -> list[AlignerToken]:
    """Return the aligner tokens of a text, as the models' own preprocessing makes them.

    Letters, digits and `'` are kept and everything else is dropped; ideographs stand alone; other tokens end
    at white space, so `e-mail` is `email` and `3.5` is `35`. It reads `prepared` text, composed (NFC): an
    accent written as a mark of its own is not lost. Japanese and Korean are cut by the taggers that the
    models were trained with where those are installed; otherwise Japanese is cut where its scripts change and
    at every mark, and Korean at spaces.

    Args:
        text: As the recognizer wrote it.
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
        AlignerToken(cleaned, *_kept_span(normalized, word.start, word.end))
        for word in segmented
        if (cleaned := clean(word.text))
    ]


def prepared(text: str) -> str:
    """Return the text, as long as before, with spaces for marks that part words and straight apostrophes.

    `don’t` is read as `don't`: the models drop the curly one, and know the straight one better than `dont`.
    """
    straight = _CURLY_APOSTROPHE.sub("'", text)
    return _PARTING.sub(lambda marks: " " * len(marks[0]), straight)


def clean(text: str) -> str:
    """Return the letters, digits and `'` of a text, composed (NFC): what the model is given."""
    return "".join(char for char in unicodedata.normalize("NFC", text) if is_kept(char))


def is_kept(char: str) -> bool:
    """Whether the models' own preprocessing keeps a character."""
    return char == "'" or unicodedata.category(char)[0] in "LN"


def _spans(text: str, language: str | None) -> list[tuple[int, int]]:
    """Return which characters each token is made of, by script and white space alone."""
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


def _kept_span(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span without the marks at its edges, or whole if it is nothing else (`㈱`)."""
    kept = [position for position in range(start, end) if is_kept(text[position])]
    if not kept:
        return start, end
    last = kept[-1] + 1
    while last < end and unicodedata.category(text[last])[0] == "M":
        last += 1
    return kept[0], last


def _is_ideograph(char: str) -> bool:
    return any(first <= ord(char) <= last for first, last in _IDEOGRAPHS)


def _kind(char: str) -> str:
    """Return what a character does to the token before it."""
    if char.isspace():
        return _ENDS
    if _is_ideograph(char):
        return _ALONE
    return _WORD if is_kept(char) else _DROPPED


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
    """Return which of the scripts that Japanese mixes a letter or digit belongs to."""
    if "\u3040" <= char <= "\u309f":
        return "hiragana"
    if "\u30a0" <= char <= "\u30ff" or "\uff66" <= char <= "\uff9f":
        return "katakana"
    return _WORD
