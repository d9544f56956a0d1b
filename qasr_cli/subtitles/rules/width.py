"""How much room and reading time a text takes, in half cells.

In goes text, out come integers. A cell is what one Latin letter takes where Latin is written, and what one
full-width character takes where Chinese, Japanese or Korean is; half cells keep the latter's "Latin counts
0.5" a whole number. Nothing here knows about time.

Counting: Netflix Timed Text Style Guide, article 115001352212 (spaces and punctuation count; half-width
characters count 0.5 in character-based languages; Thai upper and lower marks count 0).
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from functools import lru_cache

import regex

HALF_CELLS_PER_CELL = 2

_CLUSTER = regex.compile(r"\X")  # extended grapheme cluster, UAX #29
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # controls, joiners and bidi marks take no room


class Counting(StrEnum):
    """What counts as one cell."""

    CLUSTER = "cluster"  # every character that a reader sees
    EAST_ASIAN = "east-asian"  # full-width 1, half-width 0.5; ambiguous (“ … ①) are full-width
    KOREAN = "korean"  # the same, but ambiguous characters are half-width, as Korean fonts draw them


_ALL_ALIKE = Counting.CLUSTER  # by a name of its own, since asking an Enum takes longer than to count
_FULL_WIDTH = {Counting.EAST_ASIAN: {"W", "F", "A"}, Counting.KOREAN: {"W", "F"}}


def clusters(text: str) -> list[str]:
    """Return the grapheme clusters of `text`; joined they are `text`."""
    if text.isascii() and "\r" not in text:
        return list(text)
    return [str(cluster) for cluster in _CLUSTER.findall(text)]


def is_joined(before: str, after: str) -> bool:
    """Return whether a grapheme cluster spans the seam of the two texts (a mark that begins a word)."""
    if not before or not after or (before[-1].isascii() and after[0].isascii()):
        return False
    return len(clusters(before + after[0])) == len(clusters(before))


def half_cells(text: str, counting: Counting) -> int:
    """Return the width of `text`: 2 for each full cluster, 1 for each half-width one, 0 for hidden ones."""
    if text.isascii() and text.isprintable():
        return len(text) * (HALF_CELLS_PER_CELL if counting is _ALL_ALIKE else 1)
    return _of_clusters(text, counting)


@lru_cache(maxsize=65_536)  # speech repeats its words
def _of_clusters(text: str, counting: Counting) -> int:
    return sum(_of_cluster(cluster, counting) for cluster in clusters(unicodedata.normalize("NFC", text)))


def _of_cluster(cluster: str, counting: Counting) -> int:
    seen = [char for char in cluster if unicodedata.category(char) not in _HIDDEN]
    if not seen:
        return 0
    if counting is _ALL_ALIKE:
        return HALF_CELLS_PER_CELL
    # One cluster never costs more than a cell: a family emoji is five code points and one picture.
    return HALF_CELLS_PER_CELL if any(_is_full(char, counting) for char in _base(seen)) else 1


def _is_full(char: str, counting: Counting) -> bool:
    width = unicodedata.east_asian_width(char)
    # "Ambiguous" letters (é, α, я) are drawn narrow by every font of today; quotes, dots and signs are not.
    return width in _FULL_WIDTH[counting] and not (width == "A" and char.isalpha())


def _base(seen: list[str]) -> list[str]:
    """Return the characters that decide a cluster's width; combining marks are all "ambiguous"."""
    bases = [char for char in seen if unicodedata.category(char)[0] != "M"]
    # U+FE0F after a base asks for the emoji picture, which is full-width (1️⃣, ☺️).
    return [*bases, "　"] if "\ufe0f" in seen else bases
