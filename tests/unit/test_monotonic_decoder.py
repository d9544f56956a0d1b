"""Times from a posterior: in order, and never of no length."""

from __future__ import annotations

import numpy as np

from qasr_cli.records import Timing
from qasr_cli.speech.alignment import monotonic_decoder
from qasr_cli.speech.inference.protocols import Posterior


class TestDecode:
    def posterior(self, *bins: int, n_bins: int = 50) -> Posterior:
        scores = np.full((len(bins), n_bins), -9.0, dtype=np.float32)
        scores[np.arange(len(bins)), bins] = -0.01
        return Posterior(scores, 80)

    def test_a_clear_answer_is_taken_as_it_is(self) -> None:
        times = monotonic_decoder.decode(self.posterior(2, 5, 5, 9), 4_000)
        assert times is not None
        assert [(token.start_ms, token.end_ms) for token in times] == [(160, 400), (400, 720)]
        assert all(token.timing is Timing.ALIGNED and token.confidence == 0.99 for token in times)

    def test_what_is_out_of_order_is_repaired_and_marked(self) -> None:
        times = monotonic_decoder.decode(self.posterior(2, 5, 40, 9, 10, 12), 4_000)
        assert times is not None
        assert [token.timing for token in times] == [Timing.ALIGNED, Timing.REPAIRED, Timing.ALIGNED]
        assert times[1].start_ms < times[1].end_ms <= times[2].start_ms

    def test_a_token_always_has_a_duration(self) -> None:
        times = monotonic_decoder.decode(self.posterior(5, 5, 5, 5), 4_000)
        assert times is not None
        assert all(token.end_ms - token.start_ms >= 80 for token in times)

    def test_more_tokens_than_bins_have_no_times(self) -> None:
        assert monotonic_decoder.decode(self.posterior(*range(40), n_bins=41), 400) is None
        assert monotonic_decoder.decode(Posterior(np.zeros((0, 5), np.float32), 80), 400) == []
