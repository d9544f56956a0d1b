"""A speaker encoder that tells loud voices from soft ones, through the door that real engines use.

`--engine tests.voices:loud_and_soft` recognises made-up words, aligns them evenly and has this encoder.
"""

from __future__ import annotations

import numpy as np

from qasr_cli.options import EngineOptions
from qasr_cli.speech.inference.protocols import Engines
from qasr_cli.timebase import SAMPLES_PER_MS
from tests.fakes import Echo, Even

_LOUD = 0.1  # root mean square, of full scale


class ByLoudness:
    """A vector along one axis for a loud window and along another for a soft one."""

    def __init__(self) -> None:
        self.longest_ms = 0

    def encode(self, audio: np.ndarray, windows: np.ndarray) -> np.ndarray:
        self.longest_ms = max(self.longest_ms, len(audio) // SAMPLES_PER_MS)
        return np.stack([self._vector(audio, *window) for window in windows.tolist()]).astype(np.float32)

    @staticmethod
    def _vector(audio: np.ndarray, start_ms: int, end_ms: int) -> np.ndarray:
        assert 0 <= start_ms < end_ms <= len(audio) // SAMPLES_PER_MS
        part = audio[start_ms * SAMPLES_PER_MS : end_ms * SAMPLES_PER_MS]
        share = np.mean(np.abs(part) > _LOUD)
        noise = np.random.default_rng(start_ms).normal(0, 0.02, 4)
        return np.asarray(noise + np.array([share, 1 - share, 0, 0]))


def loud_and_soft(options: EngineOptions) -> Engines:
    """Return made-up words and two voices."""
    return Engines(Echo(options), Even(), "fake", speaker_encoder=ByLoudness())
