"""A script laid over a recording: which words are spoken in which segment, and what differs.

In goes the match of a script with what was heard; out come, for each segment, the words that are spoken in
it, the script's own spelling where the two agree and the heard words where somebody left the script. Pure:
what is asked of the aligner with it, and when, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from qasr_cli import languages
from qasr_cli.records import Segment, Word
from qasr_cli.speech.align import TRUSTED
from qasr_cli.speech.matching import Heard, Match
from qasr_cli.speech.script import Script
from qasr_cli.speech.units import find_units
from qasr_cli.speech.words import PAUSE_OF_SENTENCE, DisplayWord, pause_after

_SHORT_RUN = 2  # so few words in a row without a partner were said and not heard
_SPOKEN_WORD_MS = 150  # a quick speaker's word: a longer run was said only where there is voice for it
_AD_LIB = 3  # so many heard words in a row without a partner are worth reporting


@dataclass(frozen=True, slots=True)
class Token:
    """A word that is spoken; `place` is the script word's, or None where it is not in the script."""

    shown: DisplayWord
    place: int | None


@dataclass(frozen=True, slots=True)
class AdLib:
    """Something that is said and not in the script."""

    start_ms: int
    end_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Overlay:
    """A script on a recording.

    Attributes:
        parts: For each segment what is spoken in it, in order.
        unspoken: Places of the script's words that are not spoken, in runs `[first, last)`.
        ad_libs: What is spoken and not in the script, three words and more.
        fit: Share of the script's words that were heard as written or nearly so.
    """

    parts: tuple[tuple[Token, ...], ...]
    unspoken: tuple[tuple[int, int], ...]
    ad_libs: tuple[AdLib, ...]
    fit: float


def lay(match: Match, clear_ms: Callable[[int, int], int]) -> Overlay:
    """Return what is spoken in each segment and what differs.

    `clear_ms` is how much of the time between two moments is speech for certain (music often passes for
    some); it decides whether words without a partner can have been said.
    """
    unspoken = _unspoken(match, clear_ms)
    silent = {place for first, last in unspoken for place in range(first, last)}
    in_order = sorted(_placed(match, silent), key=lambda item: item[0])
    parts: list[tuple[Token, ...]] = [()] * len(match.segments)
    for index, items in groupby(in_order, key=lambda item: item[0]):
        parts[index] = tuple(token for _, token in items)
    return Overlay(tuple(parts), unspoken, _ad_libs(match), match.fit)


def _unspoken(match: Match, clear_ms: Callable[[int, int], int]) -> tuple[tuple[int, int], ...]:
    """Return the runs of script words that nobody says."""
    heard, pairing = match.heard, match.pairing
    runs = []
    for first, last in _runs(match):
        before = pairing[first - 1] if first else None
        after = pairing[last] if last < len(pairing) else None
        # from the end of the word before to the start of the word after, less what was heard between
        start_ms = heard[before].word.end_ms if before is not None else 0
        end_ms = heard[after].word.start_ms if after is not None else match.segments[-1].end_ms
        between = heard[(before + 1 if before is not None else 0) : after]
        free_ms = clear_ms(start_ms, max(start_ms, end_ms))
        free_ms -= sum(one.word.end_ms - one.word.start_ms for one in between)
        is_heard_nearby = before is not None or after is not None
        is_long = last - first > _SHORT_RUN or _is_whole_line(match.script, first, last)
        if not is_heard_nearby or (is_long and free_ms < (last - first) * _SPOKEN_WORD_MS):
            runs.append((first, last))
    return tuple(runs)


def _is_whole_line(script: Script, first: int, last: int) -> bool:
    line = script.line_of[first]
    begins = first == 0 or script.line_of[first - 1] != line
    return begins and (last == len(script.words) or script.line_of[last] != script.line_of[last - 1])


def _runs(match: Match) -> Iterator[tuple[int, int]]:
    """Yield the runs `[first, last)` of words of which it is not known where they are said."""
    places = range(len(match.pairing))
    for is_open, run in groupby(places, key=lambda p: match.pairing[p] is None and p not in match.settled):
        members = list(run)
        if is_open:
            yield members[0], members[-1] + 1


def _placed(match: Match, silent: set[int]) -> Iterator[tuple[int, Token]]:
    """Yield every word that is spoken with the segment it is spoken in; in order within a segment."""
    heard, early = match.heard, _early(match, silent)
    cursor = 0  # the next heard word
    waiting: list[Token] = []  # script words that were said before the next pair, in its segment
    for place, partner in enumerate(match.pairing):
        token = Token(match.script.words[place], place)
        if place in match.settled:
            yield match.settled[place], token
        elif partner is not None:
            yield from (_as_heard(one, match) for one in heard[cursor:partner])
            yield from ((heard[partner].segment, said_before) for said_before in waiting)
            waiting = []
            yield heard[partner].segment, _as_said(token, heard[partner], match)
            cursor = partner + 1
        elif place in early:
            yield heard[cursor - 1].segment, token
        elif place not in silent:
            waiting.append(token)
    yield from (_as_heard(one, match) for one in heard[cursor:])


def _early(match: Match, silent: set[int]) -> set[int]:
    """Return the words without a partner that lie in the segment of the pair before them.

    Between two segments a sentence stays together, since chunks are cut where speakers rest; what that does
    not decide goes where there is more room beside the pair.
    """
    early: set[int] = set()
    for first, last in _runs(match):
        before = match.heard[match.pairing[first - 1] or 0] if first else None
        after = match.heard[match.pairing[last] or 0] if last < len(match.pairing) else None
        split = last if before else first
        if before and after and before.segment != after.segment:
            room_before_ms = match.segments[before.segment].end_ms - before.word.end_ms
            room_after_ms = after.word.start_ms - match.segments[after.segment].start_ms
            stops = [place for place in range(first, last + 1) if _ends_sentence(match.script, place - 1)]
            choice = stops or (first, last)
            split = choice[-1] if room_before_ms >= room_after_ms else choice[0]
        early.update(range(first, split))
    return early - silent


def _ends_sentence(script: Script, place: int) -> bool:
    return pause_after(script.words[place].text) >= PAUSE_OF_SENTENCE


def _as_said(token: Token, one: Heard, match: Match) -> Token:
    """Return the token as the aligner is to be asked about it.

    Where something quite different was heard, and for certain, somebody changed the script or the speaker
    did: the sound is that of the heard word.
    """
    is_heard = one.word.confidence is None or one.word.confidence >= TRUSTED
    if token.place is None or match.agrees(token.place) or not is_heard:
        return token
    return replace(token, shown=replace(token.shown, units=_units(one, match)))


def _as_heard(one: Heard, match: Match) -> tuple[int, Token]:
    return one.segment, Token(DisplayWord(one.word.lead, one.word.text, _units(one, match)), None)


def _units(one: Heard, match: Match) -> tuple[str, ...]:
    return tuple(unit.text for unit in find_units(one.word.text, match.segments[one.segment].language))


def _ad_libs(match: Match) -> tuple[AdLib, ...]:
    scripted = {partner for partner in match.pairing if partner is not None}
    found = []
    for is_scripted, run in groupby(range(len(match.heard)), key=scripted.__contains__):
        words = [match.heard[place].word for place in run]
        if not is_scripted and len(words) >= _AD_LIB:
            text = ""
            for word in words:  # a segment's first word has no lead
                text += (word.lead or languages.joint(text, word.text)) + word.text
            found.append(AdLib(words[0].start_ms, words[-1].end_ms, text.strip()))
    return tuple(found)


def segment_of(part: Sequence[Token], words: Sequence[Word], segment: Segment) -> Segment | None:
    """Return the segment with the script's words and their times, None where it has none.

    Args:
        part: What is spoken in it.
        words: One for each token, timed.
        segment: As it was recognised.
    """
    kept = [word for token, word in zip(part, words, strict=True) if token.place is not None]
    if not kept:
        return None
    kept[0] = replace(kept[0], lead="")
    text = "".join(word.lead + word.text for word in kept)
    return replace(segment, text=text, words=tuple(kept))
