"""Figures of a session: counts and latencies, without growth."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Sequence

from qasr_cli.speech.streaming.stable_prefix import StablePrefix, split

_N_LATEST = 1_000  # finals whose latencies are kept


class SessionMetrics:
    """What happened in one session so far.

    Attributes:
        n_partials: Partials that were emitted.
        missing_ms: Audio in whose place silence is.
    """

    def __init__(self) -> None:
        self.n_partials = 0
        self.missing_ms = 0
        self._n_finals = 0
        self._n_stable_words = 0
        self._n_withdrawn_words = 0
        self._n_contradictions = 0
        self._compute_ms: deque[int] = deque(maxlen=_N_LATEST)

    def count_final(self, compute_ms: int, prefix: StablePrefix, text: str) -> None:
        """Count a final.

        Args:
            compute_ms: From the decision that its utterance has ended.
            prefix: Its stable text before.
            text: Its text.
        """
        self._n_finals += 1
        self._compute_ms.append(compute_ms)
        self._n_stable_words += len(split(prefix.text))
        self._n_withdrawn_words += prefix.n_withdrawn(text)
        self._n_contradictions += prefix.n_contradictions

    def summary(self) -> dict[str, float]:
        """Return the figures by name; those of the compute time are of the latest 1,000 finals."""
        figures: dict[str, float] = {
            "n_utterances": self._n_finals,
            "n_partials": self.n_partials,
            "n_stable_words": self._n_stable_words,
            "n_withdrawn_words": self._n_withdrawn_words,
            "n_contradictions": self._n_contradictions,
            "missing_ms": self.missing_ms,
        }
        if self._compute_ms:
            figures["final_compute_p50_ms"] = percentile(self._compute_ms, 50)
            figures["final_compute_p95_ms"] = percentile(self._compute_ms, 95)
        return figures


def percentile(values: Sequence[float] | deque[int], percent: int) -> float:
    """Return a percentile of at least one value, interpolated between neighbours."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
