"""Which word of a script was heard as which word of a recording.

In go two word lists; out comes, for each word of the script, the place of the word that was heard for it, or
None. Runs of words that occur once in both lists fasten the two together, and between them the best pairing
is searched; where a long stretch only repeats itself, both lists are cut in two first. A repeated or cut
passage cannot derail it, since no pairing crosses another and what fits nowhere pairs with nothing. Pure;
memory grows with the longest stretch between two fastenings, up to a limit.
"""

from __future__ import annotations

import itertools
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from qasr_cli.speech.script import halving

_RUNS = (4, 3, 2, 1)  # words in a row that fasten script and recording, surest first
_MAX_CELLS = 25_000_000  # of one exhaustive search (25 MB); a wider gap is cut in two
_EQUAL, _ALIKE, _OTHER, _MISSING = 3, 1, -1, -1  # scores of a pairing, and of a word without a partner
_ALIKE_SHARE = 0.5  # of letter pairs in common: "colour" and "color", "Meyer" and "Meier"
_PAIR, _SKIP_HEARD, _SKIP_SCRIPT = 0, 1, 2
_WINDOW = 11  # words; in so many of a passage that is read, most are heard as written …
_LEAST_AGREEMENT = 0.4  # … and in two unrelated texts a fifth to a third are the same by chance
_SHORTEST_FOREIGN = 6
_LARGEST_ISLAND = 2  # words that are the same by chance ("is", "a") amid a passage that is not read …
_NEAREST_SHORE = 3  # … and so many words without a partner on either side: fewer were only not heard
_LONGEST_UNLIKE_RUN = 4  # so many strangers in a row are misheard words; more are another text

Pairing = list[int | None]


def normalize(word: str) -> str:
    """Return what decides whether two words are the same: letters, digits and marks, case folded."""
    folded = unicodedata.normalize("NFKC", word).casefold()
    return "".join(char for char in folded if unicodedata.category(char)[0] in "LNM")


def pair(script: Sequence[str], heard: Sequence[str]) -> Pairing:
    """Return for each script word the index of the heard word it pairs with, or None.

    Pairs are in order: a later script word never pairs with an earlier heard word.

    Args:
        script: Words as :func:`normalize` makes them.
        heard: The recording's words, likewise.
    """
    pairing: Pairing = [None] * len(script)
    _fill(script, heard, pairing)
    _unpair_strangers(script, heard, pairing)
    _unpair_coincidences(script, heard, pairing)
    _unpair_edges(script, heard, pairing)
    _unpair_islands(pairing)
    return pairing


def _fill(script: Sequence[str], heard: Sequence[str], pairing: Pairing) -> None:
    """Fasten, then fill the gaps; they wait on a stack, so that a long script cannot exhaust Python's."""
    waiting = [((0, len(script)), (0, len(heard)), 0)]
    while waiting:
        (begin, end), (first, last), level = waiting.pop()
        if begin == end or first == last:
            continue
        fastened: list[tuple[int, int]] = []
        while level < len(_RUNS) and not fastened:
            fastened = _fastenings(script[begin:end], heard[first:last], _RUNS[level])
            level += 1
        if fastened:
            edges = [(-1, -1), *fastened, (end - begin, last - first)]
            for (a, b), (next_a, next_b) in itertools.pairwise(edges):
                waiting.append(((begin + a + 1, begin + next_a), (first + b + 1, first + next_b), level))
        elif (end - begin) * (last - first) <= _MAX_CELLS:
            fastened = _best(script[begin:end], heard[first:last])
        elif places := halving.cut(script[begin:end], heard[first:last]):
            middle, partner = begin + places[0], first + places[1]
            # what occurs several times in the whole may occur once in a half
            waiting += [((begin, middle), (first, partner), 0), ((middle, end), (partner, last), 0)]
        for place, match in fastened:
            pairing[begin + place] = first + match


def _fastenings(script: Sequence[str], heard: Sequence[str], n: int) -> list[tuple[int, int]]:
    """Return pairs of places in order where the same `n` words stand that occur once in either list."""
    once_there = _once(heard, n)
    found = [(place, once_there[run]) for run, place in _once(script, n).items() if run in once_there]
    words = {(place + i, partner + i) for place, partner in _longest_rising(sorted(found)) for i in range(n)}
    return _longest_rising(sorted(words))


def _once(words: Sequence[str], n: int) -> dict[tuple[str, ...], int]:
    runs = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    count = Counter(runs)
    return {run: place for place, run in enumerate(runs) if count[run] == 1}


def _longest_rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest run that rises in both, from pairs sorted by the first (patience sorting)."""
    tails: list[int] = []  # the smallest partner that ends a rising run of each length
    ends: list[int] = []  # and whose it is
    before: list[int] = []
    for index, (place, partner) in enumerate(pairs):
        at = bisect_left(tails, partner)
        # of pairs with one and the same place only one may stay
        while at and pairs[ends[at - 1]][0] == place:
            at -= 1
        before.append(ends[at - 1] if at else -1)
        if at == len(tails):
            tails.append(partner)
            ends.append(index)
        elif partner < tails[at]:
            tails[at], ends[at] = partner, index
    run = []
    index = ends[-1] if ends else -1
    while index >= 0:
        run.append(pairs[index])
        index = before[index]
    return run[::-1]


def _best(script: Sequence[str], heard: Sequence[str]) -> list[tuple[int, int]]:
    """Return the pairs of the best pairing of two short lists (Needleman and Wunsch 1970)."""
    n, m = len(script), len(heard)
    way = np.zeros((n + 1, m + 1), np.uint8)
    way[0, 1:], way[1:, 0] = _SKIP_HEARD, _SKIP_SCRIPT
    columns = np.arange(m + 1) * _MISSING
    best = columns.copy()
    words, number = np.unique(np.array(heard, dtype=object), return_inverse=True)
    rows: dict[str, np.ndarray] = {}
    for i, word in enumerate(script, 1):
        if word not in rows:
            rows[word] = np.array([_score(word, other) for other in words])[number]
        scores = rows[word]
        paired = np.concatenate([[-(1 << 30)], best[:-1] + scores])
        skipped = best + _MISSING
        without_skips = np.maximum(paired, skipped)
        # the best way into a column along the row: a running maximum, each step costing a heard word
        row = np.maximum.accumulate(without_skips - columns) + columns
        way[i] = np.where(row > without_skips, _SKIP_HEARD, np.where(paired >= skipped, _PAIR, _SKIP_SCRIPT))
        best = row
    pairs = []
    i, j = n, m
    while i and j:
        step = way[i, j]
        if step == _PAIR:
            pairs.append((i - 1, j - 1))
        i -= step != _SKIP_HEARD
        j -= step != _SKIP_SCRIPT
    return pairs[::-1]


@lru_cache(maxsize=1 << 16)
def _score(word: str, other: str) -> int:
    if word == other:
        return _EQUAL
    return _ALIKE if alike(word, other) else _OTHER


def alike(word: str, other: str) -> bool:
    """Return whether two normalized words share half of their letter pairs."""
    return likeness(word, other) >= _ALIKE_SHARE


def likeness(word: str, other: str) -> float:
    """Return the share of letter pairs that two normalized words have in common (Dice's coefficient)."""
    if not word or not other:
        return 0.0
    mine, theirs = _letter_pairs(word), _letter_pairs(other)
    return 2 * sum((mine & theirs).values()) / (mine.total() + theirs.total())


@lru_cache(maxsize=1 << 14)
def _letter_pairs(word: str) -> Counter[str]:
    fenced = f"^{word}$"
    return Counter(fenced[i : i + 2] for i in range(len(fenced) - 1))


def _unpair_strangers(script: Sequence[str], heard: Sequence[str], pairing: Pairing) -> None:
    """Take apart long runs of pairs that have nothing in common: a dropped passage beside an inserted one."""
    run: list[int] = []
    for place in range(len(script) + 1):
        partner = pairing[place] if place < len(script) else None
        if partner is not None and _are_strangers(script, heard, pairing, place):
            run.append(place)
            continue
        if partner is None and place < len(script):
            continue  # a word without a partner neither ends a run of strangers nor belongs to it
        if len(run) > _LONGEST_UNLIKE_RUN:
            for stranger in run:
                pairing[stranger] = None
        run = []


def _unpair_coincidences(script: Sequence[str], heard: Sequence[str], pairing: Pairing) -> None:
    """Take apart passages in which few words agree: another text is said there, with a few of the same."""
    agrees = np.array(
        [
            partner is not None and _score(word, heard[partner]) != _OTHER
            for word, partner in zip(script, pairing, strict=True)
        ],
        dtype=float,
    )
    if len(agrees) < _WINDOW:
        return
    half = _WINDOW // 2
    sums = np.convolve(agrees, np.ones(_WINDOW), "full")[half:-half]
    counts = np.convolve(np.ones(len(agrees)), np.ones(_WINDOW), "full")[half:-half]
    is_foreign = sums / counts < _LEAST_AGREEMENT
    for foreign, run in itertools.groupby(range(len(script)), key=lambda place: bool(is_foreign[place])):
        places = list(run)
        if foreign and len(places) >= _SHORTEST_FOREIGN:
            first, last = places[0], places[-1]
            # the window reaches a few words into what is read before and after
            while first <= last and agrees[first] and _follows(pairing, first - 1, first):
                first += 1
            while last >= first and agrees[last] and _follows(pairing, last, last + 1):
                last -= 1
            pairing[first : last + 1] = [None] * (last + 1 - first)


def _unpair_edges(script: Sequence[str], heard: Sequence[str], pairing: Pairing) -> None:
    """Take apart the words beside a passage that is not read, as far as more of them differ than agree."""
    blocks = _blocks(pairing)
    for index, (first, last) in enumerate(blocks):
        before = first - (blocks[index - 1][1] if index else 0)
        after = (blocks[index + 1][0] if index + 1 < len(blocks) else len(script)) - last
        from_left, from_right = range(first, last), range(last - 1, first - 1, -1)
        for gap, places in ((before, from_left), (after, from_right)):
            if gap >= _SHORTEST_FOREIGN:
                for place in places[: _foreign_edge(script, heard, pairing, places)]:
                    pairing[place] = None


def _foreign_edge(
    script: Sequence[str], heard: Sequence[str], pairing: Pairing, places: Sequence[int]
) -> int:
    """Return how many of the places, from the first on, hold by two more strangers than words that agree.

    A single stranger is a changed word, unless nothing follows it.
    """
    balance = np.cumsum([-1 if _are_strangers(script, heard, pairing, place) else 1 for place in places])
    lowest = int(balance.argmin())
    is_all = lowest + 1 == len(places)
    return lowest + 1 if balance[lowest] <= (-1 if is_all else -2) else 0


def _are_strangers(script: Sequence[str], heard: Sequence[str], pairing: Pairing, place: int) -> bool:
    partner = pairing[place]
    return partner is not None and _score(script[place], heard[partner]) == _OTHER


def _unpair_islands(pairing: Pairing) -> None:
    """Take apart a word or two that are the same by chance, in the middle of what is not read."""
    blocks = _blocks(pairing)
    shores = [0, *(last for _, last in blocks)], [*(first for first, _ in blocks), len(pairing)]
    gaps = [right - left for left, right in zip(*shores, strict=True)]
    for (first, last), before, after in zip(blocks, gaps, gaps[1:], strict=False):
        is_amid = min(before, after) >= _NEAREST_SHORE and max(before, after) >= _SHORTEST_FOREIGN
        if is_amid and last - first <= _LARGEST_ISLAND:
            pairing[first:last] = [None] * (last - first)


def _blocks(pairing: Pairing) -> list[tuple[int, int]]:
    """Return the runs `[first, last)` of script words that each have a partner."""
    runs = itertools.groupby(range(len(pairing)), key=lambda place: pairing[place] is not None)
    paired = [list(places) for is_paired, places in runs if is_paired]
    return [(places[0], places[-1] + 1) for places in paired]


def _follows(pairing: Pairing, before: int, after: int) -> bool:
    """Whether two words of the script that follow each other were heard one after the other."""
    if before < 0 or after >= len(pairing):
        return False
    left, right = pairing[before], pairing[after]
    return left is not None and right is not None and right == left + 1
