"""Phrases in languages that are written without spaces: Japanese, Chinese, Cantonese and Thai.

In go atoms from any engine (a character in Chinese, a whole clause in Thai); out come atoms of at most one
phrase, marked if they begin a phrase. BudouX finds the phrases: bunsetsu in Japanese, words in the others. It
is small, needs no dictionary, and uses three characters to either side, so a sentence's phrases depend on
nothing outside of it. Atoms of other languages are not changed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from qasr_cli import languages
from qasr_cli.subtitles.layout.text_atom import NOT_AT_END, NOT_AT_START, TextAtom, cut
from qasr_cli.subtitles.rules.function_words import word_set
from qasr_cli.subtitles.rules.limits import HARD_PAUSE_MS, Limits
from qasr_cli.subtitles.rules.width import clusters, half_cells

_UNSPACED_SCRIPTS = frozenset({"CJK", "HIRAGANA", "KATAKANA", "THAI"})
_STOPS = frozenset("。！？!?…")
_TRADITIONAL = frozenset("們這個來說時為會國對過還後學沒點發開關問長見現實經種樣頭話間題動電應")
# Words that BudouX glues to the prefix of the next one; `โครงการ` (project) only looks like them.
_BEFORE_NOUNS = word_set("เรื่อง ของ จาก ใน เพื่อ มี กับ ด้วย ต่อ โดย และ หรือ ถึง ทำ เป็น") | {""}
_LONGEST_RUN = 2_000  # characters that are read at once, so that no text costs more than its length


def cut_at_phrases(atoms: Sequence[TextAtom], language: str | None, limits: Limits) -> list[TextAtom]:
    """Return the atoms cut where phrases begin inside them, in order.

    Args:
        atoms: Atoms of a whole transcript.
        language: Code, or None.
        limits: The counting of widths, by which the time of an atom is shared among its parts.
    """
    entry = languages.find(language) if language else None
    find_phrases = _phrase_finder(entry.code) if entry else None
    if find_phrases is None:
        return list(atoms)
    return [part for run in _runs(atoms) for part in _cut_run(run, find_phrases, limits)]


def _runs(atoms: Sequence[TextAtom]) -> Iterator[list[TextAtom]]:
    """Yield stretches of text that phrases do not cross: up to a space, a full stop or a long silence."""
    run: list[TextAtom] = []
    length = 0
    for atom in atoms:
        before = run[-1] if run else None
        if before is not None and (
            atom.space
            or before.text[-1] in _STOPS
            or before.speaker != atom.speaker
            or atom.start_ms - before.end_ms >= HARD_PAUSE_MS
            or length > _LONGEST_RUN
        ):
            yield run
            run, length = [], 0
        run.append(atom)
        length += len(atom.text)
    if run:
        yield run


def _cut_run(
    run: Sequence[TextAtom], find_phrases: Callable[[str], list[str]], limits: Limits
) -> list[TextAtom]:
    text = "".join(atom.text for atom in run)
    wanted = set(accumulate(len(phrase) for phrase in find_phrases(text)))
    whole = set(accumulate(len(cluster) for cluster in clusters(text)))
    begins = {place for place in wanted & whole if place < len(text) and _may_begin(text, place)}
    parts, first = [], 0
    for atom in run:
        last = first + len(atom.text)
        places = [first, *sorted(place for place in begins if first < place < last), last]
        parts += _cut_atom(replace(atom, begins_phrase=first == 0 or first in begins), places, limits)
        first = last
    return parts


def _cut_atom(atom: TextAtom, places: Sequence[int], limits: Limits) -> list[TextAtom]:
    first = places[0]
    texts = [atom.text[a - first : b - first] for a, b in pairwise(places)]
    if len(texts) == 1 or not all(half_cells(text, limits.counting) for text in texts):
        return [atom]
    head, *rest = cut(atom, texts, limits.counting)
    return [head, *(replace(part, begins_phrase=True) for part in rest)]


def _may_begin(text: str, place: int) -> bool:
    """Return whether a phrase may begin at a place: not inside foreign words or numbers; kinsoku holds."""
    before, after = text[place - 1], text[place]
    if after in NOT_AT_START or before in NOT_AT_END or before.isdigit():
        return False
    return is_unspaced(before) or is_unspaced(after)


def is_unspaced(char: str) -> bool:
    """Return whether a character is of a script that is written without spaces."""
    return languages.script(char) in _UNSPACED_SCRIPTS


def _with_prefixes(phrases: Sequence[str]) -> Iterator[str]:
    """Yield Thai words with the prefix that makes a noun of a verb on that verb (`เรื่อง|การแปลง`)."""
    carried = ""
    for number, phrase in enumerate(phrases):
        whole = carried + phrase
        head = phrase.removesuffix("การ")
        carried = "การ" if head in _BEFORE_NOUNS and head != phrase and number + 1 < len(phrases) else ""
        yield from filter(None, [whole.removesuffix(carried)])
    if carried:
        yield carried


@functools.cache
def _phrase_finder(code: str) -> Callable[[str], list[str]] | None:
    """Return the function that splits a text of a language into phrases; None for one with spaces."""
    if code not in {"ja", "zh", "yue", "th"}:
        return None
    import budoux

    if code == "ja":
        parse: Callable[[str], list[str]] = budoux.load_default_japanese_parser().parse
        return parse
    if code == "th":
        parse_thai = budoux.load_default_thai_parser().parse
        return lambda text: list(_with_prefixes(parse_thai(text)))
    simplified = budoux.load_default_simplified_chinese_parser()
    traditional = budoux.load_default_traditional_chinese_parser()

    def parse_chinese(text: str) -> list[str]:
        # Mandarin is written in both scripts, and each model is trained on one.
        is_traditional = code == "yue" or not _TRADITIONAL.isdisjoint(text)
        phrases: list[str] = (traditional if is_traditional else simplified).parse(text)
        return phrases

    return parse_chinese
