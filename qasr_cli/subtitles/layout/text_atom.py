"""Text atoms: text that no line break may cut, and the splitting of an atom that is too long.

In go an atom and the texts to split it into; out come atoms that share its time by their width. The
characters that must not begin or end a line (kinsoku) are listed here, too.
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
        space: Text between it and the atom before ("" in Chinese, inside a long word); dropped at a break.
        half_cells: Width of `label` and `text`.
        n_words: Number of the transcript's words that begin in it; 0 for the later parts of a long word.
        is_glued: A break before it is wrong (no-break space, lone punctuation).
        begins_phrase: Whether a phrase begins with it or continues; None if unknown.
        speaker: Label of its speaker; None if speakers are not told apart.
        label: What is shown before the first atom of a speaker's turn: the name, with its brackets.
    """

    space: str
    text: str
    start_ms: int
    end_ms: int
    half_cells: int
    n_words: int = 1
    is_glued: bool = False
    begins_phrase: bool | None = None
    speaker: str | None = None
    label: str = ""


def is_closing(text: str) -> bool:
    """Whether a text is punctuation that belongs to the atom before ("?" after a French space)."""
    return text[0] in NOT_AT_START and not any(char.isalnum() for char in text)


def cut(atom: TextAtom, texts: Sequence[str], counting: Counting) -> list[TextAtom]:
    """Return an atom as several, one for each of `texts`, which joined are its text but for lost spaces.

    The first keeps what belongs to the beginning: the space, the words, `is_glued`.
    """
    length_ms = atom.end_ms - atom.start_ms
    done, start_ms, parts = 0, atom.start_ms, []
    for text in texts:
        width = half_cells(text, counting)
        done = min(done + width, atom.half_cells)
        end_ms = atom.start_ms + length_ms * done // max(atom.half_cells, 1)
        parts.append(
            TextAtom("", text, start_ms, end_ms, width, n_words=0, begins_phrase=False, speaker=atom.speaker)
        )
        start_ms = end_ms
    first = parts[0]
    parts[0] = replace(atom, text=first.text, end_ms=first.end_ms, half_cells=first.half_cells)
    return parts
