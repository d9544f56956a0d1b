"""Sounds in which nobody speaks, to see that nothing is written about them.

In: a seed. Out: `float32[n_samples]` at 16 kHz in [-1, 1), made with numpy alone, but for the pauses, which
are what the samples hold between their words.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile

from qasr_cli.timebase import SAMPLE_RATE_HZ, ms_to_samples
from tests.media_factory import ffmpeg

_SAMPLES = Path(__file__).parents[1] / "samples"
_EDGE_MS = 120  # of a pause, where its neighbours' sounds fade
_JOIN = 160  # samples that fade into each other, so that joining adds no clicks


def noise(rng: np.random.Generator, n: int, slope: float) -> np.ndarray:
    """Noise whose amplitude falls with frequency to the power of `slope`: 0 white, 0.5 pink, 1 brown."""
    spectrum = rng.standard_normal(n // 2 + 1) + 1j * rng.standard_normal(n // 2 + 1)
    return _loud(np.fft.irfft(spectrum / np.arange(1, n // 2 + 2) ** slope, n))


def _wind(rng: np.random.Generator, n: int) -> np.ndarray:
    at = np.arange(n) / SAMPLE_RATE_HZ
    swell = 1.2 + np.sin(2 * np.pi * 0.3 * at) + 0.5 * np.sin(2 * np.pi * 1.1 * at)
    return _loud(noise(rng, n, 0.8) * swell)


def _hum(rng: np.random.Generator, n: int) -> np.ndarray:
    at = np.arange(n) / SAMPLE_RATE_HZ
    return _loud(np.sum([np.sin(2 * np.pi * 50 * k * at) / k for k in range(1, 9)], axis=0))


def _tones(rng: np.random.Generator, n: int) -> np.ndarray:
    """A dial tone, then beeps, then a sweep."""
    at = np.arange(n) / SAMPLE_RATE_HZ
    dial = np.sin(2 * np.pi * 350 * at) + np.sin(2 * np.pi * 440 * at)
    beeps = np.sin(2 * np.pi * 1000 * at) * (at % 0.6 < 0.25)
    sweep = np.sin(2 * np.pi * (100 + 90 * at) * at)
    third = n // 3
    return _loud(np.concatenate([dial[:third], beeps[third : 2 * third], sweep[2 * third :]]))


def _music(rng: np.random.Generator, n: int) -> np.ndarray:
    """Chords of plucked notes with overtones, a bass and a drum on every beat."""
    sound = np.zeros(n)
    beat = SAMPLE_RATE_HZ // 2
    for number, begin in enumerate(range(0, n, beat)):
        at = np.arange(min(2 * beat, n - begin)) / SAMPLE_RATE_HZ
        root = (0, 5, 7, 3)[number // 4 % 4]
        for step in (root - 12, root, root + int(rng.choice([3, 4])), root + 7, root + 12):
            pitch = 220 * 2 ** (step / 12)
            overtones = np.sum([np.sin(2 * np.pi * pitch * k * at) / k**1.5 for k in range(1, 6)], axis=0)
            sound[begin : begin + len(at)] += overtones * np.exp(-3 * at)
        sound[begin : begin + len(at)] += rng.standard_normal(len(at)) * np.exp(-40 * at)
    return _loud(sound)


def _knocks(rng: np.random.Generator, n: int) -> np.ndarray:
    sound = 0.01 * rng.standard_normal(n)
    for begin in rng.integers(0, n - 1600, 3 * n // SAMPLE_RATE_HZ):
        sound[begin : begin + 1600] += rng.standard_normal(1600) * np.exp(-np.arange(1600) / 200)
    return _loud(sound)


KINDS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "silence": lambda rng, n: np.zeros(n, np.float32),
    "white noise": lambda rng, n: noise(rng, n, 0.0),
    "pink noise": lambda rng, n: noise(rng, n, 0.5),
    "brown noise": lambda rng, n: noise(rng, n, 1.0),
    "faint noise": lambda rng, n: noise(rng, n, 0.5) * np.float32(0.01),
    "wind": _wind,
    "hum": _hum,
    "tones": _tones,
    "music": _music,
    "knocks": _knocks,
}


def write_all(folder: Path, seconds: int, seed: int) -> list[Path]:
    """Write a file of every kind, and one of the samples' pauses; return the paths."""
    rng = np.random.default_rng(seed)
    paths = []
    for name, make in KINDS.items():
        paths.append(folder / f"{name}.wav")
        soundfile.write(paths[-1], make(rng, seconds * SAMPLE_RATE_HZ), SAMPLE_RATE_HZ)
    paths.append(folder / "pauses.wav")
    soundfile.write(paths[-1], pauses(folder), SAMPLE_RATE_HZ)
    return paths


def pauses(folder: Path) -> np.ndarray:
    """Return what is between the words of the talk; `folder` takes a decoded copy for a moment."""
    ffmpeg("-i", _SAMPLES / "talk.mp4", "-vn", "-ac", 1, "-ar", SAMPLE_RATE_HZ, folder / "talk.flac")
    samples, _ = soundfile.read(folder / "talk.flac", dtype="float32")
    (folder / "talk.flac").unlink()
    words = json.loads((_SAMPLES / "talk.truth.json").read_text("utf-8"))["words"]
    parts = [
        samples[ms_to_samples(before["end_ms"] + _EDGE_MS) : ms_to_samples(after["start_ms"] - _EDGE_MS)]
        for before, after in pairwise(words)
        if after["start_ms"] - before["end_ms"] >= 3 * _EDGE_MS
    ]
    assert len(parts) > 20
    joined = parts[0]
    ramp = np.linspace(0, 1, _JOIN, dtype=np.float32)
    for part in parts[1:]:
        middle = joined[-_JOIN:] * (1 - ramp) + part[:_JOIN] * ramp
        joined = np.concatenate([joined[:-_JOIN], middle, part[_JOIN:]])
    return np.asarray(joined)


def _loud(sound: np.ndarray) -> np.ndarray:
    loud: np.ndarray = (0.5 * sound / np.abs(sound).max()).astype(np.float32)
    return loud
