"""From words to text atoms, between which a line or a cue may be cut.

In go the words of a transcript from any engine; out come atoms with clean, visible text and possible times.
An atom is usually one word. It is several words if a word cannot stand alone (it is invisible, or its first
character is a mark on the previous word's last), and a part of a word that is wider than a line or, in Thai,
a whole sentence. Never loses or changes a letter, beyond Unicode normalization.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from qasr_cli import languages
from qasr_cli.records import Word
from qasr_cli.subtitles.layout import phrases
from qasr_cli.subtitles.layout.text_atom import (
    IDEOGRAPHIC_SPACE,
    NOT_AT_END,
    NOT_AT_START,
    TextAtom,
    cut,
    is_closing,
)
from qasr_cli.subtitles.rules.limits import Limits
from qasr_cli.subtitles.rules.width import HALF_CELLS_PER_CELL, clusters, half_cells, is_joined

_NO_BREAK_SPACES = "\u00a0\u2007\u202f"
_BREAKING_SPACE = re.compile(rf"[^\S{_NO_BREAK_SPACES}{IDEOGRAPHIC_SPACE}]+")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")  # the others are white space to `\s`
_HYPHENS = "-‐‑'’"
_LONGEST_NAME = 200  # characters: more than half of any line, so that a hostile name costs nothing
_DASHES = "—―⸺"  # between two words that they join (`yes—no`), not after a space


def clean(text: str) -> str:
    """Return `text` in NFC as one line: white space (but no-break spaces) is one space, controls are gone."""
    return unicodedata.normalize("NFC", _CONTROL.sub("", _BREAKING_SPACE.sub(" ", text)))


def split(
    words: Sequence[Word],
    duration_ms: int,
    limits: Limits,
    language: str | None = None,
    names: Mapping[str, str] | None = None,
) -> list[TextAtom]:
    """Return the atoms of all words, in order.

    Args:
        words: Words with any times: outside the media, out of order or empty.
        duration_ms: Times are clipped to it.
        limits: Counting and spacing of the language; no atom is wider than a line.
        language: Code; in languages without spaces no atom is longer than a phrase.
        names: What is shown where a speaker's turn begins, by label; None for nothing.
    """
    timed = _possible_times(_spoken_by_someone(words), duration_ms)
    joined = _join_marks(list(_visible(timed, limits)), limits)
    atoms = phrases.cut_at_phrases(joined, language, limits)
    labels = _labels(atoms, names or {}, limits)
    return [part for atom, label in zip(atoms, labels, strict=True) for part in _fit(atom, label, limits)]


def _labels(atoms: Sequence[TextAtom], names: Mapping[str, str], limits: Limits) -> Iterator[str]:
    """Yield what is shown before each atom: a name where a turn begins.

    It is no wider than half of a line, so that the cue has room for words.
    """
    marks = limits.speakers
    before: str | None = None
    for atom in atoms:
        name = names.get(atom.speaker, "") if atom.speaker is not None and atom.speaker != before else ""
        before = atom.speaker
        shown = clean(name[:_LONGEST_NAME]).strip()
        while shown and half_cells(marks.name(shown), limits.counting) > limits.max_half_cells // 2:
            shown = "".join(clusters(shown.removesuffix("…"))[:-1]).rstrip()
            shown += "…" if shown else ""
        yield marks.name(shown) if shown else ""


def _spoken_by_someone(words: Sequence[Word]) -> Iterator[Word]:
    """Yield words of which one without a speaker goes on with the turn, if there are speakers at all."""
    speaker = next((word.speaker for word in words if word.speaker), None)
    for word in words:
        speaker = word.speaker or speaker
        yield word if word.speaker == speaker else replace(word, speaker=speaker)


def _possible_times(words: Iterable[Word], duration_ms: int) -> Iterator[Word]:
    """Yield words whose starts never decrease, whose ends follow their starts, inside the media."""
    latest_ms = 0
    for word in words:
        start_ms = min(max(word.start_ms, latest_ms), duration_ms)
        end_ms = min(max(word.end_ms, start_ms), duration_ms)
        latest_ms = start_ms
        yield replace(word, start_ms=start_ms, end_ms=end_ms)


def _visible(words: Iterator[Word], limits: Limits) -> Iterator[TextAtom]:
    """Yield an atom for each visible run of characters.

    Invisible characters are added to the next atom, at the end to the last: a word without a visible
    character is counted there, with its joiners and bidi marks.
    """
    last: TextAtom | None = None
    waiting, carried, space = 0, "", ""
    for word in words:
        waiting += 1
        for number, run in enumerate(clean(word.text).split(" ")):
            space = space or (" " if number else _space(word.lead))
            carried += run.strip()
            width = half_cells(carried, limits.counting)
            if width:
                if last is not None:
                    yield last
                last = TextAtom(
                    space, carried, word.start_ms, word.end_ms, width, waiting, speaker=word.speaker
                )
                waiting, carried, space = 0, "", ""
    if last is not None:
        yield replace(last, text=last.text + carried, n_words=last.n_words + waiting)


def _space(lead: str) -> str:
    cleaned = clean(lead)
    visible_spaces = (char for char in cleaned if char in _NO_BREAK_SPACES + IDEOGRAPHIC_SPACE)
    return next(visible_spaces, " " if cleaned else "")


def _join_marks(atoms: list[TextAtom], limits: Limits) -> list[TextAtom]:
    """Put an atom that begins inside a grapheme cluster back on the atom before, and restore lost spaces."""
    joined: list[TextAtom] = []
    for atom in atoms:
        before = joined[-1] if joined else None
        if before is None:
            joined.append(replace(atom, space=""))
        elif not atom.space and is_joined(before.text, atom.text):
            joined[-1] = _merge(before, atom, limits)
        else:
            space = atom.space or _lost_space(before.text, atom.text, limits)
            is_glued = space in _NO_BREAK_SPACES if space else False
            joined.append(replace(atom, space=space, is_glued=is_glued or is_closing(atom.text)))
    return joined


def _merge(before: TextAtom, atom: TextAtom, limits: Limits) -> TextAtom:
    text = unicodedata.normalize("NFC", before.text + atom.text)
    return replace(
        before,
        text=text,
        end_ms=max(before.end_ms, atom.end_ms),
        half_cells=half_cells(text, limits.counting),
        n_words=before.n_words + atom.n_words,
    )


def _lost_space(before: str, after: str, limits: Limits) -> str:
    """Return the space that is missing where two chunks of a spaced language meet: the first has no lead."""
    if not limits.is_spaced or before[-1] in _HYPHENS or after[0] in _HYPHENS or is_closing(after):
        return ""
    if before[-1] in _DASHES and len(before) > 1:
        return ""
    return languages.joint(before, after)  # a Chinese sentence in an English film has none inside


def _fit(atom: TextAtom, label: str, limits: Limits) -> list[TextAtom]:
    """Cut an atom that is wider than a line into parts of about equal width, at clusters.

    The label of the first part leaves less room for all of them.
    """
    room = limits.max_half_cells - half_cells(label, limits.counting)
    parts = [atom]
    if atom.half_cells > room:
        n_parts = -(-atom.half_cells // (room - HALF_CELLS_PER_CELL))
        texts = _cut(atom.text, limits, atom.half_cells / n_parts, room)
        parts = cut(atom, texts, limits.counting)
    if label:
        head = parts[0]
        width = head.half_cells + half_cells(label, limits.counting)
        parts[0] = replace(head, label=label, half_cells=width)
    return parts


def _cut(text: str, limits: Limits, ideal_half_cells: float, room: int) -> list[str]:
    parts, part, width = [], "", 0
    for cluster in clusters(text):
        step = half_cells(cluster, limits.counting)
        may_break = cluster[0] not in NOT_AT_START and (not part or part[-1] not in NOT_AT_END)
        is_full = width + step > room or (width >= ideal_half_cells and may_break)
        if is_full and width:
            parts.append(part)
            part, width = "", 0
        part, width = part + cluster, width + step
    # A no-break space that the cut has come upon is nothing at the edge of a line.
    return [bare for cut in [*parts, part] if (bare := cut.strip())]
