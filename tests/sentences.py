"""The sentences of the samples as clips: what is spoken in them is known, and none is cut inside a word.

In go the samples and their truth files; out come `float32[n_samples]` at 16 kHz, one clip for each sentence
and one for each two sentences in a row.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from tests.media_factory import ffmpeg
from tools import make_calibration

SAMPLES = Path(__file__).parents[1] / "samples"
_PAD_MS = 150
_MAX_MS = 20_000


def clips(folder: Path) -> list[np.ndarray]:
    """Return all clips; decodes into the folder."""
    found: list[np.ndarray] = []
    for name, track, words in _recordings():
        wav = folder / f"{name.replace('/', '.')}.{track}.wav"
        ffmpeg("-i", SAMPLES / name, "-map", f"0:a:{track}", "-ac", 1, "-ar", 16_000, wav)
        audio, _ = soundfile.read(wav, dtype="float32")
        spans = [(spoken[0]["start_ms"], spoken[-1]["end_ms"]) for spoken in make_calibration.split(words)]
        pairs = [(one[0], other[1]) for one, other in itertools.pairwise(spans)]
        found += [
            audio[max(0, start - _PAD_MS) * 16 : (end + _PAD_MS) * 16]
            for start, end in [*spans, *pairs]
            if end - start <= _MAX_MS
        ]
    return found


def _recordings() -> list[tuple[str, int, list[dict[str, Any]]]]:
    """Return name, track and words of every sample."""
    truth = {name: json.loads((SAMPLES / f"{name}.truth.json").read_text("utf-8")) for name in _NAMES}
    clips_truth = truth["clips"].items()
    return [
        ("talk.mp4", 0, truth["talk"]["words"]),
        ("three-languages.ogg", 0, truth["three-languages"]["words"]),
        *(("two-tracks.mkv", i, track["words"]) for i, track in enumerate(truth["two-tracks"]["tracks"])),
        *((f"clips/{name}", 0, entry["words"]) for name, entry in clips_truth),
    ]


_NAMES = ("talk", "three-languages", "two-tracks", "clips")
