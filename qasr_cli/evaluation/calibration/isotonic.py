"""The map from raw confidences to probabilities, by isotonic regression.

In go raw confidences and whether each word is right; out come a few knots of a rising curve. The regression
is the pool-adjacent-violators algorithm (Ayer et al., "An Empirical Distribution Function for Sampling with
Incomplete Information", 1955), as Zadrozny and Elkan use it for probabilities (KDD 2002).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qasr_cli.speech.inference.confidence_map import Knot

_MAX_KNOTS = 20
_MIN_WORDS = 20  # of a knot: with fewer, its rate is known to less than 10 %
_N_DIGITS = 4


def knots(raw: Sequence[float] | np.ndarray, rights: Sequence[bool | int] | np.ndarray) -> tuple[Knot, ...]:
    """Return the knots of the curve: blocks of equal count, pooled until their rates rise.

    A knot is at the mean raw confidence of its words. Its probability is their share that is right, with half
    a word of each kind added, so that it is never 0 or 1 (Jeffreys' prior).
    """
    confidences, is_right = np.asarray(raw, dtype=np.float64), np.asarray(rights, dtype=np.float64)
    order = np.argsort(confidences, kind="stable")
    n_blocks = max(1, min(_MAX_KNOTS, len(order) // _MIN_WORDS))
    blocks = [part for part in np.array_split(order, n_blocks) if len(part)]
    rates = np.array([(is_right[part].sum() + 0.5) / (len(part) + 1) for part in blocks])
    sizes = np.array([float(len(part)) for part in blocks])
    means, n_pooled = pooled(rates, sizes)
    found: list[Knot] = []
    first = 0
    for mean, n in zip(means, n_pooled, strict=True):
        members = np.concatenate(blocks[first : first + n])
        first += n
        place = round(float(confidences[members].mean()), _N_DIGITS)
        if not found or place > found[-1][0]:
            found.append((place, round(float(mean), _N_DIGITS)))
    return tuple(found)


def pooled(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the isotonic regression: the means of pooled neighbours, which rise, and each one's n of values.

    Args:
        values: `float64[n]` in order.
        weights: `float64[n]`, each above 0.
    """
    pools: list[tuple[float, float, int]] = []  # mean, weight, values
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        pool = (value, weight, 1)
        while pools and pools[-1][0] >= pool[0]:
            mean, heavy, n = pools.pop()
            both = heavy + pool[1]
            pool = ((mean * heavy + pool[0] * pool[1]) / both, both, n + pool[2])
        pools.append(pool)
    return np.array([pool[0] for pool in pools]), np.array([pool[2] for pool in pools], dtype=np.int64)
