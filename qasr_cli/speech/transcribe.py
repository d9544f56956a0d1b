"""One batch of chunks through the engines: heard, timed, and put together as segments.

In go audio and chunks of any sources; out comes a segment for each chunk, or None where nobody said anything.
Knows engines by their protocols only, and gives every word a time, measured where that is possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from qasr_cli import languages
from qasr_cli.options import AlignOptions, DecodeOptions
from qasr_cli.records import Chunk, Finish, Hypothesis, Segment, Word
from qasr_cli.speech import batching, words
from qasr_cli.speech.forced_alignment import Spoken, time_words
from qasr_cli.speech.protocols import Engines


def transcribe(
    audio: Sequence[np.ndarray],
    chunks: Sequence[Chunk],
    engines: Engines,
    decode_options: DecodeOptions,
    align_options: AlignOptions,
) -> list[Segment | None]:
    """Return a segment for each chunk, None for one without words.

    Args:
        audio: `float32[n_samples]` of each chunk.
        chunks: Where each lies in its source.
        engines: The pair to work with.
        decode_options: What the recognizer is told.
        align_options: Whether words are to be aligned.

    Raises:
        OutOfMemoryError: Not even one chunk fits into memory.
    """
    heard = [_with_language(answer, decode_options) for answer in _recognize(audio, engines, decode_options)]
    spoken = [
        Spoken(chunk, samples, answer.language, words.split(answer.text.strip(), _code(answer)))
        for chunk, samples, answer in zip(chunks, audio, heard, strict=True)
    ]
    timed = time_words(spoken, engines, is_enabled=align_options.is_enabled)
    return [
        _assemble(chunk, answer, found) for chunk, answer, found in zip(chunks, heard, timed, strict=True)
    ]


def _recognize(audio: Sequence[np.ndarray], engines: Engines, options: DecodeOptions) -> list[Hypothesis]:
    lengths = [len(samples) for samples in audio]
    return batching.run_halving(
        audio,
        lambda some: engines.recognizer.recognize(some, options),
        lengths,
        engines.recognizer_headroom,
    )


def _with_language(answer: Hypothesis, options: DecodeOptions) -> Hypothesis:
    """Name the forced language where a recognizer does not: the model was told it and need not repeat it."""
    forced = languages.find(options.language) if options.language else None
    return replace(answer, language=forced.name) if forced and answer.language is None else answer


def _code(answer: Hypothesis) -> str | None:
    known = languages.find(answer.language) if answer.language else None
    return known.code if known else None


def _assemble(chunk: Chunk, answer: Hypothesis, timed: tuple[Word, ...]) -> Segment | None:
    if not timed:
        return None
    flags = ("truncated",) if answer.finish is Finish.TRUNCATED else ()
    text = "".join(word.lead + word.text for word in timed)
    return Segment(chunk.start_ms, chunk.end_ms, _code(answer), text, timed, flags)
