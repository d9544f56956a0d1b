"""Which heard words nobody said: recognizers write a sentence twice, and break a name into several words.

In go the words of a recording and which of them a script's words pair with; out come the places of those
that are no words of their own. A script alone cannot tell an echo from an ad-lib, but the sound can: a
sentence that was said twice takes its time twice, and the aligner finds it twice. Pure.
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
_MARGIN = 2  # words; the times of those right beside an echo are as wrong as the echo's
_AROUND = 40  # words before and after by which a speaker's pace is known
_HALF = 0.5  # of the time that the words take, or of the words: with more of it missing nobody said them
_MOST_FRAGMENTS = 3  # "sing a po" for Singapore


def find(
    heard: Sequence[Word],
    written: Sequence[str],
    pairing: Sequence[int | None],
    clear_ms: Callable[[int, int], int],
) -> set[int]:
    """Return the places of the heard words that nobody said.

    Args:
        heard: In order, with times.
        written: The script's words as :func:`anchors.normalized` makes them.
        pairing: For each of those, the place of the heard word it pairs with, or None.
        clear_ms: How much of the time between two moments is speech for certain.
    """
    partner_of = {place: word for word, place in zip(written, pairing, strict=True) if place is not None}
    runs = list(_runs(len(heard), partner_of))
    echoes = [
        run for run in runs if _is_unheard(heard, run) or not _has_room(heard, run, partner_of, clear_ms)
    ]
    found = {place for first, last in echoes for place in range(first, last)}
    for first, last in runs:
        if (
            first not in found
            and last - first <= _MOST_FRAGMENTS
            and _are_fragments(heard, (first, last), partner_of)
        ):
            found.update(range(first, last))
    return found


def _runs(n_heard: int, partner_of: dict[int, str]) -> Iterator[tuple[int, int]]:
    """Yield the runs `[first, last)` of heard words that the script does not have."""
    for is_scripted, run in groupby(range(n_heard), key=partner_of.__contains__):
        places = list(run)
        if not is_scripted:
            yield places[0], places[-1] + 1


def _is_unheard(heard: Sequence[Word], run: tuple[int, int]) -> bool:
    """Whether the aligner found hardly any of a run's words, or of the words that it repeats.

    Which of the copies pairs with the script, and which the aligner found, is chance.
    """
    first, last = run
    if last - first < _SHORTEST:
        return False
    begin, end = _copies(heard, first, last)
    beside = [*heard[max(0, begin - 1) : begin], *heard[end : end + 1]]
    if all(word.confidence is None for word in beside):  # nobody asked an aligner
        return False
    n_lost = sum((word.confidence or 0.0) < TRUSTED for word in heard[begin:end])
    return n_lost > _HALF * (last - first)


def _has_room(
    heard: Sequence[Word],
    run: tuple[int, int],
    partner_of: dict[int, str],
    clear_ms: Callable[[int, int], int],
) -> bool:
    """Whether the speech around a run lasts long enough for its words and those around them.

    All copies of the run are taken in, and as many words as it has on both sides: their times are wrong.
    """
    first, last = run
    letters = _letters(heard[first:last])
    if last - first < _SHORTEST or letters < _FEWEST_LETTERS:
        return True
    begin, end = _copies(heard, first, last)
    margin = last - first + _MARGIN
    begin, end = max(0, begin - margin), min(len(heard), end + margin)
    around = [*range(max(0, begin - _AROUND), begin), *range(end, min(len(heard), end + _AROUND))]
    known = [heard[place] for place in around if place in partner_of]
    if not known:
        return True
    ms_a_letter = sum(word.end_ms - word.start_ms for word in known) / _letters(known)
    others = _letters(heard[begin:first]) + _letters(heard[last:end])
    free_ms = clear_ms(heard[begin].start_ms, heard[end - 1].end_ms) - others * ms_a_letter
    has_room: bool = free_ms >= _HALF * letters * ms_a_letter
    return has_room


def _copies(heard: Sequence[Word], first: int, last: int) -> tuple[int, int]:
    """Return from where to where the same words as in `[first, last)` are heard over and over."""
    period = last - first
    while first and _are_same(heard[first - 1], heard[first - 1 + period]):
        first -= 1
    while last < len(heard) and _are_same(heard[last], heard[last - period]):
        last += 1
    return first, last


def _are_same(word: Word, other: Word) -> bool:
    return word_alignment.normalized(word.text) == word_alignment.normalized(other.text)


def _letters(words: Sequence[Word]) -> int:
    return sum(max(1, letters_to_say(word.text)) for word in words)


def _are_fragments(heard: Sequence[Word], run: tuple[int, int], partner_of: dict[int, str]) -> bool:
    """Whether a run and a word beside it are together what the script has for that word alone."""
    first, last = run
    pieces = [word_alignment.normalized(word.text) for word in heard[first:last]]
    if first and (written := partner_of.get(first - 1)) is not None:
        alone = word_alignment.normalized(heard[first - 1].text)
        if _is_better(written, alone, "".join([alone, *pieces])):
            return True
    if (written := partner_of.get(last)) is not None:
        alone = word_alignment.normalized(heard[last].text)
        return _is_better(written, alone, "".join([*pieces, alone]))
    return False


def _is_better(written: str, alone: str, joined: str) -> bool:
    return word_alignment.alike(written, joined) and word_alignment.likeness(
        written, joined
    ) > word_alignment.likeness(written, alone)
