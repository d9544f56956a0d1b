"""Repetitions and fragments: recognizers write a sentence twice, and break a name into several words.

In go the recognized words and their pairing with a script's; out come the indices of those that are not
spoken. A script alone cannot distinguish a false repetition from an ad-lib, but the audio can: a sentence
that is spoken twice takes its time twice, and is aligned twice. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from qasr_cli.records import Word
from qasr_cli.speech.alignment.monotonic_decoder import TRUSTED
from qasr_cli.speech.script import word_alignment
from qasr_cli.speech.text.display_words import letters_to_say

_SHORTEST = 2  # words; the time of a shorter one is lost in the pauses around it
_FEWEST_LETTERS = 8  # likewise: half of a second
_MARGIN = 2  # words; the times of those right beside a repetition are as wrong as its own
_AROUND = 40  # words before and after from which a speaker's pace is measured
_HALF = 0.5  # of the words' time, or of the words: with more of it missing they are not spoken
_MOST_FRAGMENTS = 3  # "sing a po" for Singapore


def find(
    recognized: Sequence[Word],
    normalized_script: Sequence[str],
    pairing: Sequence[int | None],
    clear_ms: Callable[[int, int], int],
) -> set[int]:
    """Return the indices of the recognized words that are not spoken.

    Args:
        recognized: Recognized words in order, with times.
        normalized_script: The script's words, normalized by :func:`word_alignment.normalize`.
        pairing: For each of these, the index of its recognized word, or None.
        clear_ms: Returns the clear speech between two times.
    """
    partner_of = {
        index: word for word, index in zip(normalized_script, pairing, strict=True) if index is not None
    }
    runs = list(_runs(len(recognized), partner_of))
    repeated_runs = [
        run
        for run in runs
        if _is_unaligned(recognized, run) or not _has_time(recognized, run, partner_of, clear_ms)
    ]
    repeated = {index for first, last in repeated_runs for index in range(first, last)}
    for first, last in runs:
        if (
            first not in repeated
            and last - first <= _MOST_FRAGMENTS
            and _are_fragments(recognized, (first, last), partner_of)
        ):
            repeated.update(range(first, last))
    return repeated


def _runs(n_recognized: int, partner_of: dict[int, str]) -> Iterator[tuple[int, int]]:
    """Yield the runs `[first, last)` of recognized words that are not in the script."""
    for is_scripted, run in groupby(range(n_recognized), key=partner_of.__contains__):
        indices = list(run)
        if not is_scripted:
            yield indices[0], indices[-1] + 1


def _is_unaligned(recognized: Sequence[Word], run: tuple[int, int]) -> bool:
    """Whether hardly any of a run's words, or of the words that it repeats, are aligned with confidence.

    It is chance which copy pairs with the script, and which copy is aligned.
    """
    first, last = run
    if last - first < _SHORTEST:
        return False
    begin, end = _copies(recognized, first, last)
    beside = [*recognized[max(0, begin - 1) : begin], *recognized[end : end + 1]]
    if all(word.time_posterior is None for word in beside):  # there was no aligner
        return False
    n_lost = sum((word.time_posterior or 0.0) < TRUSTED for word in recognized[begin:end])
    return n_lost > _HALF * (last - first)


def _has_time(
    recognized: Sequence[Word],
    run: tuple[int, int],
    partner_of: dict[int, str],
    clear_ms: Callable[[int, int], int],
) -> bool:
    """Whether the speech around a run lasts long enough for its words and those around them.

    The range has all copies of the run, and as many words on both sides, whose times are wrong, too.
    """
    first, last = run
    letters = _letters(recognized[first:last])
    if last - first < _SHORTEST or letters < _FEWEST_LETTERS:
        return True
    begin, end = _copies(recognized, first, last)
    margin = last - first + _MARGIN
    begin, end = max(0, begin - margin), min(len(recognized), end + margin)
    around = [*range(max(0, begin - _AROUND), begin), *range(end, min(len(recognized), end + _AROUND))]
    paired = [recognized[index] for index in around if index in partner_of]
    if not paired:
        return True
    ms_a_letter = sum(word.end_ms - word.start_ms for word in paired) / _letters(paired)
    others = _letters(recognized[begin:first]) + _letters(recognized[last:end])
    free_ms = clear_ms(recognized[begin].start_ms, recognized[end - 1].end_ms) - others * ms_a_letter
    has_time: bool = free_ms >= _HALF * letters * ms_a_letter
    return has_time


def _copies(recognized: Sequence[Word], first: int, last: int) -> tuple[int, int]:
    """Return the range in which the words of `[first, last)` are repeated."""
    period = last - first
    while first and _are_same(recognized[first - 1], recognized[first - 1 + period]):
        first -= 1
    while last < len(recognized) and _are_same(recognized[last], recognized[last - period]):
        last += 1
    return first, last


def _are_same(word: Word, other: Word) -> bool:
    return word_alignment.normalize(word.text) == word_alignment.normalize(other.text)


def _letters(words: Sequence[Word]) -> int:
    return sum(max(1, letters_to_say(word.text)) for word in words)


def _are_fragments(recognized: Sequence[Word], run: tuple[int, int], partner_of: dict[int, str]) -> bool:
    """Whether a run and a word beside it are together one word of the script, misspelt."""
    first, last = run
    fragments = [word_alignment.normalize(word.text) for word in recognized[first:last]]
    if first and (script_word := partner_of.get(first - 1)) is not None:
        alone = word_alignment.normalize(recognized[first - 1].text)
        if _is_better(script_word, alone, "".join([alone, *fragments])):
            return True
    if (script_word := partner_of.get(last)) is not None:
        alone = word_alignment.normalize(recognized[last].text)
        return _is_better(script_word, alone, "".join([*fragments, alone]))
    return False


def _is_better(script_word: str, alone: str, joined: str) -> bool:
    return word_alignment.alike(script_word, joined) and word_alignment.likeness(
        script_word, joined
    ) > word_alignment.likeness(script_word, alone)
