"""The unit: a piece of text that a line or a cue is cut before and after, and how one is cut in two.

In go units and the texts that one is to become; out come units that share its time by their width. What a
line must not begin or end with is said here too (kinsoku).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from qasr_cli.subtitles.rules.width import Counting, half_cells

IDEOGRAPHIC_SPACE = "　"
# A line must not begin with these (JIS X 4051; UAX #14 classes CL, CP, EX, IS, NS; Netflix ja, zh).
NOT_AT_START = frozenset(
    "、。，．！？：；」』）】〉》〕］｝’”…‥・ー々ゝゞヽヾっゃゅょゎぁぃぅぇぉッャュョヮァィゥェォ,.!?:;)]}%،؛؟।॥»ๆฯ"
)
NOT_AT_END = frozenset("「『（【〈《〔［｛‘“([{«¿¡")


@dataclass(frozen=True, slots=True)
class TextAtom:
    """Text that is never cut.

    Attributes:
        space: What separates it from the unit before ("" in Chinese, inside a long word); dropped at a break.
        half_cells: Width of `text`.
        n_words: How many of the transcript's words begin in it; 0 for the later parts of a long word.
        is_glued: A break before it is wrong (no-break space, lone punctuation).
        begins_phrase: A phrase begins with it, or goes on; None where nobody knows.
    """

    space: str
    text: str
    start_ms: int
    end_ms: int
    half_cells: int
    n_words: int = 1
    is_glued: bool = False
    begins_phrase: bool | None = None


def is_closing(text: str) -> bool:
    """Say whether a text is punctuation that belongs to the unit before ("?" after a French space)."""
    return text[0] in NOT_AT_START and not any(char.isalnum() for char in text)


def cut(unit: TextAtom, texts: Sequence[str], counting: Counting) -> list[TextAtom]:
    """Return a unit as several, one for each of `texts`, which joined are its text but for lost spaces.

    All that is true of its beginning stays with the first: the space, the words, the glue.
    """
    length_ms = unit.end_ms - unit.start_ms
    done, start_ms, parts = 0, unit.start_ms, []
    for text in texts:
        width = half_cells(text, counting)
        done = min(done + width, unit.half_cells)
        end_ms = unit.start_ms + length_ms * done // max(unit.half_cells, 1)
        parts.append(TextAtom("", text, start_ms, end_ms, width, n_words=0, begins_phrase=False))
        start_ms = end_ms
    first = parts[0]
    parts[0] = replace(unit, text=first.text, end_ms=first.end_ms, half_cells=first.half_cells)
    return parts
