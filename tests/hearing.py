"""Chunks heard and timed in one go, as the engine lane does it with a batch that nothing is wrong with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qasr_cli.options import AlignOptions, DecodeOptions
from qasr_cli.records import Chunk, Segment
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition import recognize

_TOLD = DecodeOptions()


def hear_and_time(
    audio: Sequence[np.ndarray], chunks: Sequence[Chunk], session: Session, told: DecodeOptions = _TOLD
) -> list[Segment | None]:
    """Return a segment for each chunk, None for one without words; `audio` is `float32[n_samples]` each."""
    pieces = recognize.recognize_batch(audio, chunks, session, told)
    return [piece.segment for piece in recognize.align_batch(audio, pieces, session, AlignOptions())]
