"""Word errors, time errors, and how sure one may be of their means.

Pure. In: reference and hypothesis. Out: counts, so that means can be taken over any part of the words.
"""

from __future__ import annotations

import re

import numpy as np

_WORD = re.compile(r"[\w']+")
_RESAMPLES = 1000


def bare(text: str) -> list[str]:
    """Lower-case words without punctuation."""
    return _WORD.findall(text.lower())


def errors_by_word(reference: list[str], hypothesis: list[str]) -> np.ndarray:
    """Fewest word errors, each charged to a reference word; float[max(1, n_reference)].

    A wrong or missing word is charged to itself, an inserted one to the reference word after it (the last
    word for one at the end). With no reference words, the single entry counts the insertions.
    """
    n, m = len(reference), len(hypothesis)
    cost = np.zeros((n + 1, m + 1), int)
    cost[:, 0], cost[0] = np.arange(n + 1), np.arange(m + 1)
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            swap = cost[i - 1, j - 1] + (reference[i - 1] != hypothesis[j - 1])
            cost[i, j] = min(swap, cost[i - 1, j] + 1, cost[i, j - 1] + 1)
    charged = np.zeros(max(1, n))
    i, j = n, m
    while i or j:
        is_swap = i and j and cost[i, j] == cost[i - 1, j - 1] + (reference[i - 1] != hypothesis[j - 1])
        if is_swap:
            charged[i - 1] += reference[i - 1] != hypothesis[j - 1]
            i, j = i - 1, j - 1
        elif i and cost[i, j] == cost[i - 1, j] + 1:
            charged[i - 1] += 1
            i -= 1
        else:
            charged[min(i, max(1, n) - 1)] += 1
            j -= 1
    return charged


def percent(errors: np.ndarray, is_counted: np.ndarray | None = None) -> str:
    """Errors per word in percent, over all words or the counted ones; "-" for none."""
    errors = errors if is_counted is None else errors[is_counted]
    return f"{100 * errors.mean():.1f} %" if len(errors) else "-"


def interval(by_clip: list[np.ndarray], scale: float = 100.0, digits: int = 1) -> str:
    """Bounds that hold the mean over all values in 95 of 100 cases; whole clips are drawn again and again."""
    rng = np.random.default_rng(1)
    sums = np.array([float(values.sum()) for values in by_clip])
    counts = np.array([values.size for values in by_clip])
    drawn = rng.integers(0, len(sums), (_RESAMPLES, len(sums)))
    means = sums[drawn].sum(1) / np.maximum(counts[drawn].sum(1), 1)
    low, high = np.percentile(means, [2.5, 97.5]) * scale
    return f"{low:.{digits}f}-{high:.{digits}f}"


def share(n: int, total: int) -> str:
    """``n`` of ``total`` in percent with Wilson's bounds of 95 %."""
    if not total:
        return "-"
    z, p = 1.96, n / total
    middle = (p + z * z / (2 * total)) / (1 + z * z / total)
    spread = z / (1 + z * z / total) * np.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return f"{100 * p:.1f} % ({100 * max(0.0, middle - spread):.1f}-{100 * min(1.0, middle + spread):.1f})"
