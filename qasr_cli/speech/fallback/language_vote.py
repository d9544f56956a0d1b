"""Which language a file is in, and which of its chunks were probably mistaken for another.

In go pieces with the language that each was heard in; out come codes and indices. Looks at nothing but how
long each language was spoken, and what is doubtful.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

from qasr_cli import languages
from qasr_cli.options import DecodeOptions, GuardOptions
from qasr_cli.speech.recognition.hallucination import Flag
from qasr_cli.speech.recognition.recognize import RecognizedChunk

_LEAST_SHARE = 2 / 3  # of the speech; with less, the file is in two languages and neither is a mistake
# Text that the token budget cut off is doubtful, its language is not.
_HARMLESS = {Flag.TRUNCATED}
_OF_LANGUAGE = {Flag.LANGUAGE, Flag.SCRIPT}


def language_for(
    piece: RecognizedChunk, pieces: Sequence[RecognizedChunk], told: DecodeOptions, options: GuardOptions
) -> str | None:
    """Return the code of the language that a doubtful piece is heard again in; None leaves it to the model.

    Where it is the language that is doubted, that is the one of which there is most. Else it is one that the
    file is clearly in, doubtful pieces counted: a model that fails at a language fails at it again and again,
    and must not be made to write down the same in another one.

    Args:
        piece: With a flag.
        pieces: Of its file.
        told: What the recognizer was told at first; a language in it stays.
        options: Say whether languages may change.
    """
    flags = set(piece.flags)
    if told.language or (options.multilingual and Flag.LANGUAGE not in flags):
        return told.language
    spoken = majority(pieces, told.languages)
    if flags & _OF_LANGUAGE:
        is_foreign = Flag.LANGUAGE in flags
        return spoken or (next(iter(told.languages), None) if is_foreign else None)
    return spoken if flags - _HARMLESS and _is_clear(spoken, pieces) else None


def majority(pieces: Sequence[RecognizedChunk], allowed: Sequence[str] = ()) -> str | None:
    """Return the code of the language that is spoken longest, or None when none is known.

    What is doubtful has no vote, unless it was only cut off. Of equals the one heard first wins.

    Args:
        pieces: Of one file.
        allowed: Codes to choose from; empty: all.
    """
    spoken = _spoken_ms(pieces, set(Flag) - _HARMLESS)
    candidates = [code for code in spoken if not allowed or code in allowed]
    return max(candidates, key=lambda code: spoken[code], default=None)


def dissenters(
    pieces: Sequence[RecognizedChunk], voters: Sequence[RecognizedChunk], options: GuardOptions
) -> list[int]:
    """Return the indices of short pieces in another language than a file that is clearly in one.

    Args:
        pieces: To look at; of the file that the voters are of.
        voters: Decide what language the file is in.
        options: Say what is short, and whether languages may change.
    """
    winner = majority(voters)
    if options.multilingual or not _is_clear(winner, voters):
        return []
    return [
        index
        for index, piece in enumerate(pieces)
        if _code(piece) not in {winner, None}
        and not piece.flags
        and piece.chunk.speech_ms <= options.max_dissent_ms
    ]


def _is_clear(winner: str | None, pieces: Sequence[RecognizedChunk]) -> bool:
    """Whether a file is in one language, by all that was heard in it, however badly."""
    spoken = _spoken_ms(pieces, _OF_LANGUAGE)
    return winner is not None and spoken.get(winner, 0) >= _LEAST_SHARE * sum(spoken.values())


def _spoken_ms(pieces: Sequence[RecognizedChunk], without: Set[str]) -> dict[str, int]:
    """Return how long each language was spoken, without pieces that have one of the flags."""
    spoken: dict[str, int] = {}
    for piece in pieces:
        code = _code(piece)
        if code is not None and not without & set(piece.flags):
            spoken[code] = spoken.get(code, 0) + piece.chunk.speech_ms
    return spoken


def _code(piece: RecognizedChunk) -> str | None:
    """Return the language that a piece was heard in."""
    if not piece.answer.text or not piece.answer.language:
        return None
    entry = languages.find(piece.answer.language)
    return entry.code if entry else None
