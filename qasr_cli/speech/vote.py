"""Which language a file is in, and which of its chunks were probably mistaken for another.

In go pieces with the language that each was heard in; out come a code and indices. Looks at nothing but how
long each language was spoken.
"""

from __future__ import annotations

from collections.abc import Sequence

from qasr_cli import languages
from qasr_cli.options import GuardOptions
from qasr_cli.speech.transcribe import Piece

_LEAST_SHARE = 2 / 3  # of the speech; with less, the file is in two languages and neither is a mistake


def majority(pieces: Sequence[Piece], allowed: Sequence[str] = ()) -> str | None:
    """Return the code of the language that is spoken longest, or None when none is known.

    What is doubtful has no vote. Of equals the one heard first wins.

    Args:
        pieces: Of one file.
        allowed: Codes to choose from; empty: all.
    """
    spoken = _spoken_ms(pieces)
    candidates = [code for code in spoken if not allowed or code in allowed]
    return max(candidates, key=lambda code: spoken[code], default=None)


def dissenters(pieces: Sequence[Piece], voters: Sequence[Piece], options: GuardOptions) -> list[int]:
    """Return the indices of short pieces in another language than a file that is clearly in one.

    Args:
        pieces: To look at; of the file that the voters are of.
        voters: Decide what language the file is in.
        options: Say what is short, and whether languages may change.
    """
    spoken = _spoken_ms(voters)
    winner = majority(voters)
    if winner is None or options.is_multilingual or spoken[winner] < _LEAST_SHARE * sum(spoken.values()):
        return []
    return [
        index
        for index, piece in enumerate(pieces)
        if _code(piece) not in {winner, None} and piece.chunk.speech_ms <= options.max_dissent_ms
    ]


def _spoken_ms(pieces: Sequence[Piece]) -> dict[str, int]:
    spoken: dict[str, int] = {}
    for piece in pieces:
        code = _code(piece)
        if code is not None:
            spoken[code] = spoken.get(code, 0) + piece.chunk.speech_ms
    return spoken


def _code(piece: Piece) -> str | None:
    """Return the language that a piece votes for."""
    if piece.flags or not piece.answer.text or not piece.answer.language:
        return None
    known = languages.find(piece.answer.language)
    return known.code if known else None
