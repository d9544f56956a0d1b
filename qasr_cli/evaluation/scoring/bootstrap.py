"""Intervals by bootstrap: of a rate, and of the difference of two systems on the same utterances.

In go errors and units of each utterance, and its block; out come 95 % intervals (percentiles of 1,000 draws).
Blocks are drawn and not utterances, since those of one speaker are not independent (Bisani and Ney:
"Bootstrap estimates for confidence intervals in ASR performance evaluation", ICASSP 2004). With fewer than 30
blocks there is no interval: it would be too narrow. More than 20,000 are pooled to 20,000 first, each with
every 20,000th one: the variance of a sum stays, and a million utterances take a second.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qasr_cli.evaluation.figures import Interval

N_DRAWS = 1_000
MIN_BLOCKS = 30
_MAX_BLOCKS = 20_000
_ENDS = (2.5, 97.5)
_DRAWN_AT_ONCE = 4_000_000  # indices: 32 MB


def rate(errors: np.ndarray, units: np.ndarray, blocks: np.ndarray, seed: int, name: str) -> Interval | None:
    """Return the rate of sums with its interval; None without units.

    Args:
        errors: `int64[n_utterances]`.
        units: `int64[n_utterances]`, units of the references.
        blocks: `int64[n_utterances]`, number of each one's block.
        seed: Seed of the draws.
        name: What the blocks are.
    """
    if not units.sum():
        return None
    by_block, n_blocks = _sums(np.stack([errors, units]), blocks)
    value = float(errors.sum() / units.sum())
    if n_blocks < MIN_BLOCKS:
        return Interval(value, None, None, n_blocks, name)
    drawn = _draws(by_block, seed)
    rates = drawn[0] / np.maximum(drawn[1], 1)
    low, high = np.percentile(rates, _ENDS)
    return Interval(value, float(low), float(high), n_blocks, name)


def difference(
    errors: Sequence[np.ndarray], units: np.ndarray, blocks: np.ndarray, seed: int, name: str
) -> tuple[Interval, float]:
    """Return the first system's rate minus the second one's, and the share of draws in which it is lower.

    Args:
        errors: `int64[n_utterances]` of each of the two.
        units: `int64[n_utterances]`, units of the references, which both share.
        blocks: `int64[n_utterances]`, number of each one's block.
        seed: Seed of the draws.
        name: What the blocks are.
    """
    by_block, n_blocks = _sums(np.stack([errors[0], errors[1], units]), blocks)
    value = float((errors[0].sum() - errors[1].sum()) / max(int(units.sum()), 1))
    if not n_blocks:
        return Interval(0.0, None, None, 0, name), 0.5
    drawn = _draws(by_block, seed)
    differences = (drawn[0] - drawn[1]) / np.maximum(drawn[2], 1)
    # Equal in a draw is half a win, so that two equal systems are at one half
    is_better = float((differences < 0).mean() + (differences == 0).mean() / 2)
    if n_blocks < MIN_BLOCKS:
        return Interval(value, None, None, n_blocks, name), is_better
    low, high = np.percentile(differences, _ENDS)
    return Interval(value, float(low), float(high), n_blocks, name), is_better


def _sums(columns: np.ndarray, blocks: np.ndarray) -> tuple[np.ndarray, int]:
    """Return `float64[n_columns, n_blocks or fewer]`: the sums of blocks; and the number of blocks."""
    numbers, members = np.unique(blocks, return_inverse=True)
    pooled = members % _MAX_BLOCKS
    return np.stack([np.bincount(pooled, weights=column) for column in columns]), len(numbers)


def _draws(by_block: np.ndarray, seed: int) -> np.ndarray:
    """Return `float64[n_columns, N_DRAWS]`: the sums of blocks drawn with replacement."""
    generator, n_blocks = np.random.default_rng(seed), by_block.shape[1]
    step = max(1, _DRAWN_AT_ONCE // max(n_blocks, 1))
    parts = []
    for start in range(0, N_DRAWS, step):
        indices = generator.integers(0, n_blocks, size=(min(step, N_DRAWS - start), n_blocks))
        parts.append(by_block[:, indices].sum(axis=2))
    return np.concatenate(parts, axis=1)
