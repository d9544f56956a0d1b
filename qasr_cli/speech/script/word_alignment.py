"""Word alignment: pairs the words of a script with the recognized words.

In go two word lists; out comes, for each word of the script, the index of its recognized word, or None. Two
and more equal words in a row are anchors; between the anchors the best pairing is searched, so that wrongly
recognized words have partners, too. Repeated and omitted passages do no harm, since pairs never cross and
words without a fit have no partner. Pure; 30,000 words by 30,000 take about a second, and
a few tens of megabytes at most.
"""

from __future__ import annotations

import itertools
import math
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rapidfuzz.distance import MatchingBlock

_LONG_BLOCK = 8  # words that agree in a row: surely the same place, and the search within a few megabytes
_SHORT_BLOCK = 2  # a single word ("the") often agrees by chance
_MAX_SUBSEQUENCE_CELLS = 200_000_000  # a bit each: 25 MB, for 14,000 words by 14,000 without a long block
_MAX_CELLS = 100_000  # of one exhaustive search, 316 words by 316; nothing pairs in a wider gap
_EQUAL, _ALIKE, _OTHER, _MISSING = 3, 1, -1, -1  # scores of a pairing, and of a word without a partner
_ALIKE_SHARE = 0.5  # of letter pairs in common: "colour" and "color", "Meyer" and "Meier"
_PAIR, _SKIP_RECOGNIZED, _SKIP_SCRIPT = 0, 1, 2
_WINDOW = 11  # words; in so many of a passage that is read, most are recognized as written …
_LEAST_AGREEMENT = 0.4  # … and in two unrelated texts a fifth to a third are the same by chance
_SHORTEST_UNRELATED = 6
_MAX_INSERTED = 5  # recognized words between two pairs that follow each other; more on both sides is chance
_LARGEST_ISLAND = 2  # words that are the same by chance ("is", "a") amid a passage that is not read …
_MIN_ISLAND_GAP = 3  # … and so many words without a partner on either side: fewer were only not recognized
_LONGEST_UNLIKE_RUN = 4  # so many strangers in a row are misheard words; more are another text

Pairing = list[int | None]


def normalize(word: str) -> str:
    """Return the form in which words are compared: letters, digits and marks, case folded."""
    folded = unicodedata.normalize("NFKC", word).casefold()
    return "".join(char for char in folded if unicodedata.category(char)[0] in "LNM")


def pair(script: Sequence[str], recognized: Sequence[str]) -> Pairing:
    """Return for each script word the index of its recognized word, or None.

    Pairs are in order: a later script word never pairs with an earlier recognized word.

    Args:
        script: The script's words, normalized by :func:`normalize`.
        recognized: The recognized words, likewise.
    """
    pairing: Pairing = [None] * len(script)
    blocks = _equal_blocks(script, recognized)
    for block in blocks:
        pairing[block.a : block.a + block.size] = range(block.b, block.b + block.size)
    for first, last, begin, end in _gaps(blocks):
        if (last - first) * (end - begin) <= _MAX_CELLS:
            for index, partner in _best(script[first:last], recognized[begin:end]):
                pairing[first + index] = begin + partner
    _unpair_strangers(script, recognized, pairing)
    _unpair_coincidences(script, recognized, pairing)
    _unpair_edges(script, recognized, pairing)
    _unpair_islands(pairing)
    return pairing


def _equal_blocks(script: Sequence[str], recognized: Sequence[str]) -> list[MatchingBlock]:
    """Return blocks of equal words in order, with an empty block at the end.

    Edit distance is robust against texts that repeat themselves; between its long blocks, the longest common
    subsequence gives more equal words. Its memory grows with the product of both lengths, so it is left out
    where two texts have nothing in common for hours.
    """
    from rapidfuzz.distance import Indel, Levenshtein, MatchingBlock  # only `qasr align` waits for it

    numbers: dict[str, int] = {}  # rapidfuzz compares hashes, and those of texts differ from run to run
    script_ids, recognized_ids = (
        [numbers.setdefault(word, len(numbers)) for word in words] for words in (script, recognized)
    )
    blocks = [MatchingBlock(len(script_ids), len(recognized_ids), 0)]
    searches = ((Levenshtein, _LONG_BLOCK, math.inf), (Indel, _SHORT_BLOCK, _MAX_SUBSEQUENCE_CELLS))
    for distance, least, max_cells in searches:
        blocks += [
            MatchingBlock(first + block.a, begin + block.b, block.size)
            for first, last, begin, end in _gaps(blocks)
            if (last - first) * (end - begin) <= max_cells
            for block in distance.opcodes(
                script_ids[first:last], recognized_ids[begin:end]
            ).as_matching_blocks()
            if block.size >= least
        ]
        blocks.sort(key=lambda block: block.a)
    return blocks


def _gaps(blocks: Sequence[MatchingBlock]) -> Iterator[tuple[int, int, int, int]]:
    """Yield the gaps with words on both sides: `[first, last)` of the script, `[begin, end)` recognized."""
    first = begin = 0
    for block in blocks:
        if first < block.a and begin < block.b:
            yield first, block.a, begin, block.b
        first, begin = block.a + block.size, block.b + block.size


def _best(script: Sequence[str], recognized: Sequence[str]) -> list[tuple[int, int]]:
    """Return the pairs of the best pairing of two short lists (Needleman and Wunsch 1970)."""
    n, m = len(script), len(recognized)
    steps = np.zeros((n + 1, m + 1), np.uint8)
    steps[0, 1:], steps[1:, 0] = _SKIP_RECOGNIZED, _SKIP_SCRIPT
    columns = np.arange(m + 1) * _MISSING
    best = columns.copy()
    words, number = np.unique(np.array(recognized, dtype=object), return_inverse=True)
    rows: dict[str, np.ndarray] = {}
    for i, word in enumerate(script, 1):
        if word not in rows:
            rows[word] = np.array([_score(word, other) for other in words])[number]
        scores = rows[word]
        paired = np.concatenate([[-(1 << 30)], best[:-1] + scores])
        skipped = best + _MISSING
        without_skips = np.maximum(paired, skipped)
        # the best way into a column along the row: a running maximum, each step costing a recognized word
        row = np.maximum.accumulate(without_skips - columns) + columns
        steps[i] = np.where(
            row > without_skips, _SKIP_RECOGNIZED, np.where(paired >= skipped, _PAIR, _SKIP_SCRIPT)
        )
        best = row
    pairs = []
    i, j = n, m
    while i and j:
        step = int(steps[i, j])
        if step == _PAIR:
            pairs.append((i - 1, j - 1))
        i -= step != _SKIP_RECOGNIZED
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
    script_ids, recognized_ids = _letter_pairs(word), _letter_pairs(other)
    return 2 * sum((script_ids & recognized_ids).values()) / (script_ids.total() + recognized_ids.total())


@lru_cache(maxsize=1 << 14)
def _letter_pairs(word: str) -> Counter[str]:
    fenced = f"^{word}$"
    return Counter(fenced[i : i + 2] for i in range(len(fenced) - 1))


def _unpair_strangers(script: Sequence[str], recognized: Sequence[str], pairing: Pairing) -> None:
    """Take apart long runs of pairs that have nothing in common: a dropped passage beside an inserted one."""
    run: list[int] = []
    for index in range(len(script) + 1):
        partner = pairing[index] if index < len(script) else None
        if partner is not None and _are_strangers(script, recognized, pairing, index):
            run.append(index)
            continue
        if partner is None and index < len(script):
            continue  # a word without a partner neither ends a run of strangers nor belongs to it
        if len(run) > _LONGEST_UNLIKE_RUN:
            for stranger in run:
                pairing[stranger] = None
        run = []


def _unpair_coincidences(script: Sequence[str], recognized: Sequence[str], pairing: Pairing) -> None:
    """Take apart passages in which few words agree: another text is spoken there, with a few equal words."""
    scattered = _scattered(pairing)
    agrees = np.array(
        [
            partner is not None
            and index not in scattered
            and _score(script[index], recognized[partner]) != _OTHER
            for index, partner in enumerate(pairing)
        ],
        dtype=float,
    )
    if len(agrees) < _WINDOW:
        return
    half = _WINDOW // 2
    sums = np.convolve(agrees, np.ones(_WINDOW), "full")[half:-half]
    counts = np.convolve(np.ones(len(agrees)), np.ones(_WINDOW), "full")[half:-half]
    is_unrelated = sums / counts < _LEAST_AGREEMENT
    for unrelated, run in itertools.groupby(range(len(script)), key=lambda index: bool(is_unrelated[index])):
        indices = list(run)
        if unrelated and len(indices) >= _SHORTEST_UNRELATED:
            first, last = indices[0], indices[-1]
            # the window reaches a few words into what is read before and after
            while first <= last and agrees[first] and _follows(pairing, first - 1, first):
                first += 1
            while last >= first and agrees[last] and _follows(pairing, last, last + 1):
                last -= 1
            pairing[first : last + 1] = [None] * (last + 1 - first)


def _scattered(pairing: Pairing) -> set[int]:
    """Return the script words that pair far from the pairs before and after them.

    Many recognized words lie in between: a passage that is not read has spread over a long other text.
    """
    pairs = [(index, partner) for index, partner in enumerate(pairing) if partner is not None]
    if not pairs:
        return set()
    is_near = [
        right[1] - left[1] <= right[0] - left[0] + _MAX_INSERTED for left, right in itertools.pairwise(pairs)
    ]
    beside = zip([False, *is_near], [*is_near, False], strict=True)
    return {index for (index, _), near in zip(pairs, beside, strict=True) if not any(near)}


def _unpair_edges(script: Sequence[str], recognized: Sequence[str], pairing: Pairing) -> None:
    """Take apart the words beside a passage that is not read, as far as more of them differ than agree."""
    blocks = _paired_runs(pairing)
    for number, (first, last) in enumerate(blocks):
        before = first - (blocks[number - 1][1] if number else 0)
        after = (blocks[number + 1][0] if number + 1 < len(blocks) else len(script)) - last
        from_left, from_right = range(first, last), range(last - 1, first - 1, -1)
        for gap, indices in ((before, from_left), (after, from_right)):
            if gap >= _SHORTEST_UNRELATED:
                for index in indices[: _n_unrelated(script, recognized, pairing, indices)]:
                    pairing[index] = None


def _n_unrelated(
    script: Sequence[str], recognized: Sequence[str], pairing: Pairing, indices: Sequence[int]
) -> int:
    """Return how many of the indices, from the first on, have two more strangers than words that agree.

    A single stranger is a changed word, unless nothing follows it.
    """
    balance = np.cumsum(
        [-1 if _are_strangers(script, recognized, pairing, index) else 1 for index in indices]
    )
    lowest = int(balance.argmin())
    is_all = lowest + 1 == len(indices)
    return lowest + 1 if balance[lowest] <= (-1 if is_all else -2) else 0


def _are_strangers(script: Sequence[str], recognized: Sequence[str], pairing: Pairing, index: int) -> bool:
    partner = pairing[index]
    return partner is not None and _score(script[index], recognized[partner]) == _OTHER


def _unpair_islands(pairing: Pairing) -> None:
    """Take apart one or two words that agree by chance inside a passage that is not read."""
    blocks = _paired_runs(pairing)
    edges = [0, *(last for _, last in blocks)], [*(first for first, _ in blocks), len(pairing)]
    gaps = [right - left for left, right in zip(*edges, strict=True)]
    for (first, last), before, after in zip(blocks, gaps, gaps[1:], strict=False):
        is_amid = min(before, after) >= _MIN_ISLAND_GAP and max(before, after) >= _SHORTEST_UNRELATED
        if is_amid and last - first <= _LARGEST_ISLAND:
            pairing[first:last] = [None] * (last - first)


def _paired_runs(pairing: Pairing) -> list[tuple[int, int]]:
    """Return the runs `[first, last)` of script words that each have a partner."""
    runs = itertools.groupby(range(len(pairing)), key=lambda index: pairing[index] is not None)
    paired = [list(indices) for is_paired, indices in runs if is_paired]
    return [(indices[0], indices[-1] + 1) for indices in paired]


def _follows(pairing: Pairing, before: int, after: int) -> bool:
    """Whether two words of the script that follow each other were recognized one after the other."""
    if before < 0 or after >= len(pairing):
        return False
    left, right = pairing[before], pairing[after]
    return left is not None and right is not None and right == left + 1
