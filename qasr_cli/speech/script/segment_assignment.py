"""The segment of each word that was said and not heard.

In go the match of a script with what was heard and runs of words without a partner; out comes the segment of
each word. A run goes beside the words around it as long as there is time for it; otherwise the recognizer
missed a whole stretch of speech, and the run is dealt out to that as well. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise

from qasr_cli.speech.script.matching import Match, RecognizedWord
from qasr_cli.speech.script.script import Script
from qasr_cli.speech.text.display_words import PAUSE_OF_SENTENCE, letters_to_say, pause_after

SPOKEN_WORD_MS = 150  # a quick speaker's word: a longer run was said only where there is voice for it
_MARGIN_MS = 350  # around speech: no room for a word
_UNHEARD = 0.5  # of a segment's clear speech: with more of it free, its text is only a part of what was said
_NEAR_MS = 1_500  # how far an estimated cut moves to where a sentence ends

Run = tuple[int, int]
Room = tuple[int, int]  # a segment, and its free milliseconds


def find(match: Match, runs: Sequence[Run], clear_ms: Callable[[int, int], int]) -> dict[int, int]:
    """Return the segment of every word of the runs.

    Args:
        match: Of a script of which some words were heard.
        runs: Words `[first, last)` of the script without a partner, each beside one that has one.
        clear_ms: How much of the time between two moments is speech for certain.
    """
    homes: dict[int, int] = {}
    for first, last in runs:
        before, after = neighbours(match, first, last)
        beside = {one.segment for one in (before, after) if one is not None}
        rooms = list(_rooms(match, (first, last), clear_ms))
        room_beside_ms = sum(room_ms for segment, room_ms in rooms if segment in beside)
        is_missed = any(room_ms for segment, room_ms in rooms if segment not in beside)
        if is_missed and room_beside_ms < (last - first) * SPOKEN_WORD_MS:
            homes.update(_dealt(match.script, (first, last), [room for room in rooms if room[1]]))
        else:
            homes.update(_beside(match, (first, last), before, after))
    return homes


def neighbours(match: Match, first: int, last: int) -> tuple[RecognizedWord | None, RecognizedWord | None]:
    """Return what was heard for the words before and after a run, None where it is not known."""
    before = match.pairing[first - 1] if first else None
    after = match.pairing[last] if last < len(match.pairing) else None
    return (
        None if before is None else match.heard[before],
        None if after is None else match.heard[after],
    )


def _beside(
    match: Match, run: Run, before: RecognizedWord | None, after: RecognizedWord | None
) -> Iterator[tuple[int, int]]:
    """Yield each word with the segment of the pair before or after it.

    Between two segments a sentence stays together, since chunks are cut where speakers rest; what that does
    not decide goes where there is more room beside the pair.
    """
    first, last = run
    split = last if before else first
    if before and after and before.segment != after.segment:
        room_before_ms = match.segments[before.segment].end_ms - before.word.end_ms
        room_after_ms = after.word.start_ms - match.segments[after.segment].start_ms
        stops = [place for place in range(first, last + 1) if _begins_sentence(match.script, place)]
        choice = stops or (first, last)
        split = choice[-1] if room_before_ms >= room_after_ms else choice[0]
    if before:
        yield from ((place, before.segment) for place in range(first, split))
    if after:
        yield from ((place, after.segment) for place in range(split, last))


def _rooms(match: Match, run: Run, clear_ms: Callable[[int, int], int]) -> Iterator[Room]:
    """Yield the segments between the pairs around a run, each with the clear speech that no word covers."""
    before, after = neighbours(match, *run)
    begin, start_ms = (before.segment, before.word.end_ms) if before else (0, 0)
    end, end_ms = (
        (after.segment, after.word.start_ms)
        if after
        else (len(match.segments) - 1, match.segments[-1].end_ms)
    )
    said_ms: Counter[int] = Counter()
    for one in _heard_between(match, *run):
        said_ms[one.segment] += one.word.end_ms - one.word.start_ms
    beside = {one.segment for one in (before, after) if one is not None}
    for index in range(begin, end + 1):
        segment = match.segments[index]
        from_ms, until_ms = max(segment.start_ms, start_ms), min(segment.end_ms, end_ms)
        voice_ms = clear_ms(from_ms, until_ms) if from_ms < until_ms else 0
        room_ms = voice_ms - said_ms[index]
        is_free = room_ms > _MARGIN_MS and (index in beside or room_ms > _UNHEARD * voice_ms)
        yield index, room_ms if is_free else 0


def _heard_between(match: Match, first: int, last: int) -> Sequence[RecognizedWord]:
    before = match.pairing[first - 1] if first else None
    after = match.pairing[last] if last < len(match.pairing) else None
    return match.heard[before + 1 if before is not None else 0 : after]


def _dealt(script: Script, run: Run, rooms: Sequence[Room]) -> Iterator[tuple[int, int]]:
    """Yield each word with the segment that it falls in when all are said at one pace."""
    first, last = run
    words = script.words[first:last]
    passed = [0, *accumulate(max(1, letters_to_say(word.text)) + pause_after(word.text) for word in words)]
    letters_a_ms = passed[-1] / sum(room_ms for _, room_ms in rooms)
    begin, filled_ms = first, 0
    for (segment, room_ms), (_, next_ms) in pairwise([*rooms, (0, 0)]):
        filled_ms += room_ms
        wanted = filled_ms * letters_a_ms
        off = {place: abs(passed[place - first] - wanted) for place in range(begin, last + 1)}
        stops = [place for place in off if place == last or _begins_sentence(script, place)]
        cut, stop = min(off, key=off.__getitem__), min(stops, key=off.__getitem__)
        # whichever side takes more than its share has half as much room again
        near_ms = min(_NEAR_MS, (room_ms if stop > cut else next_ms) / 2)
        if off[stop] <= near_ms * letters_a_ms:
            cut = stop
        yield from ((place, segment) for place in range(begin, cut))
        begin = cut


def _begins_sentence(script: Script, place: int) -> bool:
    return place == 0 or pause_after(script.words[place - 1].text) >= PAUSE_OF_SENTENCE
