"""The text of captions as atoms, so that existing lines and breaks are checked like those of qasr.

In go captions of a file; out come atoms for the whole file, with the costs of the breaks between them, and
the first atom of each line. Never changes a character.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from qasr_cli import languages
from qasr_cli.records import Caption
from qasr_cli.subtitles.layout import phrases
from qasr_cli.subtitles.layout.break_costs import BreakCosts
from qasr_cli.subtitles.layout.text_atom import TextAtom, is_closing
from qasr_cli.subtitles.rules.function_words import function_words
from qasr_cli.subtitles.rules.limits import Limits
from qasr_cli.subtitles.rules.presets import code_by_script
from qasr_cli.subtitles.rules.width import half_cells, lines_half_cells

_WORD = re.compile(r"[^\s]+(?:[\u00a0\u2007\u202f][^\s]+)*")  # a no-break space keeps its two words one
_DASHES = "-‐‑–—"
_HYPHENS = "-‐‑\u00ad"
_VOICE = re.compile(r"\A\s*<v[\s.]")
_MUSIC = "♩♪♫♬🎵🎶"
_LABEL = re.compile(r"([^.!?:]{1,30}):(?:\s|$)")
_BRACKETED = re.compile(r"[(\[（［][^()\[\]（）［］]*[)\]）］]")
_AT_POINT = re.compile(r"\\(?:pos|move)\s*\(")
_MIN_SHARE = 0.15  # share of a language's function words in a text; a third in English


def guess_language(texts: Sequence[str]) -> str | None:
    """Return the code of the language that a text is in, or None: by its script, then by its small words."""
    code = code_by_script(texts)
    if code != "en":
        return code
    words = [word.strip(".,!?¿¡:;\"'()-") for text in texts for word in text.lower().split()]
    best, best_share = None, _MIN_SHARE
    for language in languages.LANGUAGES:
        kinds = function_words(language.code)
        small = kinds.leaning | kinds.prepositions | kinds.conjunctions
        share = sum(word in small for word in words) / max(len(words), 1)
        if share > best_share:
            best, best_share = language.code, share
    return best


def is_dialogue(caption: Caption) -> bool:
    """Whether lines are turns of several speakers, a sound or a song, whose breaks must not be moved."""
    if len(caption.lines) < 2:
        return False
    return (
        any(map(_begins_turn, caption.lines[1:]))
        or any(map(_VOICE.match, caption.marked[1:]))
        or any(map(_BRACKETED.fullmatch, caption.lines))
    )


def _begins_turn(line: str) -> bool:
    """Whether a line begins with a speaker's dash or name, a sound or a song."""
    label = _LABEL.match(line)
    is_named = label is not None and label[1] == label[1].upper() and any(map(str.isalpha, label[1]))
    return is_named or line[0] in _DASHES + "[" + _MUSIC


def is_hyphenated(lines: Sequence[str]) -> bool:
    """Whether a word is split by a hyphen over two lines: its spelling on one line is unknown."""
    return any(
        len(line) > 1 and line[-1] in _HYPHENS and _is_letter(line[-2]) and following[0].isalpha()
        for line, following in pairwise(lines)
    )


def _is_letter(char: str) -> bool:
    return unicodedata.category(char)[0] in "LM"  # a letter, or a mark that belongs to one


def is_typeset(caption: Caption) -> bool:
    """Whether a caption is a sign at a position in the picture."""
    return _AT_POINT.search(caption.place) is not None


def is_visible(caption: Caption, limits: Limits) -> bool:
    """Whether a caption has a character with a width; marks of direction alone are invisible."""
    return any(half_cells(line, limits.counting) for line in caption.lines)


def width(lines: Sequence[str], limits: Limits) -> int:
    """Return the half cells of a caption's text on one line, which does not depend on its breaks."""
    return lines_half_cells(lines, limits.counting)


@dataclass(frozen=True)
class CaptionText:
    """The atoms of all captions.

    Attributes:
        atoms: In the order of the captions.
        lines: For each caption the first atom of each of its lines, and the atom after its last line.
    """

    atoms: list[TextAtom]
    lines: list[tuple[int, ...]]
    language: str | None

    @cached_property
    def break_costs(self) -> BreakCosts:
        """The costs of the breaks between all atoms."""
        return BreakCosts(self.atoms, self.language)

    def edges(self, caption: int) -> tuple[int, int]:
        """Return `[first, last)` of a caption's atoms."""
        return self.lines[caption][0], self.lines[caption][-1]


def of_captions(
    captions: Sequence[Caption], language: str | None, limits: Limits, *, is_spaced_at_breaks: bool = False
) -> CaptionText:
    """Return the atoms of captions, which are in the order of time: words, or phrases without spaces.

    Args:
        captions: Captions in the order of time.
        language: Code, or None.
        limits: Limits of the captions.
        is_spaced_at_breaks: Each line break inside a caption is a space. In Japanese and Chinese a break
            often stands where otherwise a space or a comma would: lines must not be joined without one.
    """
    words: list[TextAtom] = []
    starts: list[list[int]] = []
    for caption in captions:
        starts.append([])
        for line in caption.lines:
            starts[-1].append(len(words))
            of_line = _of_line(line, caption, limits, words[-1].text if words else "")
            if is_spaced_at_breaks and len(starts[-1]) > 1:
                of_line[:1] = [replace(atom, space=atom.space or " ") for atom in of_line[:1]]
            words += of_line
    atoms = phrases.cut_at_phrases(words, language, limits)
    # Only the first part of a word that was cut counts as a word.
    places = [*(place for place, atom in enumerate(atoms) if atom.n_words), len(atoms)]
    lines, after = [], len(atoms)
    for of_caption in reversed(starts):
        lines.append((*(places[word] for word in of_caption), after))
        after = lines[-1][0]
    return CaptionText(atoms, lines[::-1], language)


def _of_line(line: str, caption: Caption, limits: Limits, before: str) -> list[TextAtom]:
    start_ms, end_ms, counting = caption.start_ms, caption.end_ms, limits.counting
    atoms: list[TextAtom] = []
    end = 0
    for word in _WORD.finditer(line):
        text, gap = word[0], line[end : word.start()]
        end = word.end()
        # Blanks and tabs are one space; another, such as the ideographic one, is the text's own.
        space = (gap if gap.strip(" \t") else " ") if atoms else languages.joint(before, text)
        width = half_cells(text, counting)
        atoms.append(TextAtom(space, text, start_ms, end_ms, width, is_glued=is_closing(text)))
    return atoms
