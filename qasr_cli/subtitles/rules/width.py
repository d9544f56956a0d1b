"""The width of a text in half cells, which also measures reading time.

In goes text, out come integers. A cell is one Latin letter in Latin text, and one full-width character in
Chinese, Japanese or Korean; with half cells the latter's "Latin counts 0.5" is a whole number. Never uses
times.

Counting: Netflix Timed Text Style Guide, article 115001352212 (spaces and punctuation count; half-width
characters count 0.5 in character-based languages; Thai upper and lower marks count 0).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache

import regex

from qasr_cli import languages

HALF_CELLS_PER_CELL = 2

_CLUSTER = regex.compile(r"\X")  # extended grapheme cluster, UAX #29
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # controls, joiners and bidi marks take no room


class Counting(StrEnum):
    """How cells are counted."""

    CLUSTER = "cluster"  # every visible character
    EAST_ASIAN = "east-asian"  # full-width 1, half-width 0.5; ambiguous (“ … ①) are full-width
    KOREAN = "korean"  # the same, but ambiguous characters are half-width, as Korean fonts draw them


_ALL_ALIKE = Counting.CLUSTER  # a constant, since the attribute of an Enum takes longer than counting
_FULL_WIDTH = {Counting.EAST_ASIAN: {"W", "F", "A"}, Counting.KOREAN: {"W", "F"}}


def clusters(text: str) -> list[str]:
    """Return the grapheme clusters of `text`; joined they are `text`."""
    if text.isascii() and "\r" not in text:
        return list(text)
    return [str(cluster) for cluster in _CLUSTER.findall(text)]


def is_joined(before: str, after: str) -> bool:
    """Whether a grapheme cluster spans the end of one text and the begin of the next."""
    if not before or not after or (before[-1].isascii() and after[0].isascii()):
        return False
    return len(clusters(before + after[0])) == len(clusters(before))


def half_cells(text: str, counting: Counting) -> int:
    """Return the width of `text`: 2 for each full cluster, 1 for each half-width one, 0 for hidden ones."""
    if text.isascii() and text.isprintable():
        return len(text) * (HALF_CELLS_PER_CELL if counting is _ALL_ALIKE else 1)
    return _of_clusters(text, counting)


def lines_half_cells(lines: Sequence[str], counting: Counting) -> int:
    """Return the width of lines as one line: what is read, by the builder's count and by `check`'s alike.

    A break counts as a space even inside a long word, since in a file nothing tells the two apart.
    """
    return half_cells(languages.joined(lines), counting)


@lru_cache(maxsize=65_536)  # speech repeats its words
def _of_clusters(text: str, counting: Counting) -> int:
    return sum(_of_cluster(cluster, counting) for cluster in clusters(unicodedata.normalize("NFC", text)))


def _of_cluster(cluster: str, counting: Counting) -> int:
    visible = [char for char in cluster if unicodedata.category(char) not in _HIDDEN]
    if not visible:
        return 0
    if counting is _ALL_ALIKE:
        return HALF_CELLS_PER_CELL
    # One cluster never costs more than a cell: a family emoji is five code points and one picture.
    return HALF_CELLS_PER_CELL if any(_is_full(char, counting) for char in _base(visible)) else 1


def _is_full(char: str, counting: Counting) -> bool:
    width = unicodedata.east_asian_width(char)
    # Current fonts draw "ambiguous" letters (é, α, я) narrow, but not quotes, dots and signs.
    return width in _FULL_WIDTH[counting] and not (width == "A" and char.isalpha())


def _base(visible: list[str]) -> list[str]:
    """Return the characters that decide a cluster's width; combining marks are all "ambiguous"."""
    bases = [char for char in visible if unicodedata.category(char)[0] != "M"]
    # U+FE0F after a base selects the emoji picture, which is full-width (1️⃣, ☺️).
    return [*bases, "　"] if "\ufe0f" in visible else bases
