"""Where to cut two long word lists in two, so that each half of one belongs to its half of the other.

In go two lists that have no run of words by which to fasten them: a rosary, a drill, a chant. Out comes one
place in each. The words that agree in the same order are counted exactly (longest common subsequence), a row
of bits at a time, so that 30,000 words by 30,000 take a fraction of a second and a few megabytes. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_LEAST_SHARE = 0.3  # of the shorter list, that must agree: with less the two are different texts


def cut(script: Sequence[str], heard: Sequence[str]) -> tuple[int, int] | None:
    """Return the place in either list before which to cut, None if hardly any words agree.

    The longer list is halved; of the places in the other that keep the most agreeing words, the one nearest
    to the same share of it is taken (Hirschberg 1975).

    Args:
        script: Words as :func:`word_alignment.normalize` makes them.
        heard: Likewise; one of the two has at least two words.
    """
    if len(script) < len(heard):
        found = cut(heard, script)
        return None if found is None else found[::-1]
    half = len(script) // 2
    agreeing = _n_agreeing(script[:half], heard) + _n_agreeing(script[: half - 1 : -1], heard[::-1])[::-1]
    if agreeing.max() < _LEAST_SHARE * len(heard):
        return None
    best = np.flatnonzero(agreeing == agreeing.max())
    return half, int(best[np.abs(best * len(script) - half * len(heard)).argmin()])


def _n_agreeing(mine: Sequence[str], theirs: Sequence[str]) -> np.ndarray:
    """Return `int64[len(theirs) + 1]`: how many words agree in order with the first so many of theirs.

    Bits are places in `theirs`; a zero is a place where one more word agrees (Hyyrö 2004).
    """
    known = set(mine)
    places: dict[str, int] = {}
    for place, word in enumerate(theirs):
        if word in known:
            places[word] = places.get(word, 0) | (1 << place)
    every = (1 << len(theirs)) - 1
    row = every
    for word in mine:
        same = row & places.get(word, 0)
        row = ((row + same) | (row - same)) & every
    packed = np.frombuffer(row.to_bytes(len(theirs) // 8 + 1, "little"), np.uint8)
    is_more = 1 - np.unpackbits(packed, bitorder="little")[: len(theirs)].astype(np.int64)
    return np.concatenate([[0], np.cumsum(is_more)])
