"""Sounds without speech: to lay under sentences, and to teach that there is nothing to write.

In: a seeded numpy generator. Out: float32 samples at 16 kHz with peak 1 (or silence).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.signal import butter, sosfilt

_RATE_HZ = 16_000


def _normal(sound: np.ndarray) -> np.ndarray:
    return (sound / max(float(np.abs(sound).max()), 1e-9)).astype(np.float32)


def _coloured(rng: np.random.Generator, n: int) -> np.ndarray:
    """Noise whose power falls (or rises) with frequency: white, pink, brown and between."""
    slope = rng.choice([0.0, 0.5, 1.0, rng.uniform(-0.3, 1.2)])
    spectrum = rng.standard_normal(n // 2 + 1) + 1j * rng.standard_normal(n // 2 + 1)
    return np.fft.irfft(spectrum / np.arange(1, n // 2 + 2) ** slope, n)


def _band(rng: np.random.Generator, n: int) -> np.ndarray:
    low = float(rng.uniform(60, 4000))
    high = min(low * float(rng.uniform(1.3, 4)), 7900.0)
    return sosfilt(butter(2, [low, high], "bandpass", fs=_RATE_HZ, output="sos"), _coloured(rng, n))


def _swelling(rng: np.random.Generator, n: int) -> np.ndarray:
    """Noise that comes and goes, like wind, traffic or waves."""
    at = np.arange(n) / _RATE_HZ
    swell = 1 + np.sin(2 * np.pi * rng.uniform(0.1, 6) * at + rng.uniform(0, 6)) * rng.uniform(0.3, 1)
    return (_coloured if rng.random() < 0.5 else _band)(rng, n) * swell


def _hum(rng: np.random.Generator, n: int) -> np.ndarray:
    """Mains hum or an engine: a low tone, its harmonics and some hiss."""
    at = np.arange(n) / _RATE_HZ
    base = rng.choice([50.0, 60.0, rng.uniform(40, 200)])
    tones = sum(
        rng.uniform(0, 1) / k * np.sin(2 * np.pi * base * k * at + rng.uniform(0, 6)) for k in range(1, 12)
    )
    return tones + rng.uniform(0, 0.3) * _normal(_coloured(rng, n))


def _tones(rng: np.random.Generator, n: int) -> np.ndarray:
    """Steady tones, beeps, dial tones or a sweep."""
    at = np.arange(n) / _RATE_HZ
    first, second = rng.uniform(80, 4000, 2)
    kind = rng.integers(4)
    if kind == 0:
        return np.sin(2 * np.pi * first * at)
    if kind == 1:
        return np.sin(2 * np.pi * first * at) + np.sin(2 * np.pi * second * at)
    if kind == 2:
        period = rng.uniform(0.2, 2)
        return np.sin(2 * np.pi * first * at) * (at % period < period * rng.uniform(0.2, 0.8))
    return np.sin(2 * np.pi * (first + (second - first) * at / at[-1] / 2) * at)


def _melody(rng: np.random.Generator, n: int) -> np.ndarray:
    """Notes with overtones that die away, one or a chord at a time."""
    sound = np.zeros(n)
    step = int(_RATE_HZ * rng.uniform(0.15, 0.7))
    for begin in range(0, n - step, step):
        length = min(n - begin, int(step * rng.uniform(1, 3)))
        at = np.arange(length) / _RATE_HZ
        for _ in range(rng.integers(1, 4)):
            pitch = 110 * 2 ** (rng.integers(0, 36) / 12)
            note = sum(np.sin(2 * np.pi * pitch * k * at) / k**1.3 for k in range(1, 6))
            sound[begin : begin + length] += note * np.exp(-at * rng.uniform(2, 8))
    return sound


def _clicks(rng: np.random.Generator, n: int) -> np.ndarray:
    """Knocks and clicks: short bursts at random moments over faint hiss."""
    sound = rng.uniform(0, 0.02) * rng.standard_normal(n)
    for begin in rng.integers(0, n, max(1, int(n / _RATE_HZ * rng.uniform(0.5, 8)))):
        length = min(n - begin, int(_RATE_HZ * rng.uniform(0.002, 0.06)))
        burst = rng.standard_normal(length) * np.exp(-np.arange(length) / (length / 4 + 1))
        sound[begin : begin + length] += burst * rng.uniform(0.2, 1)
    return sound


_DTMF_HZ = ((697, 770, 852, 941), (1209, 1336, 1477, 1633))


def _dtmf(rng: np.random.Generator, n: int) -> np.ndarray:
    """Telephone keys: two tones each, at random moments."""
    sound = rng.uniform(0, 0.01) * rng.standard_normal(n)
    at = int(rng.uniform(0, 0.5) * _RATE_HZ)
    while at < n:
        length = min(n - at, int(_RATE_HZ * rng.uniform(0.06, 0.3)))
        moments = np.arange(length) / _RATE_HZ
        sound[at : at + length] += sum(np.sin(2 * np.pi * rng.choice(row) * moments) for row in _DTMF_HZ)
        at += length + int(_RATE_HZ * rng.uniform(0.04, 1.0))
    return sound


def _applause(rng: np.random.Generator, n: int) -> np.ndarray:
    """Clapping hands, each a short burst with its own colour, swelling and thinning out."""
    sound = np.zeros(n)
    for begin in rng.integers(0, n, max(1, int(n / _RATE_HZ * rng.uniform(8, 90)))):
        length = min(n - begin, int(_RATE_HZ * rng.uniform(0.01, 0.05)))
        smear = int(rng.integers(1, 8))
        burst = np.convolve(rng.standard_normal(length + smear - 1), np.ones(smear), "valid")
        sound[begin : begin + length] += burst * np.exp(-np.arange(length) / (length / 5 + 1))
    at = np.arange(n) / _RATE_HZ
    return sound * (1 + rng.uniform(0, 0.9) * np.sin(2 * np.pi * rng.uniform(0.02, 0.3) * at))


def _breath(rng: np.random.Generator, n: int) -> np.ndarray:
    """Breathing: soft noise through a throat, in and out, with rests between."""
    sound = np.zeros(n)
    at = int(rng.uniform(0, 1) * _RATE_HZ)
    while at < n - 400:
        length = min(n - at, int(_RATE_HZ * rng.uniform(0.3, 1.6)))
        low = float(rng.uniform(200, 1500))
        throat = butter(1, [low, low * float(rng.uniform(2, 5))], "bandpass", fs=_RATE_HZ, output="sos")
        sound[at : at + length] += sosfilt(throat, rng.standard_normal(length)) * np.hanning(length)
        at += length + int(_RATE_HZ * rng.uniform(0.1, 2.0))
    return sound + 1e-4 * rng.standard_normal(n)


KINDS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "coloured": _coloured, "band": _band, "swelling": _swelling, "hum": _hum, "tones": _tones,
    "melody": _melody, "clicks": _clicks, "dtmf": _dtmf, "applause": _applause, "breath": _breath,
}  # fmt: skip


def make(kind: str, rng: np.random.Generator, duration_s: float) -> np.ndarray:
    """One sound of a kind of KINDS, float32[duration_s * 16000], peak 1."""
    return _normal(KINDS[kind](rng, int(duration_s * _RATE_HZ)))


def room(rng: np.random.Generator) -> np.ndarray:
    """A room's impulse response: the direct sound and a noisy tail of 0.1 to 0.5 s. float32[n]."""
    length = int(_RATE_HZ * rng.uniform(0.1, 0.5))
    tail = rng.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
    tail *= rng.uniform(0.1, 0.6) / np.sqrt((tail**2).sum())
    tail[: int(_RATE_HZ * rng.uniform(0.002, 0.01))] = 0
    tail[0] = 1.0
    return tail.astype(np.float32)
