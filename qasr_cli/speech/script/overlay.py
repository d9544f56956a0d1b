"""A script laid over a recording: which words are spoken in which segment, and what differs.

In goes the match of a script with what was heard; out come, for each segment, the words that are spoken in
it, the script's own spelling where the two agree and the heard words where somebody left the script. Pure:
what is asked of the aligner with it, and when, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from qasr_cli import languages
from qasr_cli.records import Segment, Word
from qasr_cli.speech.alignment.monotonic_decoder import TRUSTED
from qasr_cli.speech.script import segment_assignment
from qasr_cli.speech.script.matching import Match, RecognizedWord
from qasr_cli.speech.script.script import Script
from qasr_cli.speech.script.segment_assignment import SPOKEN_WORD_MS
from qasr_cli.speech.text.aligner_tokens import tokenize
from qasr_cli.speech.text.display_words import DisplayWord

_SHORT_RUN = 2  # so few words in a row without a partner were said and not heard
_AD_LIB = 3  # so many heard words in a row without a partner are worth reporting


@dataclass(frozen=True, slots=True)
class ScriptWord:
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

    parts: tuple[tuple[ScriptWord, ...], ...]
    unspoken: tuple[tuple[int, int], ...]
    ad_libs: tuple[AdLib, ...]
    fit: float


def lay(match: Match, clear_ms: Callable[[int, int], int]) -> Overlay:
    """Return what is spoken in each segment and what differs.

    `clear_ms` is how much of the time between two moments is speech for certain (music often passes for
    some); it decides whether words without a partner can have been said.
    """
    unspoken = _unspoken(match, clear_ms)
    said = [run for run in _runs(match) if run not in set(unspoken)]
    placed = _placed(match, segment_assignment.find(match, said, clear_ms))
    in_order = sorted(placed, key=lambda item: item[0])
    parts: list[tuple[ScriptWord, ...]] = [()] * len(match.segments)
    for index, items in groupby(in_order, key=lambda item: item[0]):
        parts[index] = tuple(script_word for _, script_word in items)
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
        if not is_heard_nearby or (is_long and free_ms < (last - first) * SPOKEN_WORD_MS):
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


def _placed(match: Match, home_of: Mapping[int, int]) -> Iterator[tuple[int, ScriptWord]]:
    """Yield every word that is spoken with the segment it is spoken in; in order within a segment.

    `home_of` says where words are that were said and not heard.
    """
    heard = match.heard
    cursor = 0  # the next heard word
    waiting: list[tuple[int, ScriptWord]] = []  # what was said after all that was heard before the next pair
    for place, partner in enumerate(match.pairing):
        script_word = ScriptWord(match.script.words[place], place)
        if place in match.settled:
            yield match.settled[place], script_word
        elif partner is not None:
            yield from (_as_heard(one, match) for one in heard[cursor:partner])
            yield from waiting
            waiting = []
            yield heard[partner].segment, _as_said(script_word, heard[partner], match)
            cursor = partner + 1
        elif place in home_of:
            is_beside = cursor > 0 and home_of[place] == heard[cursor - 1].segment
            if is_beside:
                yield home_of[place], script_word
            else:
                waiting.append((home_of[place], script_word))
    yield from (_as_heard(one, match) for one in heard[cursor:])
    yield from waiting


def _as_said(script_word: ScriptWord, one: RecognizedWord, match: Match) -> ScriptWord:
    """Return the token as the aligner is to be asked about it.

    Where something quite different was heard, and for certain, somebody changed the script or the speaker
    did: the sound is that of the heard word.
    """
    is_heard = one.word.confidence is None or one.word.confidence >= TRUSTED
    if script_word.place is None or match.agrees(script_word.place) or not is_heard:
        return script_word
    # a heard word that is only marks has no sound to go by
    return replace(
        script_word, shown=replace(script_word.shown, tokens=_tokens(one, match) or script_word.shown.tokens)
    )


def _as_heard(one: RecognizedWord, match: Match) -> tuple[int, ScriptWord]:
    return one.segment, ScriptWord(DisplayWord(one.word.lead, one.word.text, _tokens(one, match)), None)


def _tokens(one: RecognizedWord, match: Match) -> tuple[str, ...]:
    return tuple(token.text for token in tokenize(one.word.text, match.segments[one.segment].language))


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


def segment_of(part: Sequence[ScriptWord], words: Sequence[Word], segment: Segment) -> Segment | None:
    """Return the segment with the script's words and their times, None where it has none.

    Args:
        part: What is spoken in it.
        words: One for each token, timed.
        segment: As it was recognised.
    """
    kept = [word for script_word, word in zip(part, words, strict=True) if script_word.place is not None]
    if not kept:
        return None
    kept[0] = replace(kept[0], lead="")
    text = "".join(word.lead + word.text for word in kept)
    return replace(segment, text=text, words=tuple(kept))
