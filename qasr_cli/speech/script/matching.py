"""Which words of a script were heard where, and where script and recognizer disagree about a passage.

In go a script and the segments of a recording; out comes the match of their words. A dispute is a passage
where something else was heard than is written: the speaker left the script, or the recognizer heard wrong.
Whoever can ask the sound settles it. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from qasr_cli.records import Segment, Word
from qasr_cli.speech.script import repetitions, word_alignment
from qasr_cli.speech.script.script import Script
from qasr_cli.speech.text.display_words import letters_to_say

_FEWEST_DISPUTED = 3  # words of the script; one or two others are those that somebody changed
_FARTHEST = 15  # words between two differences that are one: a sentence
_LONGEST_REST = 2  # words of a line that a passage nobody says takes along
_MOST_UNEVEN = 2  # times as many letters on one side: not two readings of the same sound


@dataclass(frozen=True, slots=True)
class RecognizedWord:
    """A recognised word, as it is compared, and the segment that it is in."""

    word: Word
    said: str
    segment: int


@dataclass(frozen=True, slots=True)
class Match:
    """A script and a recording, word by word.

    Attributes:
        written: The script's words as they are compared.
        pairing: For each word of the script the place of the heard word it pairs with, or None.
        settled: Words of the script that were said although something else was heard, and the segment
            they were said in.
    """

    script: Script
    segments: tuple[Segment, ...]
    written: tuple[str, ...]
    heard: tuple[RecognizedWord, ...]
    pairing: tuple[int | None, ...]
    settled: dict[int, int] = field(default_factory=dict)

    @property
    def fit(self) -> float:
        """Share of the script's words that were heard as written or nearly so."""
        return sum(self.agrees(place) for place in range(len(self.written))) / len(self.written)

    def agrees(self, place: int) -> bool:
        """Whether a word of the script was heard as it is written, or nearly so."""
        partner = self.pairing[place]
        if partner is None:
            return place in self.settled
        written, said = self.written[place], self.heard[partner].said
        return written == said or word_alignment.alike(written, said)


@dataclass(frozen=True, slots=True)
class Dispute:
    """Words `[first, last)` of the script against heard words `[begin, end)`, all in one segment."""

    first: int
    last: int
    begin: int
    end: int
    segment: int


def match(script: Script, segments: Sequence[Segment]) -> Match:
    """Return the match of a script of at least one word with segments that have words."""
    heard = [
        RecognizedWord(word, word_alignment.normalized(word.text), index)
        for index, segment in enumerate(segments)
        for word in segment.words
    ]
    written = tuple(word_alignment.normalized(word.text) for word in script.words)
    pairing = word_alignment.pair(written, [one.said for one in heard])
    _pair_rests(script, pairing, len(heard))
    return Match(script, tuple(segments), written, tuple(heard), tuple(pairing))


def _pair_rests(script: Script, pairing: word_alignment.Pairing, n_heard: int) -> None:
    """Pair the rest of a line beside lines that nobody says with as many words that were heard in its place.

    A misheard word at the edge of such a passage fits none of its words better than another.
    """
    paired = [(place, partner) for place, partner in enumerate(pairing) if partner is not None]
    for first, last, begin, end in _between(paired, len(pairing), n_heard):
        n_ends = _n_rest(script, range(first, last), first - 1)
        n_begins = _n_rest(script, range(last - 1, first - 1, -1), last)
        if n_ends + n_begins <= _LONGEST_REST and n_ends + n_begins == end - begin:
            pairing[first : first + n_ends] = range(begin, begin + n_ends)
            pairing[last - n_begins : last] = range(end - n_begins, end)


def _n_rest(script: Script, run: range, beside: int) -> int:
    """Return how many of a run's first words are in the line of the word beside it; 0 if all are."""
    if not 0 <= beside < len(script.words):
        return 0
    line = script.line_of[beside]
    return next((n for n, place in enumerate(run) if script.line_of[place] != line), 0)


def without_echoes(found: Match, clear_ms: Callable[[int, int], int]) -> Match:
    """Return the match without heard words that nobody said.

    `clear_ms` is how much of the time between two moments is speech for certain.
    """
    words = [one.word for one in found.heard]
    return _without(found, repetitions.find(words, found.written, found.pairing, clear_ms))


def disputes(found: Match) -> list[Dispute]:
    """Return the passages where either side may be right, in order.

    Both sides would take about as long to say, and what was heard lies in one segment. Two that are close
    to each other are one: a sentence left out, and another written twice in its place a little later.
    """
    joined: list[tuple[int, int, int, int]] = []
    for gap in _gaps(found):
        if joined and _are_close(joined[-1], gap):
            before = joined.pop()
            joined.append((before[0], gap[1], before[2], gap[3]))
        else:
            joined.append(gap)
    return [
        Dispute(first, last, begin, end, found.heard[begin].segment)
        for first, last, begin, end in joined
        if last - first >= _FEWEST_DISPUTED and begin < end and _may_be_either(found, first, last, begin, end)
    ]


def settle(found: Match, for_script: Iterable[Dispute]) -> Match:
    """Return the match with these disputes settled for the script: what was heard there was heard wrong."""
    pairing, settled = list(found.pairing), dict(found.settled)
    nobodys: set[int] = set()
    for dispute in for_script:
        for place in range(dispute.first, dispute.last):
            pairing[place], settled[place] = None, dispute.segment
        nobodys.update(range(dispute.begin, dispute.end))
    return _without(replace(found, pairing=tuple(pairing), settled=settled), nobodys)


def _gaps(found: Match) -> Iterator[tuple[int, int, int, int]]:
    """Return what lies between words that agree: `[first, last)` of the script, `[begin, end)` heard."""
    agreeing = [
        (place, partner)
        for place, partner in enumerate(found.pairing)
        if partner is not None and found.agrees(place)
    ]
    return _between(agreeing, len(found.written), len(found.heard))


def _between(
    pairs: Sequence[tuple[int, int]], n_written: int, n_heard: int
) -> Iterator[tuple[int, int, int, int]]:
    """Yield what lies between pairs that follow each other, as `_gaps` does."""
    for (place, partner), (next_place, next_partner) in pairwise([(-1, -1), *pairs, (n_written, n_heard)]):
        if next_place - place > 1 or next_partner - partner > 1:
            yield place + 1, next_place, partner + 1, next_partner


def _are_close(left: tuple[int, int, int, int], right: tuple[int, int, int, int]) -> bool:
    """Whether there is less between two differences than in them, one of which is more than a word."""
    sizes = [max(last - first, end - begin) for first, last, begin, end in (left, right)]
    return max(sizes) > 1 and right[0] - left[1] <= min(sum(sizes), _FARTHEST)


def _may_be_either(found: Match, first: int, last: int, begin: int, end: int) -> bool:
    mine = sum(letters_to_say(word.text) for word in found.script.words[first:last])
    theirs = sum(letters_to_say(one.word.text) for one in found.heard[begin:end])
    is_even = mine <= _MOST_UNEVEN * theirs and theirs <= _MOST_UNEVEN * mine
    return is_even and found.heard[begin].segment == found.heard[end - 1].segment


def _without(found: Match, nobodys: set[int]) -> Match:
    """Return the match without some heard words, none of which pairs."""
    kept = [place for place in range(len(found.heard)) if place not in nobodys]
    new_place: dict[int | None, int] = {place: number for number, place in enumerate(kept)}
    return replace(
        found,
        heard=tuple(found.heard[place] for place in kept),
        pairing=tuple(new_place.get(partner) for partner in found.pairing),
    )
