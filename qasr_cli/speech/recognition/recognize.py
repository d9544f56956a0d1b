"""One batch of chunks through the engines: recognized, checked, aligned, and put together as segments.

In go audio and chunks of any sources; out comes a recognized chunk for each: its hypothesis, its flags and
its segment. Uses engines through their protocols only. Every word has a time, aligned if possible.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from qasr_cli import languages
from qasr_cli.options import AlignOptions, DecodeOptions
from qasr_cli.records import Chunk, Hypothesis, Segment, Word
from qasr_cli.speech.alignment.forced_alignment import AlignmentInput, align_words
from qasr_cli.speech.inference import batching
from qasr_cli.speech.inference.protocols import recognize_each
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition import confidence, hallucination
from qasr_cli.speech.text import display_words


@dataclass(frozen=True, slots=True)
class RecognizedChunk:
    """A chunk, or a part of one, with its hypothesis.

    Attributes:
        flags: Signs of hallucination in the hypothesis: values of `hallucination.Flag`.
        segment: Text and timed words; None if there are no words, or they have no times yet.
        detectors: What the detectors of hallucinations look at, by name.
    """

    chunk: Chunk
    hypothesis: Hypothesis
    flags: tuple[str, ...] = ()
    segment: Segment | None = None
    detectors: Mapping[str, float] = field(default_factory=dict, hash=False)


def recognize_batch(
    audio: Sequence[np.ndarray], chunks: Sequence[Chunk], session: Session, options: DecodeOptions
) -> list[RecognizedChunk]:
    """Return each chunk with its hypothesis and flags, without times; see `recognize_mixed`."""
    return recognize_mixed(audio, chunks, session, [options] * len(chunks))


def recognize_mixed(
    audio: Sequence[np.ndarray], chunks: Sequence[Chunk], session: Session, options: Sequence[DecodeOptions]
) -> list[RecognizedChunk]:
    """Return each chunk with its hypothesis and flags, without times; see `checked`.

    Args:
        audio: `float32[n_samples]` of each chunk.
        chunks: Chunks of any sources.
        session: Session with the recognizer.
        options: Options of each chunk.

    Raises:
        OutOfMemoryError: Not even one chunk fits into memory.
    """
    hypotheses = batching.run_halving(
        list(zip(audio, options, strict=True)),
        lambda part: recognize_each(session.recognizer, part),
        [len(samples) for samples in audio],
        session.recognizer_limit,
    )
    return [
        checked(chunk, hypothesis, own)
        for chunk, hypothesis, own in zip(chunks, hypotheses, options, strict=True)
    ]


def checked(chunk: Chunk, hypothesis: Hypothesis, options: DecodeOptions) -> RecognizedChunk:
    """Return a chunk with its hypothesis and flags, without times.

    A hypothesis of marks alone ("...", "。") counts as empty: its cue would be shown for the whole chunk.

    Args:
        chunk: The chunk.
        hypothesis: The recognizer's.
        options: Options that it was recognized with.
    """
    finished = _with_language(_without_bare_marks(hypothesis), options)
    found = hallucination.examine(finished, chunk, options)
    return RecognizedChunk(chunk, finished, found.flags, detectors=found.values)


def align_batch(
    audio: Sequence[np.ndarray], results: Sequence[RecognizedChunk], session: Session, options: AlignOptions
) -> list[RecognizedChunk]:
    """Return the recognized chunks with their segments; `audio` is `float32[n_samples]` of each.

    Raises:
        OutOfMemoryError: Not even one chunk fits into memory.
    """
    inputs = [
        AlignmentInput(
            result.chunk,
            samples,
            result.hypothesis.language,
            display_words.split(result.hypothesis.text.strip(), language_code(result.hypothesis)),
        )
        for samples, result in zip(audio, results, strict=True)
    ]
    aligned = align_words(inputs, session, is_enabled=options.is_enabled)
    return [
        replace(
            result,
            segment=_assemble(
                result, confidence.of_words(words, result.hypothesis, session.engines.confidence)
            ),
        )
        for result, words in zip(results, aligned, strict=True)
    ]


def _without_bare_marks(hypothesis: Hypothesis) -> Hypothesis:
    return hypothesis if any(map(_is_pronounceable, hypothesis.text)) else hypothesis.without_text


def _is_pronounceable(char: str) -> bool:
    """Whether a character is a letter, a digit, or a symbol that stands for something, such as ♪."""
    category = unicodedata.category(char)
    return category[0] in "LN" or category == "So"


def _with_language(hypothesis: Hypothesis, options: DecodeOptions) -> Hypothesis:
    """Fill in the forced language if the recognizer returns none: a model need not repeat it."""
    forced = languages.find(options.language) if options.language else None
    return replace(hypothesis, language=forced.name) if forced and hypothesis.language is None else hypothesis


def language_code(hypothesis: Hypothesis) -> str | None:
    """Return the code of a hypothesis's language; None if it has none, or one without a code."""
    entry = languages.find(hypothesis.language) if hypothesis.language else None
    return entry.code if entry else None


def _assemble(result: RecognizedChunk, words: tuple[Word, ...]) -> Segment | None:
    if not words:
        return None
    chunk = result.chunk
    text = "".join(word.lead + word.text for word in words)
    return Segment(
        *(chunk.start_ms, chunk.end_ms, language_code(result.hypothesis), text, words, result.flags),
        detectors=result.detectors,
    )
