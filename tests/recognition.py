"""Chunks recognized and aligned at once, as the engine lane does with a batch without flags."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qasr_cli.options import AlignOptions, DecodeOptions
from qasr_cli.records import Chunk, Segment
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition import recognize

_DECODE = DecodeOptions()


def recognize_and_align(
    audio: Sequence[np.ndarray], chunks: Sequence[Chunk], session: Session, decode: DecodeOptions = _DECODE
) -> list[Segment | None]:
    """Return a segment for each chunk, None for one without words; `audio` is `float32[n_samples]` each."""
    results = recognize.recognize_batch(audio, chunks, session, decode)
    return [result.segment for result in recognize.align_batch(audio, results, session, AlignOptions())]
