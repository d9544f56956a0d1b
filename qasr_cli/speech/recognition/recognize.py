"""One batch of chunks through the engines: heard, judged, timed, and put together as segments.

In go audio and chunks of any sources; out comes a piece for each chunk: what was heard, what is wrong with
it, and the segment that it makes. Knows engines by their protocols only, and gives every word a time,
measured where that is possible.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from qasr_cli import languages
from qasr_cli.options import AlignOptions, DecodeOptions
from qasr_cli.records import Chunk, Hypothesis, Segment, Word
from qasr_cli.speech.alignment.forced_alignment import Spoken, time_words
from qasr_cli.speech.inference import batching
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition import hallucination
from qasr_cli.speech.text import display_words


@dataclass(frozen=True, slots=True)
class RecognizedChunk:
    """A chunk, or a part of one, and what was heard in it.

    Attributes:
        flags: What is wrong with the answer, by `suspicion.Flag`.
        segment: What it makes; None where there are no words, or as long as they have no times.
    """

    chunk: Chunk
    answer: Hypothesis
    flags: tuple[str, ...] = ()
    segment: Segment | None = None


def hear(
    audio: Sequence[np.ndarray], chunks: Sequence[Chunk], session: Session, options: DecodeOptions
) -> list[RecognizedChunk]:
    """Return what the recognizer hears in each chunk, and what is wrong with it; without times.

    An answer of marks alone ("...", "。") says nothing and counts as empty: as text it would be shown for as
    long as its chunk lasts.

    Raises:
        OutOfMemoryError: Not even one chunk fits into memory.
    """
    answers = batching.run_halving(
        audio,
        lambda some: session.recognizer.recognize(some, options),
        [len(samples) for samples in audio],
        session.recognizer_limit,
    )
    named = [_with_language(_without_bare_marks(answer), options) for answer in answers]
    return [
        RecognizedChunk(chunk, answer, hallucination.find_flags(answer, chunk, options))
        for chunk, answer in zip(chunks, named, strict=True)
    ]


def add_times(
    audio: Sequence[np.ndarray], pieces: Sequence[RecognizedChunk], session: Session, options: AlignOptions
) -> list[RecognizedChunk]:
    """Return the pieces with their segments; `audio` is `float32[n_samples]` of each.

    Raises:
        OutOfMemoryError: Not even one chunk fits into memory.
    """
    spoken = [
        Spoken(
            piece.chunk,
            samples,
            piece.answer.language,
            display_words.split(piece.answer.text.strip(), _code(piece.answer)),
        )
        for samples, piece in zip(audio, pieces, strict=True)
    ]
    timed = time_words(spoken, session, is_enabled=options.is_enabled)
    return [
        replace(piece, segment=_assemble(piece, found)) for piece, found in zip(pieces, timed, strict=True)
    ]


def _without_bare_marks(answer: Hypothesis) -> Hypothesis:
    return answer if any(map(_says_something, answer.text)) else replace(answer, text="")


def _says_something(char: str) -> bool:
    """Whether a character is a letter, a digit, or a symbol that stands for something, such as ♪."""
    category = unicodedata.category(char)
    return category[0] in "LN" or category == "So"


def _with_language(answer: Hypothesis, options: DecodeOptions) -> Hypothesis:
    """Name the forced language where a recognizer does not: the model was told it and need not repeat it."""
    forced = languages.find(options.language) if options.language else None
    return replace(answer, language=forced.name) if forced and answer.language is None else answer


def _code(answer: Hypothesis) -> str | None:
    known = languages.find(answer.language) if answer.language else None
    return known.code if known else None


def _assemble(piece: RecognizedChunk, timed: tuple[Word, ...]) -> Segment | None:
    if not timed:
        return None
    chunk = piece.chunk
    text = "".join(word.lead + word.text for word in timed)
    return Segment(chunk.start_ms, chunk.end_ms, _code(piece.answer), text, timed, piece.flags)
