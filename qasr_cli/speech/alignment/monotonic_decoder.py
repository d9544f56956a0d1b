"""From the aligner's posterior to times: the most likely order-keeping assignment of bins to slots.

In goes `float32[2 * n_tokens, n_bins]`; out come a start and an end for each token, in milliseconds from the
clip's start. The official decoder takes each slot's best bin and corrects the order afterwards, which gives
words of zero length; here order and a minimum length are part of the search. Between bins, the time is the
mean of the posterior around the chosen bin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qasr_cli.records import Timing
from qasr_cli.speech.inference.protocols import Posterior

# Replaces the log of a probability of 0: with true infinities all paths through a hopeless row would be
# equal, even those that break the order. Far below any meaningful log-softmax.
_IMPOSSIBLE = np.float32(-1e4)
_REACH_BINS = 2  # how far around the chosen bin the posterior is averaged; the peak is no wider
_NEAR_BINS = 1  # what counts as the chosen time in a confidence: two bins often share a boundary
TRUSTED = 0.3  # of a confidence: with less, the aligner did not find the token there


@dataclass(frozen=True, slots=True)
class TokenTime:
    """Start and end of one token, from the clip's start.

    Attributes:
        confidence: Probability of the times within one bin of the chosen ones, the lesser of start and end;
            None for an interpolated time.
    """

    start_ms: int
    end_ms: int
    timing: Timing
    confidence: float | None


def decode(posterior: Posterior, duration_ms: int) -> list[TokenTime] | None:
    """Return a time for each token, or None if the posterior is unusable.

    It is unusable with more tokens than bins, and if it has NaN after an overflow in half precision. Starts
    and ends never decrease, and every token lasts at least one bin.
    """
    scores = usable_scores(posterior, duration_ms)
    n_slots = scores.shape[0]
    min_step = np.arange(n_slots) % 2  # an end lies at least one bin after its start
    if n_slots == 0 or int(min_step.sum()) >= scores.shape[1]:
        return [] if n_slots == 0 else None
    if not (scores < np.inf).all():  # false for NaN, too
        return None
    bins = best_monotone(scores, min_step)
    edges_ms = _edges_ms(scores, bins, posterior, duration_ms)
    # A difference of one bin is rounding; a larger one was out of order
    is_moved = np.abs(bins - scores.argmax(axis=1)) > 1
    masses = near_masses(scores, bins)
    return [
        TokenTime(
            int(edges_ms[i]),
            int(edges_ms[i + 1]),
            Timing.REPAIRED if is_moved[i : i + 2].any() else Timing.ALIGNED,
            round(float(masses[i : i + 2].min()), 3),
        )
        for i in range(0, n_slots, 2)
    ]


def usable_scores(posterior: Posterior, duration_ms: int) -> np.ndarray:
    """Return the log-probabilities of the bins inside the clip: later ones are impossible."""
    n_bins = min(posterior.log_probs.shape[1], duration_ms // posterior.bin_ms + 2)
    scores: np.ndarray = np.maximum(posterior.log_probs[:, :n_bins], _IMPOSSIBLE)  # keeps NaN
    return scores


def near_masses(scores: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """Return `float64[n_slots]`, the probability within a bin of the chosen one, at most 1."""
    near = _around(scores, bins, _NEAR_BINS)
    capped: np.ndarray = np.minimum(np.exp(near.astype(np.float64)).sum(axis=1), 1.0)
    return capped


def best_monotone(scores: np.ndarray, min_step: np.ndarray) -> np.ndarray:
    """Return `int64[n_slots]`, the ordered bins with the greatest sum of scores.

    Exact dynamic programme in O(n_slots * n_bins): `best[j, k]` is the best sum with slot j at bin k, and
    its predecessor is the running maximum of the row before, shifted by the slot's minimum step.

    Args:
        scores: `float32[n_slots, n_bins]`.
        min_step: `int64[n_slots]`, minimum number of bins from slot j - 1 to slot j; the first is ignored.
    """
    n_slots, n_bins = scores.shape
    back = np.zeros((n_slots, n_bins), dtype=np.int64)
    best = scores[0].astype(np.float64)
    for slot in range(1, n_slots):
        step = int(min_step[slot])
        running = np.maximum.accumulate(best)
        # where the running maximum was last raised: the later of equal predecessors is not preferred
        is_new = np.concatenate([[True], running[1:] > running[:-1]])
        origin = np.maximum.accumulate(np.where(is_new, np.arange(n_bins), 0))
        best = np.full(n_bins, -np.inf)
        best[step:] = running[: n_bins - step] + scores[slot, step:]
        back[slot, step:] = origin[: n_bins - step]
    bins = np.zeros(n_slots, dtype=np.int64)
    bins[-1] = int(best.argmax())
    for slot in range(n_slots - 1, 0, -1):
        bins[slot - 1] = back[slot, bins[slot]]
    return bins


def _edges_ms(scores: np.ndarray, bins: np.ndarray, posterior: Posterior, duration_ms: int) -> np.ndarray:
    """Return `int64[n_slots]`: ordered times inside the clip, with a resolution finer than bins.

    The mean of the posterior around each chosen bin, plus the aligner's measured offset; then the nearest
    times (least squares) that keep order, minimum length and the clip's limits.
    """
    wanted = bins + _mean_steps(scores, bins) + posterior.offset_ms / posterior.bin_ms
    last = duration_ms / posterior.bin_ms
    n_tokens = len(bins) // 2
    shortest = min(1.0, last / n_tokens)
    behind = np.cumsum(np.arange(len(bins)) % 2) * shortest  # the minimum time before each slot
    free = np.clip(_isotonic(wanted - behind), 0.0, last - behind[-1])
    edges = np.floor((free + behind) * posterior.bin_ms + 0.5).astype(np.int64)
    inside: np.ndarray = np.minimum(edges, duration_ms)
    return inside


def _mean_steps(scores: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """Return `float64[n_slots]`: offset of the posterior's mean from the chosen bin, at most one bin."""
    near = _around(scores, bins, _REACH_BINS).astype(np.float64)
    weights = np.exp(near - near.max(axis=1, keepdims=True))
    steps = np.arange(-_REACH_BINS, _REACH_BINS + 1)
    means: np.ndarray = np.clip((weights * steps).sum(axis=1) / weights.sum(axis=1), -1.0, 1.0)
    return means


def _around(scores: np.ndarray, bins: np.ndarray, reach: int) -> np.ndarray:
    """Return `float32[n_slots, 2 * reach + 1]`, the scores around each slot's bin."""
    padded = np.pad(scores, ((0, 0), (reach, reach)), constant_values=_IMPOSSIBLE)
    return np.take_along_axis(padded, bins[:, None] + np.arange(2 * reach + 1), axis=1)


def _isotonic(values: np.ndarray) -> np.ndarray:
    """Return the nearest non-decreasing values (least squares): pool adjacent violators (Ayer 1955)."""
    means: list[float] = []
    counts: list[int] = []
    for value in values.tolist():
        means.append(value)
        counts.append(1)
        while len(means) > 1 and means[-2] > means[-1]:
            mean, count = means.pop(), counts.pop()
            total = counts[-1] + count
            means[-1] += (mean - means[-1]) * count / total
            counts[-1] = total
    return np.repeat(means, counts)
