"""Samples of other rates to 16 kHz, block by block, as telephones, browsers and voice programs send them.

In go `int16` blocks of any length; out come `int16` blocks. The filter is a windowed sinc in whole numbers,
so that the result is the same however the samples are cut into blocks. Files go through ffmpeg instead.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from qasr_cli.timebase import SAMPLE_RATE_HZ

RATES_HZ = (8_000, 16_000, 24_000, 48_000)
_EDGE = 0.94  # of the lower of both Nyquist frequencies: the middle of the transition …
_TRANSITION = 0.12  # … and its width, so that nothing above is folded into speech
_BETA = 7.0  # of Kaiser's window, for 70 dB (Kaiser & Schafer 1980, also for the length)
_ATTENUATION_DB = 70.0
_PART = 16_000  # samples at once: the filter takes up to 2 KB for each
_SCALE_BITS = 20  # taps are whole numbers of 2^-20, so that a sum of 200 is exact to half of a sample


@functools.cache
def _filter(up: int, down: int) -> tuple[np.ndarray, int]:
    """Return the filter as `int64[up, n_taps]`, a row for each phase, and its delay in steps.

    The tap of the latest sample is the first; a step is that of the least common rate.
    """
    widest = max(up, down)
    half = math.ceil((_ATTENUATION_DB - 8) / (2.285 * math.pi * _TRANSITION / widest) / 2)
    places = np.arange(-half, half + 1)
    sinc = np.sinc(places * _EDGE / widest) * _EDGE / widest
    response = sinc * np.kaiser(2 * half + 1, _BETA)
    response *= up / response.sum()
    n_taps = -(-len(response) // up)
    padded = np.zeros(n_taps * up)
    padded[: len(response)] = response
    phases = padded.reshape(n_taps, up).T
    phases = phases / phases.sum(axis=1, keepdims=True)  # a constant stays what it is, in every phase
    return np.rint(phases * (1 << _SCALE_BITS)).astype(np.int64), half


class Resampler:
    """Turns the blocks of one recording into 16 kHz, without a delay in time.

    The last 3 ms at most stay in the filter until more samples come.

    Args:
        rate_hz: One of `RATES_HZ`.
    """

    def __init__(self, rate_hz: int) -> None:
        divisor = math.gcd(rate_hz, SAMPLE_RATE_HZ)
        self._up, self._down = SAMPLE_RATE_HZ // divisor, rate_hz // divisor
        self._rows, self._delay = _filter(self._up, self._down)
        n_taps = self._rows.shape[1]
        self._kept = np.zeros(n_taps - 1, dtype=np.int64)  # before the first sample is silence
        self._first = -(n_taps - 1)  # index of the first kept sample
        self._n_out = 0

    def feed(self, block: np.ndarray) -> np.ndarray:
        """Return `int16[m]` of 16 kHz for `int16[n]`: all that does not depend on later samples."""
        if self._up == self._down:
            return block
        parts = [self._fed(block[begin : begin + _PART]) for begin in range(0, len(block), _PART)]
        return np.concatenate([np.zeros(0, dtype=np.int16), *parts])

    def _fed(self, block: np.ndarray) -> np.ndarray:
        self._kept = np.concatenate([self._kept, block.astype(np.int64)])
        n_in = self._first + len(self._kept)
        # Output n lies at step n * down, and the latest step that its filter needs is later by the delay
        n_end = max(self._n_out, -(-(n_in * self._up - self._delay) // self._down))
        steps = np.arange(self._n_out, n_end) * self._down + self._delay
        out = self._filtered(steps)
        self._n_out = n_end
        needed = (n_end * self._down + self._delay) // self._up - (self._rows.shape[1] - 1)
        n_dropped = min(len(self._kept), max(0, needed - self._first))
        self._kept, self._first = self._kept[n_dropped:], self._first + n_dropped
        return out

    def _filtered(self, steps: np.ndarray) -> np.ndarray:
        if not len(steps):  # too few samples for a window
            return np.zeros(0, dtype=np.int16)
        out = np.zeros(len(steps), dtype=np.int64)
        n_taps = self._rows.shape[1]
        latest, phase = steps // self._up - self._first, steps % self._up
        windows = np.lib.stride_tricks.sliding_window_view(self._kept, n_taps)
        for row in range(self._up):
            chosen = phase == row
            out[chosen] = windows[latest[chosen] - (n_taps - 1)] @ self._rows[row, ::-1]
        rounded = (out + (1 << (_SCALE_BITS - 1))) >> _SCALE_BITS
        samples: np.ndarray = np.clip(rounded, -32_768, 32_767).astype(np.int16)
        return samples
