"""A written script laid over what was heard: which of its words are spoken where, and what differs.

In go the script's lines and the segments of a recording; out come, for each segment, the words that are
spoken in it, the script's own spelling where the two agree and the heard words where somebody left the
script. Pure: what is asked of the aligner with it, and when, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from qasr_cli import languages
from qasr_cli.records import Segment, Word
from qasr_cli.speech import anchors, echoes
from qasr_cli.speech.anchors import Pairing
from qasr_cli.speech.units import find_units
from qasr_cli.speech.words import PAUSE_OF_SENTENCE, DisplayWord, pause_after, split

_SHORT_RUN = 2  # so few words in a row without a partner were said and not heard
_SPOKEN_WORD_MS = 150  # a quick speaker's word: a longer run was said only where there is voice for it
_AD_LIB = 3  # so many heard words in a row without a partner are worth reporting


@dataclass(frozen=True, slots=True)
class Script:
    """A script as words.

    Attributes:
        lines: As written; empty ones are left out.
        words: Of all lines; joining leads and texts of a line gives it back without outer space.
        line_of: For each word, the line it stands in.
    """

    lines: tuple[str, ...]
    words: tuple[DisplayWord, ...]
    line_of: tuple[int, ...]


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


@dataclass(frozen=True, slots=True)
class _Heard:
    """A recognised word and the segment it is in."""

    word: Word
    segment: int


def read(lines: Sequence[str], language: str | None) -> Script:
    """Return the script that these lines are; `language` is a code or None."""
    known = languages.find(language) if language else None
    gap = " " if known is None or known.is_spaced else ""
    kept = tuple(text for text in (" ".join(line.split()) for line in lines) if text)
    words: list[DisplayWord] = []
    line_of: list[int] = []
    for number, line in enumerate(kept):
        mine = split(line, language)
        words += [replace(mine[0], lead=gap if number else ""), *mine[1:]]
        line_of += [number] * len(mine)
    return Script(kept, tuple(words), tuple(line_of))


def overlay(script: Script, segments: Sequence[Segment], clear_ms: Callable[[int, int], int]) -> Overlay:
    """Lay a script over the segments of a recording.

    Args:
        script: At least one word.
        segments: In order, with words.
        clear_ms: How much of the time between two moments is speech for certain (music often passes for
            some); decides whether words without a partner can have been said.
    """
    heard = [_Heard(word, index) for index, segment in enumerate(segments) for word in segment.words]
    written = [anchors.normalized(word.text) for word in script.words]
    said = [anchors.normalized(one.word.text) for one in heard]
    pairing = anchors.pair(written, said)
    nobodys = echoes.find([one.word for one in heard], written, pairing, clear_ms)
    heard, said, pairing = _without(nobodys, heard, said, pairing)
    unspoken = _unspoken(script, pairing, heard, (clear_ms, segments[-1].end_ms))
    silent = {place for first, last in unspoken for place in range(first, last)}
    in_order = sorted(_placed(script, segments, heard, pairing, silent), key=lambda item: item[0])
    parts: list[tuple[Token, ...]] = [()] * len(segments)
    for index, items in groupby(in_order, key=lambda item: item[0]):
        parts[index] = tuple(token for _, token in items)
    partners = [(w, said[j]) for w, j in zip(written, pairing, strict=True) if j is not None]
    n_fitting = sum(w == other or anchors.alike(w, other) for w, other in partners)
    return Overlay(tuple(parts), unspoken, _ad_libs(heard, pairing), n_fitting / len(written))


def _without(
    nobodys: set[int], heard: Sequence[_Heard], said: Sequence[str], pairing: Pairing
) -> tuple[list[_Heard], list[str], Pairing]:
    """Return all three without some heard words, none of which pairs."""
    kept = [place for place in range(len(heard)) if place not in nobodys]
    new_place = {place: number for number, place in enumerate(kept)}
    moved = [None if partner is None else new_place[partner] for partner in pairing]
    return [heard[place] for place in kept], [said[place] for place in kept], moved


def _unspoken(
    script: Script,
    pairing: Sequence[int | None],
    heard: Sequence[_Heard],
    voice: tuple[Callable[[int, int], int], int],
) -> tuple[tuple[int, int], ...]:
    """Return the runs of script words that nobody says; `voice` measures clear speech, up to a moment."""
    clear_ms, last_ms = voice
    runs = []
    for first, last in _runs(pairing):
        before = pairing[first - 1] if first else None
        after = pairing[last] if last < len(pairing) else None
        # from the end of the word before to the start of the word after, less what was heard between
        start_ms = heard[before].word.end_ms if before is not None else 0
        end_ms = heard[after].word.start_ms if after is not None else last_ms
        between = heard[(before + 1 if before is not None else 0) : after]
        free_ms = clear_ms(start_ms, max(start_ms, end_ms))
        free_ms -= sum(one.word.end_ms - one.word.start_ms for one in between)
        is_heard_nearby = before is not None or after is not None
        is_long = last - first > _SHORT_RUN or _is_whole_line(script, first, last)
        if not is_heard_nearby or (is_long and free_ms < (last - first) * _SPOKEN_WORD_MS):
            runs.append((first, last))
    return tuple(runs)


def _is_whole_line(script: Script, first: int, last: int) -> bool:
    line = script.line_of[first]
    begins = first == 0 or script.line_of[first - 1] != line
    return begins and (last == len(script.words) or script.line_of[last] != script.line_of[last - 1])


def _runs(pairing: Sequence[int | None]) -> Iterator[tuple[int, int]]:
    """Yield the runs `[first, last)` of words without a partner."""
    for is_alone, run in groupby(range(len(pairing)), key=lambda place: pairing[place] is None):
        if is_alone:
            places = list(run)
            yield places[0], places[-1] + 1


def _placed(
    script: Script,
    segments: Sequence[Segment],
    heard: Sequence[_Heard],
    pairing: Sequence[int | None],
    silent: set[int],
) -> Iterator[tuple[int, Token]]:
    """Yield every word that is spoken with the segment it is spoken in; in order within a segment."""
    early = _early(script, segments, heard, pairing)
    cursor = 0  # the next heard word
    waiting: list[Token] = []  # script words that were said before the next pair, in its segment
    for place, partner in enumerate(pairing):
        token = Token(script.words[place], place)
        if partner is None:
            if place not in silent and place in early:
                yield heard[cursor - 1].segment, token
            elif place not in silent:
                waiting.append(token)
            continue
        yield from _as_heard(heard[cursor:partner], segments)
        for said_before in waiting:
            yield heard[partner].segment, said_before
        waiting = []
        yield heard[partner].segment, _as_said(token, heard[partner], segments)
        cursor = partner + 1
    yield from _as_heard(heard[cursor:], segments)


def _early(
    script: Script, segments: Sequence[Segment], heard: Sequence[_Heard], pairing: Pairing
) -> set[int]:
    """Return the words without a partner that lie in the segment of the pair before them.

    Between two segments a sentence stays together, since chunks are cut where speakers rest; what that does
    not decide goes where there is more room beside the pair.
    """
    early: set[int] = set()
    for first, last in _runs(pairing):
        before = heard[pairing[first - 1] or 0] if first else None
        after = heard[pairing[last] or 0] if last < len(pairing) else None
        split = last if before else first
        if before and after and before.segment != after.segment:
            room_before_ms = segments[before.segment].end_ms - before.word.end_ms
            room_after_ms = after.word.start_ms - segments[after.segment].start_ms
            stops = [place for place in range(first, last + 1) if _ends_sentence(script.words[place - 1])]
            choice = stops or (first, last)
            split = choice[-1] if room_before_ms >= room_after_ms else choice[0]
        early.update(range(first, split))
    return early


def _ends_sentence(word: DisplayWord) -> bool:
    return pause_after(word.text) >= PAUSE_OF_SENTENCE


def _as_said(token: Token, one: _Heard, segments: Sequence[Segment]) -> Token:
    """Return the token as the aligner is to be asked about it.

    Where something quite different was heard, somebody changed the script or the speaker did: the sound is
    that of the heard word.
    """
    written, said = anchors.normalized(token.shown.text), anchors.normalized(one.word.text)
    if written == said or anchors.alike(written, said):
        return token
    units = find_units(one.word.text, segments[one.segment].language)
    return replace(token, shown=replace(token.shown, units=tuple(unit.text for unit in units)))


def _as_heard(said: Sequence[_Heard], segments: Sequence[Segment]) -> Iterator[tuple[int, Token]]:
    for one in said:
        units = find_units(one.word.text, segments[one.segment].language)
        yield (
            one.segment,
            Token(DisplayWord(one.word.lead, one.word.text, tuple(unit.text for unit in units)), None),
        )


def _ad_libs(heard: Sequence[_Heard], pairing: Sequence[int | None]) -> tuple[AdLib, ...]:
    scripted = {partner for partner in pairing if partner is not None}
    found = []
    for is_scripted, run in groupby(range(len(heard)), key=scripted.__contains__):
        words = [heard[place].word for place in run]
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
