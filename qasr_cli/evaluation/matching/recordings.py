"""The words of a whole recording, dealt to the utterances of its reference.

In go the utterances of a recording and a system's answer for all of it; out comes an answer for each
utterance. The two texts are aligned as a whole (fewest edits), so that a word at a border counts where it
costs least. Where several places cost the same, and for a word that the reference lacks, the time decides.
Every word goes to exactly one, and the errors of all are those of the whole.
"""

from __future__ import annotations

import bisect
import itertools
import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from rapidfuzz.distance import Indel, Levenshtein

from qasr_cli import languages
from qasr_cli.evaluation.utterances import Answer, TimedWord, Utterance, text_of
from qasr_cli.records import Span

_MAX_CELLS = 250_000  # of a stretch in which nothing is equal, 500 words of both: a tenth of a second
_NEAR_MS = 1_000  # programs place captions and words up to a second off
_LIKE = 0.6  # two references, one of them normalized; texts of other utterances share about a third


def answers(utterances: Sequence[Utterance], whole: Answer, *, is_partial: bool = False) -> list[Answer]:
    """Return the answer to each utterance of one recording.

    A single utterance without a span is the whole recording. Utterances without times are told apart by their
    order, and words without times by the alignment alone.

    Args:
        utterances: Of one recording.
        whole: A system's answer for all of it.
        is_partial: Only parts of the recording have references. A word outside of all is then nobody's,
            unless a reference has it and is not further than a second: times of systems differ.
    """
    if len(utterances) == 1 and _span(utterances[0]) is None:
        return [whole]
    words = whole.words or tuple(_untimed_words(whole))
    spans = [span for utterance in utterances if (span := _span(utterance)) is not None]
    is_cut = is_partial and bool(whole.words or whole.captions)
    if is_cut:
        words = tuple(itertools.compress(words, _near(words, spans, _NEAR_MS)))
    owners, equal = _aligned(utterances, words)
    inside = _near(words, spans, 0) if is_cut else [True] * len(words)
    dealt: list[list[TimedWord]] = [[] for _ in utterances]
    for place, owner in enumerate(_filled(owners, utterances, words)):
        if place in equal or inside[place]:
            dealt[owner].append(words[place])
    return [
        replace(
            whole,
            text=text_of(own),
            words=tuple(own) if whole.words else (),
            captions=(),
            turns=(),
            segments=(),
        )
        for own in dealt
    ]


def _near(words: Sequence[TimedWord], spans: Sequence[Span], margin_ms: int) -> list[bool]:
    """Return for each word whether its middle lies in a span or not further from one than the margin."""
    merged: list[tuple[int, int]] = []
    for span in sorted(spans):
        start_ms, end_ms = span.start_ms - margin_ms, span.end_ms + margin_ms
        if merged and start_ms <= merged[-1][1]:
            start_ms, end_ms = merged[-1][0], max(merged[-1][1], end_ms)
            merged.pop()
        merged.append((start_ms, end_ms))
    near = []
    for word in words:
        middle_ms = (word.start_ms + word.end_ms) // 2
        place = bisect.bisect_right(merged, (middle_ms, math.inf)) - 1
        near.append(place >= 0 and middle_ms <= merged[place][1])
    return near


def is_like(first: str, second: str) -> bool:
    """Whether two texts have more than half of their letters in common, in order."""
    letters = ["".join(filter(str.isalnum, text.casefold())) for text in (first, second)]
    return Indel.normalized_similarity(*letters) >= _LIKE


def _untimed_words(whole: Answer) -> Iterator[TimedWord]:
    """Yield the words of an answer without times of words: those of its captions, spread over each."""
    if not whole.captions:
        yield from (TimedWord(unit, 0, 0) for unit in _units(whole.text))
        return
    for caption in whole.captions:
        units = _units(" ".join(caption.lines))
        start_ms = max(0, caption.start_ms)
        step_ms = max(0, caption.end_ms - start_ms) / max(1, len(units))
        for place, unit in enumerate(units):
            yield TimedWord(unit, start_ms + round(place * step_ms), start_ms + round((place + 1) * step_ms))


def _units(text: str) -> list[str]:
    """Return the words of a text; in scripts without spaces its characters, each with the marks behind it."""
    units: list[str] = []
    for word in text.split():
        is_open = False
        before = ""
        for char in word:
            is_seam = char.isalnum() and (languages.is_unspaced(char) or languages.is_unspaced(before or " "))
            if is_open and not is_seam:
                units[-1] += char
            else:
                units.append(char)
            is_open, before = True, char
    return units


def _span(utterance: Utterance) -> Span | None:
    return None if utterance.audio is None else utterance.audio.span


def _aligned(
    utterances: Sequence[Utterance], words: Sequence[TimedWord]
) -> tuple[list[int | None], set[int]]:
    """Return the place among the utterances of each word's own, and the places of words that are equal."""
    order = sorted(
        range(len(utterances)), key=lambda number: (_span(utterances[number]) or Span(0, 1), number)
    )
    spoken = [(token, number) for number in order for token in _tokens(utterances[number].text)]
    said = [(token, place) for place, word in enumerate(words) for token in _tokens(word.text)]
    owners: list[int | None] = [None] * len(words)
    equal: set[int] = set()
    spans = [_span(utterance) for utterance in utterances]
    for block in _blocks([token for token, _ in said], [token for token, _ in spoken]):
        ours, theirs = said[block.said_start : block.said_end], spoken[block.start : block.end]
        heard = [words[place] for _, place in ours]
        wanted = [spans[number] for _, number in theirs]
        is_open = not block.is_equal and len({number for _, number in theirs}) > 1
        for mine, their in _pairs(heard, wanted, is_open=is_open):
            place = ours[mine][1]
            if owners[place] is None:
                owners[place] = theirs[their][1]
            if block.is_equal:
                equal.add(place)
    return owners, equal


def _pairs(
    words: Sequence[TimedWord], spans: Sequence[Span | None], *, is_open: bool
) -> list[tuple[int, int]]:
    """Return which words and tokens of references belong together, in order.

    Args:
        words: Of a stretch.
        spans: Of the utterance of each token.
        is_open: They differ and the tokens are of several utterances: the times decide.
    """
    if is_open and len(words) * len(spans) <= _MAX_CELLS:
        return _cheapest([[_distance(word, span) for span in spans] for word in words])
    return _spread(len(words), len(spans))


@dataclass(frozen=True, slots=True)
class _Block:
    """A stretch of both texts that is equal, or that differs, as places of tokens."""

    said_start: int
    said_end: int
    start: int
    end: int
    is_equal: bool


def _blocks(said: Sequence[str], spoken: Sequence[str]) -> Iterator[_Block]:
    """Yield the stretches of an alignment with the fewest edits in which both texts have tokens."""
    begun: tuple[int, int] | None = None
    for step in Levenshtein.opcodes(said, spoken):
        if step.tag != "equal":
            begun = begun or (step.src_start, step.dest_start)
            continue
        if begun is not None and begun[0] < step.src_start and begun[1] < step.dest_start:
            yield _Block(begun[0], step.src_start, begun[1], step.dest_start, is_equal=False)
        begun = None
        yield _Block(step.src_start, step.src_end, step.dest_start, step.dest_end, is_equal=True)
    if begun is not None and begun[0] < len(said) and begun[1] < len(spoken):
        yield _Block(begun[0], len(said), begun[1], len(spoken), is_equal=False)


def _spread(n_rows: int, n_columns: int) -> list[tuple[int, int]]:
    """Return pairs of rows and columns, both rising, as many as there can be, spread evenly."""
    if n_rows <= n_columns:
        return [(row, row * n_columns // n_rows) for row in range(n_rows)]
    return [(column * n_rows // n_columns, column) for column in range(n_columns)]


def _cheapest(costs: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Return pairs of rows and columns, both rising, as many as there can be, with the least sum of costs.

    All of them substitute, whichever are chosen: the sum of errors is the same, and the costs decide which
    utterance has them.
    """
    n_rows, n_columns = len(costs), len(costs[0])
    if n_rows > n_columns:
        turned = [[costs[row][column] for row in range(n_rows)] for column in range(n_columns)]
        return [(row, column) for column, row in _cheapest(turned)]
    slack = n_columns - n_rows  # a row takes one of the columns from its own number to `slack` further
    sums = np.zeros(slack + 1, dtype=np.int64)
    taken = np.zeros((n_rows, slack + 1), dtype=np.int32)
    for row in range(n_rows):
        sums = sums + np.asarray(costs[row][row : row + slack + 1], dtype=np.int64)
        best = np.minimum.accumulate(sums)
        is_lower = np.diff(best, prepend=best[0] + 1) < 0
        taken[row] = np.maximum.accumulate(np.where(is_lower, np.arange(slack + 1), 0))
        sums = best
    pairs, offset = [], slack
    for row in reversed(range(n_rows)):
        offset = int(taken[row, offset])
        pairs.append((row, row + offset))
    return pairs[::-1]


def _filled(
    owners: Sequence[int | None], utterances: Sequence[Utterance], words: Sequence[TimedWord]
) -> list[int]:
    """Return the owners; a word without one goes to the nearest of the utterances around it."""
    filled: list[int] = []
    following: list[int | None] = [None] * len(owners)
    after: int | None = None
    for place in reversed(range(len(owners))):
        following[place] = after = owners[place] if owners[place] is not None else after
    before: int | None = None
    for place, owner in enumerate(owners):
        before = owner if owner is not None else before
        if owner is not None:
            filled.append(owner)
            continue
        candidates = [one for one in dict.fromkeys((before, following[place])) if one is not None]
        candidates = candidates or list(range(len(utterances)))
        filled.append(min(candidates, key=lambda one: _distance(words[place], _span(utterances[one]))))
    return filled


def _distance(word: TimedWord, span: Span | None) -> int:
    if span is None:
        return 0
    middle_ms = (word.start_ms + word.end_ms) // 2
    return max(0, span.start_ms - middle_ms, middle_ms - span.end_ms)


def _tokens(text: str) -> list[str]:
    """Return the words of a text in one case, and single characters of scripts without spaces."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return languages.tokens("".join(char if _is_of_word(char) else " " for char in plain))


def _is_of_word(char: str) -> bool:
    return char.isalnum() or char == "'" or unicodedata.category(char)[0] == "M"
