"""The demo pair's files for tests of what computes it, and the sample talk as clips.

In goes a kind of model, or a folder to decode into; out come an opened model, and samples at 16 kHz.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from qasr_cli.engines import model_store
from qasr_cli.engines.layouts import Kind
from qasr_cli.engines.qwen3 import loading
from qasr_cli.engines.qwen3.loading import OpenModel
from tests.media_factory import ffmpeg

TALK = Path(__file__).parents[1] / "samples" / "talk.mp4"


def opened(kind: Kind) -> OpenModel:
    """Return the pair's recogniser or aligner, opened."""
    known = model_store.named(model_store.DEMO)
    assert known is not None
    stored = model_store.find(known.aligner if kind is Kind.ALIGNER else known.recognizer)
    assert stored is not None
    return loading.open_model(kind, stored)


def talk(folder: Path) -> np.ndarray:
    """Return the talk, `float32[n_samples]`; decodes into the folder."""
    wav = folder / "talk.wav"
    ffmpeg("-i", TALK, "-ac", 1, "-ar", 16_000, wav)
    samples: np.ndarray = soundfile.read(wav, dtype="float32")[0]
    return samples
