"""From the aligner's posterior to times: the most likely order-keeping assignment of bins to slots.

In goes `float32[2 * n_units, n_bins]`; out come a start and an end for each unit, in milliseconds from the
chunk's start. The official decoder takes each slot's best bin and mends what is out of order afterwards,
which gives words of no length; here order and a minimum length are part of the search.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qasr_cli.records import Timing
from qasr_cli.speech.protocols import Posterior

# Stands in for a probability of 0: with true infinities all ways through a hopeless row are equal, and those
# that break the order with them. Far below any log-softmax that means something.
_IMPOSSIBLE = np.float32(-1e4)


@dataclass(frozen=True, slots=True)
class UnitTime:
    """When one unit was spoken, from the chunk's start.

    Attributes:
        confidence: Probability that the aligner gave to the chosen bins, the lesser of start and end.
    """

    start_ms: int
    end_ms: int
    timing: Timing
    confidence: float | None


def decode(posterior: Posterior, duration_ms: int) -> list[UnitTime] | None:
    """Return a time for each unit, or None when the posterior cannot say.

    It cannot when there are more units than bins, or when half precision overflowed and it is not a number.
    Starts and ends never go back, and every unit lasts at least one bin.
    """
    n_slots = posterior.log_probs.shape[0]
    n_bins = min(posterior.log_probs.shape[1], duration_ms // posterior.bin_ms + 2)
    scores = posterior.log_probs[:, :n_bins]
    min_step = np.arange(n_slots) % 2  # an end lies at least one bin after its start
    if n_slots == 0 or int(min_step.sum()) >= n_bins:
        return [] if n_slots == 0 else None
    if not (scores < np.inf).all():  # false for what is not a number, too
        return None
    scores = np.maximum(scores, _IMPOSSIBLE)
    bins = best_monotone(scores, min_step)
    favourite = scores.argmax(axis=1)
    chosen = np.exp(scores[np.arange(n_slots), bins])
    return [
        UnitTime(
            min(int(bins[i]) * posterior.bin_ms, duration_ms - 1),
            min(int(bins[i + 1]) * posterior.bin_ms, duration_ms),
            # one bin aside is rounding; more means that the aligner's own answer was out of order
            Timing.REPAIRED if np.abs(bins - favourite)[i : i + 2].max() > 1 else Timing.ALIGNED,
            round(float(chosen[i : i + 2].min()), 3),
        )
        for i in range(0, n_slots, 2)
    ]


def best_monotone(scores: np.ndarray, min_step: np.ndarray) -> np.ndarray:
    """Return `int64[n_slots]`, the bins with the greatest sum of scores that keep their order.

    Exact dynamic programme in O(n_slots * n_bins): `best[j, k]` is the best sum with slot j at bin k, and
    its predecessor is the running maximum of the row before, shifted by the slot's minimum step.

    Args:
        scores: `float32[n_slots, n_bins]`.
        min_step: `int64[n_slots]`, how many bins slot j must lie after slot j - 1; the first is ignored.
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
