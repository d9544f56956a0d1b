"""The extractor's mel spectrogram in two halves, so that sounds can be mixed between them.

In: float32 samples at 16 kHz. Out: log10 mel power, float32[frames, 128], 100 frames a second.
``finish(log_mel(x))`` equals transformers' ``Qwen3ASRFeatureExtractor``.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from transformers.audio_utils import mel_filter_bank

N_MELS = 128
FRAME_MS = 10
_HOP, _FFT = 160, 400
FLOOR = -10.0  # log10 of the extractor's smallest power, 1e-10: digital silence


@cache
def _filters() -> torch.Tensor:
    filters = mel_filter_bank(
        num_frequency_bins=1 + _FFT // 2, num_mel_filters=N_MELS, min_frequency=0.0, max_frequency=8000.0,
        sampling_rate=16_000, norm="slaney", mel_scale="slaney",
    )  # fmt: skip
    return torch.from_numpy(filters).float()


def log_mel(samples: np.ndarray) -> np.ndarray:
    """First half: log10 of the mel power, no lower than FLOOR. float32[n // 160, 128]."""
    wave = torch.from_numpy(np.ascontiguousarray(samples, dtype=np.float32))
    spectrum = torch.stft(wave, _FFT, _HOP, window=torch.hann_window(_FFT), return_complex=True)
    power = spectrum[..., :-1].abs() ** 2
    return torch.clamp(power.T @ _filters(), min=1e-10).log10().numpy()


def finish(logs: np.ndarray) -> np.ndarray:
    """Second half: no lower than 8 below the clip's highest value, then (x + 4) / 4."""
    return (np.maximum(logs, logs.max() - 8.0) + 4.0) / 4.0
