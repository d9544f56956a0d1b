"""The match of a script with recognized words, and the passages where the two differ.

In go a script and the segments of a recording; out comes the match of their words. A mismatch is a passage in
which the recognized words differ from the script: the speaker left the script, or the recognizer erred. The
caller resolves it with the audio. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from qasr_cli.records import Segment, Word
from qasr_cli.speech.script import repetitions, word_alignment
from qasr_cli.speech.script.script import Script
from qasr_cli.speech.text.display_words import letters_to_say

_MIN_MISMATCH_WORDS = 3  # words of the script; a difference of one or two is a changed word
_FARTHEST = 15  # words between two differences that are one: a sentence
_LONGEST_REST = 2  # words of a line beside an unspoken passage
_MOST_UNEVEN = 2  # times as many letters on one side: not two readings of the same sound


@dataclass(frozen=True, slots=True)
class RecognizedWord:
    """A recognized word, its normalized text for comparison, and the segment that it is in."""

    word: Word
    normalized: str
    segment: int


@dataclass(frozen=True, slots=True)
class Match:
    """A script and a recording, word by word.

    Attributes:
        normalized_script: The script's words, normalized for comparison.
        pairing: For each word of the script the index of its recognized word, or None.
        resolved: Words of the script that are spoken although other words were recognized, and their segment.
    """

    script: Script
    segments: tuple[Segment, ...]
    normalized_script: tuple[str, ...]
    recognized: tuple[RecognizedWord, ...]
    pairing: tuple[int | None, ...]
    resolved: dict[int, int] = field(default_factory=dict)

    @property
    def fit(self) -> float:
        """Share of the script's words that were recognized as written or nearly so."""
        n_words = len(self.normalized_script)
        return sum(self.agrees(index) for index in range(n_words)) / n_words

    def agrees(self, index: int) -> bool:
        """Whether a word of the script was recognized as written, or nearly so."""
        partner = self.pairing[index]
        if partner is None:
            return index in self.resolved
        written, recognized = self.normalized_script[index], self.recognized[partner].normalized
        return written == recognized or word_alignment.alike(written, recognized)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Words `[first, last)` of the script against recognized words `[begin, end)`, all in one segment."""

    first: int
    last: int
    begin: int
    end: int
    segment: int


def match_words(script: Script, segments: Sequence[Segment]) -> Match:
    """Return the match of a script of at least one word with segments that have words."""
    recognized = [
        RecognizedWord(word, word_alignment.normalize(word.text), index)
        for index, segment in enumerate(segments)
        for word in segment.words
    ]
    normalized_script = tuple(word_alignment.normalize(word.text) for word in script.words)
    pairing = word_alignment.pair(normalized_script, [word.normalized for word in recognized])
    _pair_rests(script, pairing, len(recognized))
    return Match(script, tuple(segments), normalized_script, tuple(recognized), tuple(pairing))


def _pair_rests(script: Script, pairing: word_alignment.Pairing, n_recognized: int) -> None:
    """Pair the rest of a line beside unspoken lines with the same number of words recognized in its place.

    A wrongly recognized word at the edge of such a passage fits none of its words better than another.
    """
    paired = [(index, partner) for index, partner in enumerate(pairing) if partner is not None]
    for first, last, begin, end in _between(paired, len(pairing), n_recognized):
        n_ends = _n_rest_of_line(script, range(first, last), first - 1)
        n_begins = _n_rest_of_line(script, range(last - 1, first - 1, -1), last)
        if n_ends + n_begins <= _LONGEST_REST and n_ends + n_begins == end - begin:
            pairing[first : first + n_ends] = range(begin, begin + n_ends)
            pairing[last - n_begins : last] = range(end - n_begins, end)


def _n_rest_of_line(script: Script, run: range, beside: int) -> int:
    """Return how many of a run's first words are in the line of the word beside it; 0 if all are."""
    if not 0 <= beside < len(script.words):
        return 0
    line = script.line_of[beside]
    return next((n for n, index in enumerate(run) if script.line_of[index] != line), 0)


def without_repetitions(match: Match, clear_ms: Callable[[int, int], int]) -> Match:
    """Return the match without recognized words that are not spoken.

    `clear_ms` returns the clear speech between two times.
    """
    words = [recognized.word for recognized in match.recognized]
    return _without(match, repetitions.find(words, match.normalized_script, match.pairing, clear_ms))


def find_mismatches(match: Match) -> list[Mismatch]:
    """Return the passages where either side may be right, in order.

    Both sides are about equally long when spoken, and the recognized words are in one segment. Two passages
    close to each other are one: a sentence left out, and another repeated in its place a little later.
    """
    joined: list[tuple[int, int, int, int]] = []
    for gap in _gaps(match):
        if joined and _are_close(joined[-1], gap):
            before = joined.pop()
            joined.append((before[0], gap[1], before[2], gap[3]))
        else:
            joined.append(gap)
    return [
        Mismatch(first, last, begin, end, match.recognized[begin].segment)
        for first, last, begin, end in joined
        if last - first >= _MIN_MISMATCH_WORDS
        and begin < end
        and _is_ambiguous(match, first, last, begin, end)
    ]


def resolve(match: Match, for_script: Iterable[Mismatch]) -> Match:
    """Return the match with these mismatches resolved for the script: the recognizer erred there."""
    pairing, resolved = list(match.pairing), dict(match.resolved)
    rejected: set[int] = set()
    for mismatch in for_script:
        for index in range(mismatch.first, mismatch.last):
            pairing[index], resolved[index] = None, mismatch.segment
        rejected.update(range(mismatch.begin, mismatch.end))
    return _without(replace(match, pairing=tuple(pairing), resolved=resolved), rejected)


def _gaps(match: Match) -> Iterator[tuple[int, int, int, int]]:
    """Return the gaps between words that agree: `[first, last)` of the script, `[begin, end)` recognized."""
    agreeing = [
        (index, partner)
        for index, partner in enumerate(match.pairing)
        if partner is not None and match.agrees(index)
    ]
    return _between(agreeing, len(match.normalized_script), len(match.recognized))


def _between(
    pairs: Sequence[tuple[int, int]], n_script: int, n_recognized: int
) -> Iterator[tuple[int, int, int, int]]:
    """Yield the gaps between consecutive pairs, as `_gaps` does."""
    for (index, partner), (next_index, next_partner) in pairwise(
        [(-1, -1), *pairs, (n_script, n_recognized)]
    ):
        if next_index - index > 1 or next_partner - partner > 1:
            yield index + 1, next_index, partner + 1, next_partner


def _are_close(left: tuple[int, int, int, int], right: tuple[int, int, int, int]) -> bool:
    """Whether there is less between two differences than in them, one of which is more than a word."""
    sizes = [max(last - first, end - begin) for first, last, begin, end in (left, right)]
    return max(sizes) > 1 and right[0] - left[1] <= min(sum(sizes), _FARTHEST)


def _is_ambiguous(match: Match, first: int, last: int, begin: int, end: int) -> bool:
    written = sum(letters_to_say(word.text) for word in match.script.words[first:last])
    recognized = sum(letters_to_say(word.word.text) for word in match.recognized[begin:end])
    is_even = written <= _MOST_UNEVEN * recognized and recognized <= _MOST_UNEVEN * written
    return is_even and match.recognized[begin].segment == match.recognized[end - 1].segment


def _without(match: Match, rejected: set[int]) -> Match:
    """Return the match without some recognized words, none of which pairs."""
    remaining_indices = [index for index in range(len(match.recognized)) if index not in rejected]
    new_index: dict[int | None, int] = {index: number for number, index in enumerate(remaining_indices)}
    return replace(
        match,
        recognized=tuple(match.recognized[index] for index in remaining_indices),
        pairing=tuple(new_index.get(partner) for partner in match.pairing),
    )
