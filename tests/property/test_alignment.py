"""What holds for any posterior: order, length, limits, and that a clear answer is taken as it is."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.options import EngineOptions
from qasr_cli.records import Chunk, Span, Timing
from qasr_cli.speech.alignment import monotonic_decoder
from qasr_cli.speech.alignment.forced_alignment import AlignmentInput, align_words
from qasr_cli.speech.alignment.interpolation import SpokenLength, interpolate
from qasr_cli.speech.inference.protocols import AlignRequest, Engines, Posterior
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.text import display_words
from tests import fakes

BINS_MS = st.sampled_from([20, 40, 80])


@st.composite
def clear_bins(draw: st.DrawFn) -> list[int]:
    """Bins of starts and ends in order, each unit at least one bin long."""
    steps = draw(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=20))
    return list(itertools.accumulate(step for pair in steps for step in pair))


def one_hot(bins: list[int], n_bins: int) -> np.ndarray:
    scores = np.full((len(bins), n_bins), -14.0, np.float32)
    scores[np.arange(len(bins)), bins] = 0.0
    return scores


@given(clear_bins(), BINS_MS)
def test_a_clear_answer_is_unchanged(bins: list[int], bin_ms: int) -> None:
    times = monotonic_decoder.decode(Posterior(one_hot(bins, bins[-1] + 3), bin_ms), (bins[-1] + 2) * bin_ms)
    assert times is not None
    assert [edge for unit in times for edge in (unit.start_ms, unit.end_ms)] == [k * bin_ms for k in bins]
    assert {unit.timing for unit in times} == {Timing.ALIGNED}


def smooth(bins: list[int], n_bins: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    middles = np.array(bins) + rng.uniform(-0.5, 0.5, len(bins))
    scores = -0.5 * ((np.arange(n_bins) - middles[:, None]) / 0.7) ** 2
    return np.asarray(np.maximum(scores, -30.0), dtype=np.float32)


@given(clear_bins(), st.integers(0, 40), BINS_MS, st.integers(0, 99))
def test_an_answer_that_is_later_gives_times_that_are_later(
    bins: list[int], shift: int, bin_ms: int, seed: int
) -> None:
    margin = 4  # so that no edge of the clip is near
    bins = [k + margin for k in bins]
    n_bins = bins[-1] + shift + margin
    scores = smooth(bins, n_bins, seed)
    moved = np.full_like(scores, -30.0)
    moved[:, shift:] = scores[:, : n_bins - shift]
    here, there = (monotonic_decoder.decode(Posterior(s, bin_ms), n_bins * bin_ms) for s in (scores, moved))
    assert here is not None
    assert there is not None
    for one, other in zip(here, there, strict=True):
        assert abs(other.start_ms - one.start_ms - shift * bin_ms) <= 1
        assert abs(other.end_ms - one.end_ms - shift * bin_ms) <= 1


@given(st.integers(1, 12), st.integers(14, 60), BINS_MS, st.integers(-90, 90), st.integers(0, 999))
def test_times_between_bins_keep_order_length_and_limits(
    n_units: int, n_bins: int, bin_ms: int, offset_ms: int, seed: int
) -> None:
    scores = np.log(np.random.default_rng(seed).dirichlet(np.full(n_bins, 0.2), 2 * n_units) + 1e-9)
    duration_ms = (n_bins - 2) * bin_ms + seed % bin_ms
    times = monotonic_decoder.decode(Posterior(scores.astype(np.float32), bin_ms, offset_ms), duration_ms)
    assert times is not None
    edges = [edge for unit in times for edge in (unit.start_ms, unit.end_ms)]
    assert edges == sorted(edges)
    assert edges[0] >= 0
    assert edges[-1] <= duration_ms
    assert all(unit.end_ms - unit.start_ms >= bin_ms - 1 for unit in times)


class Wild:
    """An aligner that says anything, in peaks, plateaus and noise."""

    model_id = "fake/wild"
    capacity = fakes.Even.capacity

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def supports(self, language: str | None) -> bool:
        return True

    def align(self, requests: Sequence[AlignRequest]) -> list[Posterior]:
        return [self._answer(request) for request in requests]

    def _answer(self, request: AlignRequest) -> Posterior:
        n_bins = len(request.audio) // 16 // fakes.BIN_MS + 2
        n_slots = 2 * len(request.tokens)
        probs = self._rng.dirichlet(np.full(n_bins, 0.05), n_slots) + self._rng.choice([0.0, 1e-7])
        first, last = sorted(self._rng.integers(0, n_slots + 1, 2))
        probs[first:last, self._rng.integers(n_bins)] += self._rng.choice([0.0, 3.0])
        with np.errstate(divide="ignore"):  # a probability of 0 is -inf
            scores = np.log(probs / probs.sum(axis=1, keepdims=True))
        return Posterior(scores.astype(np.float32), fakes.BIN_MS)


TEXTS = st.lists(
    st.sampled_from(["3.5%", "don’t", "e-mail", "yes—no", "₩43,000", "हिन्दी", "Привет!", "—", "¿qué?", "a"]),
    min_size=1,
    max_size=25,
).map(" ".join)


@given(TEXTS, st.integers(0, 999), st.lists(st.integers(100, 4_000), min_size=2, max_size=8))
def test_whatever_the_aligner_says_words_are_whole_in_order_and_inside(
    text: str, seed: int, lengths: list[int]
) -> None:
    edges = list(itertools.accumulate(lengths))
    speech = tuple(Span(5_000 + a, 5_000 + b) for a, b in zip(edges[::2], edges[1::2], strict=False))
    chunk = Chunk(0, 0, 5_000, 5_000 + edges[-1] + 300, speech)
    samples = np.zeros(chunk.duration_ms * 16, np.float32)
    spoken = AlignmentInput(chunk, samples, "English", display_words.split(text, "en"))
    session = Session(Engines(fakes.Echo(EngineOptions()), Wild(seed)))
    (timed,) = align_words([spoken], session)
    assert "".join(word.lead + word.text for word in timed) == text
    found = [edge for word in timed for edge in (word.start_ms, word.end_ms)]
    assert found == sorted(found)
    assert all(word.start_ms < word.end_ms for word in timed)
    assert chunk.start_ms <= found[0]
    assert found[-1] <= chunk.end_ms
    assert all(
        (word.time_posterior is None) == (word.timing is Timing.INTERPOLATED) for word in timed
    ) or any(len(word.tokens) > 1 for word in spoken.words)


@given(
    st.lists(st.tuples(st.integers(1, 20), st.integers(0, 3)), max_size=30),
    st.lists(st.tuples(st.integers(1, 2_000), st.integers(1, 4_000)), min_size=1, max_size=8),
)
def test_estimates_lie_in_order_each_inside_one_span(
    loads: list[tuple[int, int]], lengths: list[tuple[int, int]]
) -> None:
    edges = list(itertools.accumulate(itertools.chain.from_iterable(lengths)))
    speech = [Span(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True)]
    times = interpolate([SpokenLength(*load) for load in loads], speech)
    assert len(times) == len(loads)
    flat = [edge for time in times for edge in time]
    assert flat == sorted(flat)
    for start_ms, end_ms in times:
        assert any(span.start_ms <= start_ms <= end_ms <= span.end_ms for span in speech)
