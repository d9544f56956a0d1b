"""Kaldi's filter banks: 80 log energies of mel filters for every 10 ms of sound.

In goes a mono 16 kHz waveform; out come the features that CAM++ was trained on. As Kaldi's
`compute-fbank-feats` with 80 filters and without dither computes them; never pads.
"""

from __future__ import annotations

import functools

import torch

N_MELS = 80
FRAME_SAMPLES = 400  # 25 ms
HOP_SAMPLES = 160  # 10 ms
_FFT_SAMPLES = 512  # the power of two above a frame
_SAMPLE_RATE_HZ = 16000
_LOW_HZ = 20.0  # Kaldi's default; the highest is half of the sample rate
_PRE_EMPHASIS = 0.97
_FLOOR = torch.finfo(torch.float32).eps  # Kaldi's, below which an energy has no logarithm
_INT16_SCALE = 32768.0  # Kaldi takes samples as 16-bit integers


def fbank(samples: torch.Tensor) -> torch.Tensor:
    """Return `float32[n_frames, 80]` for `float32[n_samples]` in [-1, 1).

    Only whole frames count (Kaldi's `snip_edges`): `n_frames = 1 + (n_samples - 400) // 160`, or 0.
    """
    if len(samples) < FRAME_SAMPLES:
        return samples.new_zeros((0, N_MELS))
    frames = (samples * _INT16_SCALE).unfold(0, FRAME_SAMPLES, HOP_SAMPLES)
    frames = frames - frames.mean(dim=1, keepdim=True)
    before = torch.cat((frames[:, :1], frames[:, :-1]), dim=1)
    frames = (frames - _PRE_EMPHASIS * before) * _povey_window().to(frames)
    spectrum = torch.fft.rfft(frames, n=_FFT_SAMPLES)
    power = spectrum.real.square() + spectrum.imag.square()
    energies: torch.Tensor = power @ _mel_filters().to(power)
    return energies.clamp_min(_FLOOR).log()


@functools.cache
def _povey_window() -> torch.Tensor:
    """Return Kaldi's own window: a Hann window to the power of 0.85, which does not end at zero slope."""
    window: torch.Tensor = torch.hann_window(FRAME_SAMPLES, periodic=False)
    return window.pow(0.85)


@functools.cache
def _mel_filters() -> torch.Tensor:
    """Return `float32[257, 80]`: triangles on the mel scale of 1127 ln(1 + f / 700)."""
    nyquist_mel = _mel(torch.tensor(_SAMPLE_RATE_HZ / 2, dtype=torch.float64))
    low_mel = _mel(torch.tensor(_LOW_HZ, dtype=torch.float64))
    edges = low_mel + (nyquist_mel - low_mel) / (N_MELS + 1) * torch.arange(N_MELS + 2, dtype=torch.float64)
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    hz = torch.arange(_FFT_SAMPLES // 2 + 1, dtype=torch.float64) * (_SAMPLE_RATE_HZ / _FFT_SAMPLES)
    mel = _mel(hz)[:, None]
    rising, falling = (mel - left) / (centre - left), (right - mel) / (right - centre)
    filters = torch.minimum(rising, falling).clamp_min(0)
    filters[-1] = 0  # Kaldi leaves out the bin at half of the sample rate
    return filters.float()


def _mel(hz: torch.Tensor) -> torch.Tensor:
    return 1127.0 * torch.log1p(hz / 700.0)
