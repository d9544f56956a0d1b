"""The official package's way from raw times to times in order, for comparison with ours.

In go each slot's likeliest time; out come times that never go back: the longest run that is in order stays,
and what lies outside it is moved between its neighbours. Written anew from what the package does; `make
parity` compares both. qasr itself searches the likeliest times among all that are in order.
"""

from __future__ import annotations

import itertools

import numpy as np

_SNAPPED = 2  # so many strays in a row take a neighbour's time; more are spread evenly between both


def repaired(raw_ms: np.ndarray) -> np.ndarray:
    """Return `int64[n]` in order from `int64[n]`."""
    kept = _longest_run(raw_ms)
    result = raw_ms.astype(float)
    edges = [-1, *kept.tolist(), len(raw_ms)]
    for before, after in itertools.pairwise(edges):
        n_strays = after - before - 1
        left = raw_ms[before] if before >= 0 else raw_ms[after]
        right = raw_ms[after] if after < len(raw_ms) else raw_ms[before]
        if n_strays <= _SNAPPED:
            n_left = (n_strays + 1) // 2
            result[before + 1 : before + 1 + n_left] = left
            result[before + 1 + n_left : after] = right
        else:
            step = (right - left) / (n_strays + 1)
            result[before + 1 : after] = left + step * np.arange(1, n_strays + 1)
    return result.astype(np.int64)


def _longest_run(values: np.ndarray) -> np.ndarray:
    """Return the places of the longest subsequence that never falls; of equal ones the package's choice."""
    length = np.ones(len(values), dtype=np.int64)
    before = np.full(len(values), -1)
    for at in range(1, len(values)):
        reach = np.where(values[:at] <= values[at], length[:at], 0)
        best = int(reach.argmax())
        if reach[best]:
            length[at], before[at] = reach[best] + 1, best
    places = [int(length.argmax())]
    while before[places[-1]] >= 0:
        places.append(int(before[places[-1]]))
    return np.array(places[::-1])
