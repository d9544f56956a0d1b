"""Media for a cluster: some minutes of speech, in files of many seconds, in folders."""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import soundfile

from tests.forking.processes import ROOT

_RATE_HZ = 16_000


def write(folder: Path, n_files: int, n_clips: int) -> None:
    """Write files of so many clips of the samples each, the same ones in every call."""
    read = [soundfile.read(path, dtype="int16") for path in sorted(ROOT.glob("samples/clips/*.[wfo]*"))]
    spoken = [samples for samples, rate_hz in read if rate_hz == _RATE_HZ]
    assert len(spoken) >= 4
    for number in range(n_files):
        path = folder / f"day-{number % 3}" / f"{number:02d}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        order = random.Random(number).choices(range(len(spoken)), k=n_clips)
        soundfile.write(path, np.concatenate([spoken[place] for place in order]), _RATE_HZ)
        os.utime(path, (1_700_000_000, 1_700_000_000))
