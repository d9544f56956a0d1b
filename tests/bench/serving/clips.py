"""Clips for a load test: spoken sentences, each request's its own, so that no cache of a server helps.

In go the samples; out come WAV files as bytes. Two clips never have the same samples: each begins with
another length of silence and has another gain.
"""

from __future__ import annotations

import io
import itertools
import tempfile
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests import sentences

RATE_HZ = 16_000
_MIN_S, _MAX_S = 2, 8


@dataclass(frozen=True, slots=True)
class Clip:
    """One request's audio.

    Attributes:
        wav: Mono 16 kHz 16 bit, with its header.
        seconds: Its length.
    """

    wav: bytes
    seconds: float


def endless() -> Iterator[Clip]:
    """Yield clips of 2 to 8 s for ever, all different."""
    with tempfile.TemporaryDirectory() as folder:
        spoken = [
            samples
            for samples in sentences.clips(Path(folder))
            if _MIN_S * RATE_HZ <= len(samples) <= _MAX_S * RATE_HZ
        ]
    versions = [variants(samples) for samples in spoken]
    for number in itertools.count():
        yield next(versions[number % len(versions)])


def variants(samples: np.ndarray) -> Iterator[Clip]:
    """Yield a clip again and again, each time with up to 0.2 s more of silence before it and another gain."""
    for number in itertools.count():
        silence = np.zeros(16 * (number % 200), np.float32)
        yield clip(np.concatenate([silence, samples * np.float32(1 - number % 97 / 400)]))


def clip(samples: np.ndarray) -> Clip:
    """Return `float32[n_samples]` as a clip."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((samples.clip(-1, 1) * 32767).astype("<i2").tobytes())
    return Clip(buffer.getvalue(), len(samples) / RATE_HZ)
