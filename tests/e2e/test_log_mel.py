"""Log-mel features against transformers' extractor, and that the company of a chunk changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch
from transformers import Qwen3ASRFeatureExtractor

from qasr_cli.engines.qwen3 import prompts
from qasr_cli.engines.qwen3.audio import mel
from qasr_cli.engines.qwen3.audio.mel import LogMel
from tests.e2e.conftest import SAMPLES

EXTRACTOR = Qwen3ASRFeatureExtractor(feature_size=128)
# One sample, either side of the shortest chunk, of a frame and of a block, and a chunk of 30 s.
LENGTHS = (1, 159, 7_999, 8_000, 8_001, 15_999, 16_000, 16_001, 16_160, 112_037, 480_000)


def noise(n_samples: int, scale: float = 0.1, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(n_samples) * scale).astype(np.float32)


def speech() -> list[np.ndarray]:
    paths = [
        path for path in sorted((SAMPLES / "clips").iterdir()) if path.suffix in {".wav", ".flac", ".ogg"}
    ]
    assert len(paths) == 6
    return [soundfile.read(path, dtype="float32")[0] for path in paths]


def odd_sounds() -> list[np.ndarray]:
    """Silence, near-silence, full scale, a click, a tone, and noise that ends in silence."""
    click = np.zeros(20_000, dtype=np.float32)
    click[-1] = 1
    tone = np.sin(np.arange(30_000) * 0.4).astype(np.float32)
    return [
        np.zeros(24_000, dtype=np.float32), noise(24_000, 1e-6), np.sign(noise(24_000)), click, tone,
        np.concatenate([noise(9_000), np.zeros(9_000, dtype=np.float32)]), np.zeros(0, dtype=np.float32),
    ]  # fmt: skip


def everything() -> list[np.ndarray]:
    return [*speech(), *odd_sounds(), *(noise(n, seed=n) for n in LENGTHS)]


def test_features_are_those_of_transformers() -> None:
    ours = LogMel(EXTRACTOR)
    for samples in everything():
        theirs, found = prompts.extract(EXTRACTOR, samples), ours.extract(samples)
        assert (found.n_frames, found.mel.shape, found.mel.dtype) == (
            theirs.n_frames,
            theirs.mel.shape,
            torch.float32,
        )
        assert not found.mel[:, found.n_frames :].any()
        assert (found.mel - theirs.mel).abs().max() <= 1e-6


@pytest.mark.parametrize("n_together", [1, 100_000, 10**9])
def test_the_company_of_a_chunk_changes_no_bit(n_together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, chunks = LogMel(EXTRACTOR), everything()
    monkeypatch.setattr(mel, "_SAMPLES_PER_TRANSFORM", n_together)
    for order in (chunks, chunks[::-1]):
        for samples, found in zip(order, ours.extract_many(order), strict=True):
            alone = ours.extract(samples)
            assert alone.n_frames == found.n_frames
            assert torch.equal(alone.mel, found.mel)
    assert ours.extract_many([]) == []


def test_frames_from_the_middle_on_are_those_of_the_chunk() -> None:
    """In full windows they are also those of the chunk that goes on, up to 2 frames before the end."""
    ours, samples = LogMel(EXTRACTOR), np.concatenate(speech())
    whole = ours.log_frames(samples)
    assert torch.equal(mel.scaled(whole).mel, ours.extract(samples).mel)
    for n_samples in (*LENGTHS, 128_000, 128_319):
        chunk = samples[:n_samples]
        log = ours.log_frames(chunk)
        assert torch.equal(mel.scaled(log).mel, ours.extract(chunk).mel)
        for first in (1, len(log) // 2, len(log) - 1):
            torch.testing.assert_close(ours.log_frames(chunk, first), log[first:], rtol=1e-6, atol=1e-6)
        n_fixed = max(0, n_samples // 160 - 2)
        torch.testing.assert_close(log[:n_fixed], whole[:n_fixed], rtol=1e-6, atol=1e-6)
        part = log[: max(1, n_fixed)]
        found = mel.scaled(part, log.max())
        assert torch.equal(found.mel[:, : len(part)], mel.scaled(log).mel[:, : len(part)])


def test_the_samples_stay_as_they_are() -> None:
    samples = noise(20_000)
    samples.flags.writeable = False
    before = samples.copy()
    LogMel(EXTRACTOR).extract_many([samples, samples])
    assert np.array_equal(samples, before)


def test_random_features_are_refused() -> None:
    with pytest.raises(ValueError, match="dither"):
        LogMel(Qwen3ASRFeatureExtractor(feature_size=128, dither=1e-5))
