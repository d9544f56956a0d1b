"""The map from raw confidences to probabilities that was fitted for a model.

In go raw confidences; out come calibrated ones. It only rises, so that of two words of a kind the surer one
stays the surer one. Reads no files; `engines.confidence_files` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np

Knot = tuple[float, float]  # raw confidence, probability

_N_DIGITS = 4


class Evidence(StrEnum):
    """What a raw confidence is made of; each has its own curve."""

    BOTH = "both"  # the recognizer's tokens and the aligner's times
    TOKENS = "tokens"  # no aligner for the language, or interpolated times
    TIMES = "times"  # a recognizer that gives no probabilities


@dataclass(frozen=True, slots=True)
class ConfidenceMap:
    """Curves by linear interpolation between knots; without knots a confidence stays as it is.

    Attributes:
        both: Knots for `Evidence.BOTH`, rising in both coordinates; `tokens` and `times` likewise.
    """

    both: tuple[Knot, ...] = ()
    tokens: tuple[Knot, ...] = ()
    times: tuple[Knot, ...] = ()

    def __post_init__(self) -> None:
        for knots in (self.both, self.tokens, self.times):
            is_inside = all(0 <= number <= 1 for knot in knots for number in knot)
            is_rising = all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(knots))
            if not (is_inside and is_rising):
                raise ValueError("a curve of confidences must rise, between 0 and 1")

    def knots(self, evidence: Evidence) -> Sequence[Knot]:
        """Return the knots of a curve; empty if none was fitted."""
        return {Evidence.BOTH: self.both, Evidence.TOKENS: self.tokens, Evidence.TIMES: self.times}[evidence]

    def apply(self, raw: float, evidence: Evidence) -> float:
        """Return the probability of a raw confidence, to four digits."""
        knots = self.knots(evidence)
        if not knots:
            return round(raw, _N_DIGITS)
        return round(float(np.interp(raw, [x for x, _ in knots], [y for _, y in knots])), _N_DIGITS)


UNFITTED = ConfidenceMap()
