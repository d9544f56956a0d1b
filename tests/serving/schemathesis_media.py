"""The files that schemathesis sends where the description wants media: a clip, and one without speech."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import schemathesis
from hypothesis import strategies as st

_CLIP = Path(__file__).parents[2] / "samples/clips/clip-02.mp3"


def silence() -> bytes:
    """Return a second of silence as WAV."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, 16_000, 0, "NONE", ""))
        writer.writeframes(bytes(32_000))
    return file.getvalue()


for kind in ("audio/*", "video/*", "application/octet-stream"):
    schemathesis.openapi.media_type(kind, st.sampled_from([_CLIP.read_bytes(), silence()]))
