"""Hypothesis selection: whether a retry replaces the first hypothesis of a chunk.

In go recognized chunks of the first pass and of a retry; out come their severity, and whether the retry is
better. Only flags, the chunks' durations and the letters of both count; never reads audio.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from qasr_cli.options import DecodeOptions
from qasr_cli.records import Chunk
from qasr_cli.speech.recognition import hallucination
from qasr_cli.speech.recognition.hallucination import Flag
from qasr_cli.speech.recognition.recognize import RecognizedChunk
from qasr_cli.speech.text import display_words

# Text that a model writes for audio without speech.
_HALLUCINATIONS = {Flag.RATE, Flag.CONTEXT, Flag.LOOP}
_HALLUCINATIONS_ON_SILENCE = {Flag.CONTEXT, Flag.LOOP}
_MIN_SPEECH_MS = 1_000  # of speech: a cough or a click is shorter
# Of two spellings of one name (Nguyen, "when") half of the letters are the same, of two sentences a third.
_SAME_SOUND = 0.5


def mean_severity(results: Sequence[RecognizedChunk], chunk: Chunk) -> float:
    """Return the mean severity of the parts of a chunk, weighted by their durations; 0 when all are clean."""
    if not any(_has_words(result) for result in results):
        whole = results[0].hypothesis.without_text
        return hallucination.severity(hallucination.find_flags(whole, chunk, DecodeOptions()))
    total_ms = sum(result.chunk.duration_ms for result in results)
    return (
        sum(hallucination.severity(result.flags) * result.chunk.duration_ms for result in results) / total_ms
    )


def is_better(retried: Sequence[RecognizedChunk], best: Sequence[RecognizedChunk], chunk: Chunk) -> bool:
    """Whether a retry is less severe than the best result, and loses no text that may be spoken.

    An empty hypothesis replaces text only if there is hardly any speech or the text looks hallucinated.
    """
    if not retried or mean_severity(retried, chunk) >= mean_severity(best, chunk):
        return False
    is_hallucinated = any(_HALLUCINATIONS & set(result.flags) for result in best)
    loses_text = any(
        not _has_words(result) and result.chunk.speech_ms >= _MIN_SPEECH_MS for result in retried
    )
    return is_hallucinated or not loses_text or not any(_has_words(result) for result in best)


def without_hallucinated_text(retried: RecognizedChunk, first: RecognizedChunk) -> RecognizedChunk:
    """Return the retry, without a loop or a context repetition where the first pass has no text."""
    if Flag.EMPTY not in first.flags or not _HALLUCINATIONS_ON_SILENCE & set(retried.flags):
        return retried
    hypothesis = retried.hypothesis.without_text
    found = hallucination.examine(hypothesis, retried.chunk, DecodeOptions())
    return replace(retried, hypothesis=hypothesis, flags=found.flags, detectors=found.values)


def is_confirmed(first: RecognizedChunk, retried: Sequence[RecognizedChunk], decode: DecodeOptions) -> bool:
    """Whether text that looked like a context repetition is spoken: recognised again without it, it is alike.

    Args:
        first: The chunk recognised with the context.
        retried: The retry of the same chunk.
        decode: Options of the retry.
    """
    if first.flags != (Flag.CONTEXT,) or decode.context or any(result.flags for result in retried):
        return False
    before, after = (
        _letters(first.hypothesis.text),
        _letters("".join(result.hypothesis.text for result in retried)),
    )
    return difflib.SequenceMatcher(None, before, after, autojunk=False).ratio() >= _SAME_SOUND


def _has_words(result: RecognizedChunk) -> bool:
    return bool(hallucination.normalized_tokens(result.hypothesis.text))


def _letters(text: str) -> str:
    """Return letters and digits in one case, taken apart: a syllable of Korean is two or three sounds."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if display_words.count_letters(char))
