"""Log-mel features of chunks, the mathematics of transformers' extractor without its detours.

In goes `float32[n_samples]` at 16 kHz; out come `prompts.Features`. Several chunks share one Fourier
transform on the device, and nothing else: each is padded to whole frames, reflected at its own ends and
clamped below its own maximum. Never depends on the company of a chunk.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from qasr_cli.engines.qwen3.prompts import Features
from qasr_cli.engines.qwen3.tensors.dense_linear import DenseLinear
from qasr_cli.timebase import SAMPLE_RATE_HZ

FRAMES_PER_BLOCK = 100  # what the encoder convolves at once
_SMALLEST_POWER = 1e-10
_SAMPLES_PER_TRANSFORM = 600 * SAMPLE_RATE_HZ  # 240 MB: a frame has 400 samples, 402 parts and 201 powers
DYNAMIC_RANGE = 8.0  # powers of ten below the loudest value of a chunk


class LogMel:
    """Computes the features that `Qwen3ASRFeatureExtractor` does, and as many frames as `prompts.extract`.

    Attributes:
        hop: Samples of a frame.
    """

    def __init__(self, extractor: Any, device: torch.device | str = "cpu") -> None:
        """Take sizes and filters from transformers' extractor.

        Args:
            extractor: A `Qwen3ASRFeatureExtractor`.
            device: Where features are computed, and stay.

        Raises:
            ValueError: The extractor adds random noise.
        """
        if extractor.dither:
            raise ValueError("features with dither are random")
        self._device = torch.device(device)
        self._n_fft: int = extractor.n_fft
        self.hop: int = extractor.hop_length
        self._min_samples: int = extractor.min_length
        self._window = torch.hann_window(self._n_fft, device=self._device)
        filters = torch.as_tensor(extractor.mel_filters, dtype=torch.float32).T.to(self._device)
        self._to_mel = DenseLinear(filters, is_packed=True)

    def extract(self, audio: np.ndarray) -> Features:
        """Return the features of `float32[n_samples]`; see `extract_many`."""
        return self.extract_many([audio])[0]

    def log_frames(self, audio: np.ndarray, first_frame: int = 0) -> torch.Tensor:
        """Return the raw log-mel `float32[n_frames, n_mels]` of a chunk, from a frame on.

        It is neither clamped nor scaled: `scaled(log_frames(audio))` are the features of `extract`.

        Args:
            audio: `float32[n_samples]`, the whole chunk.
            first_frame: Frames before it are not computed.
        """
        # The cost of a stream's step must not grow with its utterance: what no frame reaches is not copied
        n_left_out = min(len(audio), max(0, first_frame * self.hop - self._n_fft))
        n_missing = self._padded_length(len(audio)) - len(audio)
        around = np.pad(np.pad(audio[n_left_out:], (0, n_missing)), self._n_fft // 2, mode="reflect")
        samples = torch.from_numpy(around[first_frame * self.hop - n_left_out :]).to(self._device)
        n_frames = (len(samples) - self._n_fft) // self.hop  # the last one is left out, as whisper does
        return self._log(self._power(samples)[:n_frames])

    def extract_many(self, audio: Sequence[np.ndarray]) -> list[Features]:
        """Return the features of several chunks, each the same as alone.

        A chunk has `max(8,000, n_samples)` samples, rounded up to whole frames of 160: in a batch the
        extractor's own count depends on the other chunks.
        """
        groups: list[list[np.ndarray]] = []
        room = 0
        for samples in audio:
            if not groups or len(samples) > room:
                groups.append([])
                room = _SAMPLES_PER_TRANSFORM
            groups[-1].append(samples)
            room -= len(samples)
        return [features for group in groups for features in self._extract_group(group)]

    def _extract_group(self, audio: Sequence[np.ndarray]) -> list[Features]:
        """Return the features of chunks that share a Fourier transform."""
        n_samples = [self._padded_length(len(samples)) for samples in audio]
        # Frames begin at every hop; a gap of whole hops keeps each chunk's on its own samples.
        gap = -(-self._n_fft // self.hop) * self.hop
        packed = np.zeros(sum(n_samples) + gap * len(audio), dtype=np.float32)
        begin = 0
        for samples, n in zip(audio, n_samples, strict=True):
            padded = self._whole_frames(samples)
            packed[begin : begin + n + self._n_fft] = np.pad(padded, self._n_fft // 2, mode="reflect")
            begin += n + gap
        power = self._power(torch.from_numpy(packed).to(self._device))
        found, begin = [], 0
        for n in n_samples:
            found.append(scaled(self._log(power[begin // self.hop : (begin + n) // self.hop])))
            begin += n + gap
        return found

    def _whole_frames(self, audio: np.ndarray) -> np.ndarray:
        return np.pad(audio, (0, self._padded_length(len(audio)) - len(audio)))

    def _padded_length(self, n_samples: int) -> int:
        return max(self._min_samples, -(-n_samples // self.hop) * self.hop)

    def _power(self, samples: torch.Tensor) -> torch.Tensor:
        """Return the power spectrum `float32[n_frames, n_fft / 2 + 1]` of every frame."""
        spectrum = torch.fft.rfft(samples.unfold(0, self._n_fft, self.hop) * self._window)
        real, imaginary = torch.view_as_real(spectrum).unbind(-1)
        return torch.addcmul(real * real, imaginary, imaginary)

    def _log(self, power: torch.Tensor) -> torch.Tensor:
        return self._to_mel(power).clamp_(min=_SMALLEST_POWER).log10_()


def scaled(log: torch.Tensor, loudest: torch.Tensor | None = None) -> Features:
    """Return features: clamped to a range below the loudest value, with whisper's scaling, `(log10 + 4) / 4`.

    Args:
        log: `float32[n_frames, n_mels]`.
        loudest: The maximum of the chunk, if these frames are a part of it.
    """
    n_frames = len(log)
    log = torch.maximum(log, (log.max() if loudest is None else loudest) - DYNAMIC_RANGE)
    n_padded = -(-n_frames // FRAMES_PER_BLOCK) * FRAMES_PER_BLOCK
    mel = log.new_zeros(log.shape[1], n_padded)
    mel[:, :n_frames] = ((log + 4.0) / 4.0).T
    return Features(mel, n_frames)
