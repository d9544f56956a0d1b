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
from qasr_cli.records import Chunk, Finish, Hypothesis, Segment
from qasr_cli.speech import batching, timing, words
from qasr_cli.speech.align import UnitTime, decode
from qasr_cli.speech.headroom import Headroom
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
    heard = [_with_language(answer, decode_options) for answer in _recognize(audio, engines, decode_options)]
    split = [words.split(answer.text.strip(), _code(answer)) for answer in heard]
    aligner = engines.aligner if align_options.is_enabled else None
    no_times: list[list[UnitTime] | None] = [None] * len(heard)
    times = _align(audio, heard, split, aligner, engines.aligner_headroom) if aligner else no_times
    return [
        _assemble(chunk, answer, shown, found)
        for chunk, answer, shown, found in zip(chunks, heard, split, times, strict=True)
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


def _align(
    audio: Sequence[np.ndarray],
    heard: Sequence[Hypothesis],
    split: Sequence[tuple[DisplayWord, ...]],
    aligner: Aligner,
    headroom: Headroom,
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
        posteriors: list[Posterior] = batching.run_halving(
            [requests[i] for i in some], aligner.align, [len(requests[i].audio) for i in some], headroom
        )
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
