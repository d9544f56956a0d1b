"""Figures of a session: counts and latencies, without growth; and whether its engine is behind."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Sequence

from qasr_cli.speech.streaming.events import Lag
from qasr_cli.speech.streaming.stable_prefix import StablePrefix, split

_N_LATEST = 1_000  # finals whose latencies are kept
_LATE_MS = 3_000  # from here on partials are left out ...
_IN_TIME_MS = 1_000  # ... until the engine is as near again


class SessionMetrics:
    """What happened in one session so far.

    Attributes:
        n_partials: Partials that were emitted.
        missing_ms: Audio in whose place silence is.
        max_lag_ms: The most audio that waited.
    """

    def __init__(self) -> None:
        self.n_partials = 0
        self.missing_ms = 0
        self.max_lag_ms = 0
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
            "max_lag_ms": self.max_lag_ms,
        }
        if self._compute_ms:
            figures["final_compute_p50_ms"] = percentile(self._compute_ms, 50)
            figures["final_compute_p95_ms"] = percentile(self._compute_ms, 95)
        return figures


class LagWatch:
    """Decides when partials are left out.

    Only finals queue: a partial takes all that waits of the open utterance, however much that is, so that
    without a final that waits the engine is at the latest sound in one step.

    Args:
        step_ms: New audio between two partials, which always waits.

    Attributes:
        is_skipping: Partials are left out.
    """

    def __init__(self, step_ms: int) -> None:
        self._step_ms = step_ms
        self.is_skipping = False

    def update(self, lag_ms: int, *, do_finals_wait: bool) -> Lag | None:
        """Take the milliseconds of speech that wait; return an event when skipping begins or ends."""
        limit_ms = self._step_ms + (_IN_TIME_MS if self.is_skipping else _LATE_MS)
        is_late = do_finals_wait and lag_ms > limit_ms
        if is_late == self.is_skipping:
            return None
        self.is_skipping = is_late
        return Lag(lag_ms, is_late)


def percentile(values: Sequence[float] | deque[int], percent: int) -> float:
    """Return a percentile of at least one value, interpolated between neighbours."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
