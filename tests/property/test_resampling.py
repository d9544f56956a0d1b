"""Samples of other rates: the same however they are cut, on time, and without what lies above speech."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qasr_cli.serving.realtime.sound import Encoding, Sound
from qasr_cli.serving.resampling import RATES_HZ, Resampler
from qasr_cli.timebase import SAMPLE_RATE_HZ


def whole(samples: np.ndarray, rate_hz: int) -> np.ndarray:
    """Return a recording in 16 kHz, fed at once, and silence behind it, which brings its end out."""
    resampler = Resampler(rate_hz)
    both = np.concatenate([resampler.feed(samples), resampler.feed(silence(rate_hz))])
    return both[: -(-len(samples) * SAMPLE_RATE_HZ // rate_hz)]


def silence(rate_hz: int) -> np.ndarray:
    """Return 10 ms of silence, more than the filter holds."""
    return np.zeros(rate_hz // 100, dtype=np.int16)


def tone(hz: float, rate_hz: int, seconds: float = 0.5) -> np.ndarray:
    """Return a tone at half of the largest size."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    samples: np.ndarray = np.rint(16_384 * np.sin(2 * np.pi * hz * times)).astype(np.int16)
    return samples


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(RATES_HZ), st.lists(st.integers(0, 700), max_size=12), st.integers(0, 2**32 - 1))
def test_blocks_do_not_matter(rate_hz: int, lengths: list[int], seed: int) -> None:
    samples = np.random.default_rng(seed).integers(-32_768, 32_768, sum(lengths)).astype(np.int16)
    resampler, parts, begin = Resampler(rate_hz), [], 0
    for length in lengths:
        parts.append(resampler.feed(samples[begin : begin + length]))
        begin += length
    parts.append(resampler.feed(silence(rate_hz)))
    together = whole(samples, rate_hz)
    assert np.array_equal(np.concatenate(parts)[: len(together)], together)


@pytest.mark.parametrize("rate_hz", [8_000, 24_000])
def test_a_long_block_takes_little_memory(rate_hz: int) -> None:
    samples = np.zeros(30 * rate_hz, dtype=np.int16)
    tracemalloc.start()
    try:
        Resampler(rate_hz).feed(samples)
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("hz", [100, 1_000, 3_400])
def test_speech_stays_as_it_is_and_on_time(rate_hz: int, hz: int) -> None:
    found = whole(tone(hz, rate_hz), rate_hz)
    expected = tone(hz, SAMPLE_RATE_HZ)
    assert abs(len(found) - len(expected)) <= 1
    error = (found[500:-500] - expected[500 : len(found) - 500].astype(int)).std()
    assert error < 16_384 / 1_000  # 57 dB below the tone


@pytest.mark.parametrize(
    ("rate_hz", "hz"), [(24_000, 8_400), (24_000, 11_000), (48_000, 9_000), (48_000, 20_000)]
)
def test_what_lies_above_is_not_folded_into_speech(rate_hz: int, hz: int) -> None:
    assert whole(tone(hz, rate_hz), rate_hz)[500:-500].std() < 16_384 / 1_000


def test_a_constant_stays_one() -> None:
    for rate_hz in RATES_HZ:
        found = whole(np.full(rate_hz // 4, 20_000, np.int16), rate_hz)
        assert set(found[500:-500].tolist()) <= {19_999, 20_000, 20_001}


def test_g711_is_that_of_its_recommendation() -> None:
    u_law, a_law = Sound(Encoding.U_LAW, 16_000), Sound(Encoding.A_LAW, 16_000)  # rates play no part here
    # ITU-T G.711, tables 1 and 2: decoded values of the ends of segments, in 16 bits
    assert u_law.samples("AH+A/w==").tolist() == [-32_124, 0, 32_124, 0]
    assert a_law.samples("VdUqqg==").tolist() == [-8, 8, -32_256, 32_256]


def test_a_sample_may_be_cut_in_two() -> None:
    sound = Sound(Encoding.PCM, 16_000)
    assert sound.samples("AQ==").tolist() == []
    assert sound.samples("AgME").tolist() == [0x0201, 0x0403]
