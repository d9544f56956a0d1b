"""Which of two hearings of a chunk is kept.

In go pieces as they were heard first and again; out comes how doubtful they are, and what of the second may
take the place of the first. Decides by flags, by how long each piece is, and by the letters of both.
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

# Text that a model writes where there is nothing to be heard.
_MADE_UP = {Flag.RATE, Flag.CONTEXT, Flag.LOOP}
_ON_SILENCE = {Flag.CONTEXT, Flag.LOOP}
_HARDLY_ANYTHING_MS = 1_000  # of speech: a cough or a click is shorter
# Of two spellings of one name (Nguyen, "when") half of the letters are the same, of two sentences a third.
_SAME_SOUND = 0.5


def doubt(pieces: Sequence[RecognizedChunk], chunk: Chunk) -> float:
    """Return how doubtful the pieces of a chunk are together, by how long each is; 0 when they are clean."""
    if not any(_has_words(piece) for piece in pieces):
        whole = replace(pieces[0].answer, text="")
        return hallucination.severity(hallucination.find_flags(whole, chunk, DecodeOptions()))
    total_ms = sum(piece.chunk.duration_ms for piece in pieces)
    return sum(hallucination.severity(piece.flags) * piece.chunk.duration_ms for piece in pieces) / total_ms


def is_better(again: Sequence[RecognizedChunk], best: Sequence[RecognizedChunk], chunk: Chunk) -> bool:
    """Whether what was heard again is less doubtful, and gives up nothing that may have been said.

    Silence takes the place of text only where hardly anybody speaks, or where the text is of the kind that
    models make up.
    """
    if not again or doubt(again, chunk) >= doubt(best, chunk):
        return False
    is_made_up = any(_MADE_UP & set(piece.flags) for piece in best)
    gives_up = any(not _has_words(piece) and piece.chunk.speech_ms >= _HARDLY_ANYTHING_MS for piece in again)
    return is_made_up or not gives_up or not any(_has_words(piece) for piece in best)


def sobered(again: RecognizedChunk, first: RecognizedChunk) -> RecognizedChunk:
    """Return what was heard again; an echo or a loop in what was silence at first is silence still."""
    if Flag.EMPTY not in first.flags or not _ON_SILENCE & set(again.flags):
        return again
    answer = replace(again.answer, text="")
    return replace(again, answer=answer, flags=hallucination.find_flags(answer, again.chunk, DecodeOptions()))


def is_confirmed(first: RecognizedChunk, again: Sequence[RecognizedChunk], told: DecodeOptions) -> bool:
    """Whether what looked like the context's echo was said: without the context it sounds alike.

    Args:
        first: Heard with the context.
        again: The same chunk.
        told: What was told the second time.
    """
    if first.flags != (Flag.CONTEXT,) or told.context or any(piece.flags for piece in again):
        return False
    before, after = _letters(first.answer.text), _letters("".join(piece.answer.text for piece in again))
    return difflib.SequenceMatcher(None, before, after, autojunk=False).ratio() >= _SAME_SOUND


def _has_words(piece: RecognizedChunk) -> bool:
    return bool(hallucination.normalized_tokens(piece.answer.text))


def _letters(text: str) -> str:
    """Return letters and digits in one case, taken apart: a syllable of Korean is two or three sounds."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in apart if display_words.count_letters(char))
