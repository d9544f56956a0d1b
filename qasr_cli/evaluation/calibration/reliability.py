"""How far confidences are probabilities: calibration error, reliability, risk and coverage.

In go confidences and whether each word is right; out come figures. ECE is that of Naeini et al. ("Obtaining
Well Calibrated Probabilities Using Bayesian Binning", AAAI 2015) with ten bins of equal count; the risk at a
coverage is the error rate of the most confident share (El-Yaniv and Wiener, JMLR 2010); AUROC by ranks, ties
at a half.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qasr_cli.evaluation.figures import CalibrationFigures, ReliabilityBin

_N_BINS = 10
_COVERAGES = tuple(step / 20 for step in range(1, 21))


def figures(confidences: Sequence[float], rights: Sequence[bool | int]) -> CalibrationFigures | None:
    """Return the figures of words; None without any."""
    if not len(confidences):
        return None
    sure, right = np.asarray(confidences, dtype=np.float64), np.asarray(rights, dtype=bool)
    order = np.argsort(sure, kind="stable")
    bins = [
        ReliabilityBin(len(part), float(sure[part].mean()), float(right[part].mean()))
        for part in np.array_split(order, min(_N_BINS, len(order)))
    ]
    ece = sum(one.n * abs(one.confidence - one.right) for one in bins) / len(sure)
    descending = order[::-1]
    wrong = np.cumsum(~right[descending])
    n_kept = [max(1, round(share * len(sure))) for share in _COVERAGES]
    return CalibrationFigures(
        n_words=len(sure),
        n_right=int(right.sum()),
        ece=float(ece),
        bins=tuple(bins),
        risk_coverage=tuple(
            (share, float(wrong[n - 1] / n)) for share, n in zip(_COVERAGES, n_kept, strict=True)
        ),
        auroc=_auroc(sure, right),
    )


def _auroc(sure: np.ndarray, right: np.ndarray) -> float | None:
    """Return the probability that a right word has a higher confidence than a wrong one."""
    n_right, n_wrong = int(right.sum()), int((~right).sum())
    if not n_right or not n_wrong:
        return None
    _, inverse, counts = np.unique(sure, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[right].sum() - n_right * (n_right + 1) / 2) / (n_right * n_wrong))
