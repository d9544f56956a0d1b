"""Language vote: the language of a file, and the chunks that were probably detected as a wrong language.

In go recognized chunks with their languages; out come codes and indices. Only the duration of each language
and the flags count; never reads audio.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

from qasr_cli import languages
from qasr_cli.options import DecodeOptions, GuardOptions
from qasr_cli.speech.recognition.hallucination import Flag
from qasr_cli.speech.recognition.recognize import RecognizedChunk

_LEAST_SHARE = 2 / 3  # of the speech; with less, the file is in two languages and neither is wrong
# Text that the token budget cut off is flagged; its language is reliable all the same.
_UNRELATED_TO_LANGUAGE = {Flag.TRUNCATED}
_LANGUAGE_FLAGS = {Flag.LANGUAGE, Flag.SCRIPT}


def retry_language(
    result: RecognizedChunk, results: Sequence[RecognizedChunk], decode: DecodeOptions, guard: GuardOptions
) -> str | None:
    """Return the code of the language to force in a retry of a flagged chunk; None leaves it to the model.

    If the language itself is flagged, the result is the majority language. Otherwise it is the language that
    the file is clearly in, flagged chunks included: a model that fails at a language fails at it in every
    chunk, and must not be forced to write another one.

    Args:
        result: A flagged chunk.
        results: All chunks of its file.
        decode: Options of the first pass; a language in them stays.
        guard: Whether languages may change.
    """
    flags = set(result.flags)
    if decode.language or (guard.multilingual and Flag.LANGUAGE not in flags):
        return decode.language
    spoken = majority_language(results, decode.languages)
    if flags & _LANGUAGE_FLAGS:
        is_foreign = Flag.LANGUAGE in flags
        return spoken or (next(iter(decode.languages), None) if is_foreign else None)
    return spoken if flags - _UNRELATED_TO_LANGUAGE and _is_clear(spoken, results) else None


def majority_language(results: Sequence[RecognizedChunk], allowed: Sequence[str] = ()) -> str | None:
    """Return the code of the language that is spoken longest, or None if no language is known.

    A flagged chunk has no vote, unless it was only truncated. The first of equals wins.

    Args:
        results: Chunks of one file.
        allowed: Codes to choose from; empty allows all.
    """
    spoken_ms = _spoken_ms(results, set(Flag) - _UNRELATED_TO_LANGUAGE)
    candidates = [code for code in spoken_ms if not allowed or code in allowed]
    return max(candidates, key=lambda code: spoken_ms[code], default=None)


def minority_results(
    results: Sequence[RecognizedChunk], voters: Sequence[RecognizedChunk], guard: GuardOptions
) -> list[int]:
    """Return the indices of short chunks in another language than a file that is clearly in one.

    Args:
        results: Candidates, from the same file as the voters.
        voters: Chunks that decide the file's language.
        guard: Maximum length of a short chunk, and whether languages may change.
    """
    winner = majority_language(voters)
    if guard.multilingual or not _is_clear(winner, voters):
        return []
    return [
        index
        for index, result in enumerate(results)
        if _code(result) not in {winner, None}
        and not result.flags
        and result.chunk.speech_ms <= guard.max_dissent_ms
    ]


def clean_speech_ms(results: Sequence[RecognizedChunk]) -> dict[str, int]:
    """Return the milliseconds of speech in each language, by its code, of chunks without any flag."""
    return _spoken_ms(results, set(Flag))


def _is_clear(winner: str | None, results: Sequence[RecognizedChunk]) -> bool:
    """Whether a file is clearly in one language, by all of its text, flagged or not."""
    spoken_ms = _spoken_ms(results, _LANGUAGE_FLAGS)
    return winner is not None and spoken_ms.get(winner, 0) >= _LEAST_SHARE * sum(spoken_ms.values())


def _spoken_ms(results: Sequence[RecognizedChunk], without: Set[str]) -> dict[str, int]:
    """Return the milliseconds of each language, without chunks that have one of the flags."""
    spoken_ms: dict[str, int] = {}
    for result in results:
        code = _code(result)
        if code is not None and not without & set(result.flags):
            spoken_ms[code] = spoken_ms.get(code, 0) + result.chunk.speech_ms
    return spoken_ms


def _code(result: RecognizedChunk) -> str | None:
    """Return the code of the language that a chunk was recognized in."""
    if not result.hypothesis.text or not result.hypothesis.language:
        return None
    entry = languages.find(result.hypothesis.language)
    return entry.code if entry else None
