"""One batch of chunks through the engines: heard, timed, and put together as segments.

In go audio and chunks of any sources; out comes a segment for each chunk, or None where nobody said anything.
Knows engines by their protocols only, and gives every word a time, measured where that is possible.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qasr_cli import languages
from qasr_cli.options import AlignOptions, DecodeOptions
from qasr_cli.records import Chunk, Finish, Hypothesis, Segment
from qasr_cli.speech import batching, timing, words
from qasr_cli.speech.align import UnitTime, decode
from qasr_cli.speech.protocols import Aligner, AlignRequest, Engines, Posterior
from qasr_cli.speech.words import DisplayWord


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
    heard = batching.run_halving(audio, lambda some: engines.recognizer.recognize(some, decode_options))
    split = [words.split(answer.text.strip(), _code(answer)) for answer in heard]
    aligner = engines.aligner if align_options.is_enabled else None
    times = _align(audio, heard, split, aligner) if aligner else [None] * len(heard)
    return [
        _assemble(chunk, answer, shown, found)
        for chunk, answer, shown, found in zip(chunks, heard, split, times, strict=True)
    ]


def _code(answer: Hypothesis) -> str | None:
    known = languages.find(answer.language) if answer.language else None
    return known.code if known else None


def _align(
    audio: Sequence[np.ndarray],
    heard: Sequence[Hypothesis],
    split: Sequence[tuple[DisplayWord, ...]],
    aligner: Aligner,
) -> list[list[UnitTime] | None]:
    """Return the times of each chunk's units, None where the aligner cannot say."""
    times: list[list[UnitTime] | None] = [None] * len(heard)
    requests: dict[int, AlignRequest] = {}
    for index, (samples, answer, shown) in enumerate(zip(audio, heard, split, strict=True)):
        units = tuple(unit for word in shown for unit in word.units)
        fits = timing.duration_ms(samples) <= aligner.capacity.max_chunk_ms
        if units and fits and aligner.supports(answer.language):
            requests[index] = AlignRequest(samples, units, answer.language)
    order = list(requests)
    durations = [timing.duration_ms(requests[index].audio) for index in order]
    for batch in batching.plan(durations, aligner.capacity):
        some = [order[i] for i in batch]
        posteriors: list[Posterior] = batching.run_halving([requests[i] for i in some], aligner.align)
        for index, posterior in zip(some, posteriors, strict=True):
            times[index] = decode(posterior, timing.duration_ms(requests[index].audio))
    return times


def _assemble(
    chunk: Chunk, answer: Hypothesis, shown: tuple[DisplayWord, ...], times: list[UnitTime] | None
) -> Segment | None:
    if not shown:
        return None
    timed = timing.from_units(shown, times, chunk) if times else timing.spread(shown, chunk)
    flags = ("truncated",) if answer.finish is Finish.TRUNCATED else ()
    return Segment(
        chunk.start_ms, chunk.end_ms, _code(answer), "".join(w.lead + w.text for w in shown), timed, flags
    )
