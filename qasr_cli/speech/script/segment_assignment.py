"""Segment assignment: the segment of each word that was spoken and not recognized.

In go the match of a script with the recognized words, and runs of script words without a partner; out comes
the segment of each word. A run is put beside the words around it if there is time for it; otherwise the
recognizer missed a passage of speech, and the run is distributed over that passage as well. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise

from qasr_cli.speech.script.matching import Match, RecognizedWord
from qasr_cli.speech.script.script import Script
from qasr_cli.speech.text.display_words import PAUSE_OF_SENTENCE, letters_to_say, pause_after

SPOKEN_WORD_MS = 150  # a quick speaker's word: a long run is spoken only where there is speech for it
_MARGIN_MS = 350  # around speech: too short for a word
_MIN_FREE_SHARE = 0.5  # of a segment's clear speech: with more of it free, its text is incomplete
_NEAR_MS = 1_500  # how far an estimated cut moves to where a sentence ends

WordRun = tuple[int, int]
FreeTime = tuple[int, int]  # a segment, and its free milliseconds


def assign(match: Match, runs: Sequence[WordRun], clear_ms: Callable[[int, int], int]) -> dict[int, int]:
    """Return the segment of every word of the runs.

    Args:
        match: The match; some words of the script were recognized.
        runs: Runs `[first, last)` of the script's words without a partner, each beside a word with one.
        clear_ms: Returns the clear speech between two times.
    """
    segment_of: dict[int, int] = {}
    for first, last in runs:
        before, after = neighbours(match, first, last)
        beside = {
            recognized_word.segment for recognized_word in (before, after) if recognized_word is not None
        }
        free_times = list(_free_times(match, (first, last), clear_ms))
        free_beside_ms = sum(free_ms for segment, free_ms in free_times if segment in beside)
        is_missed = any(free_ms for segment, free_ms in free_times if segment not in beside)
        if is_missed and free_beside_ms < (last - first) * SPOKEN_WORD_MS:
            segment_of.update(
                _distribute(
                    match.script, (first, last), [free_time for free_time in free_times if free_time[1]]
                )
            )
        else:
            segment_of.update(_beside(match, (first, last), before, after))
    return segment_of


def neighbours(match: Match, first: int, last: int) -> tuple[RecognizedWord | None, RecognizedWord | None]:
    """Return the partners of the words before and after a run; None for a word without one."""
    before = match.pairing[first - 1] if first else None
    after = match.pairing[last] if last < len(match.pairing) else None
    return (
        None if before is None else match.recognized[before],
        None if after is None else match.recognized[after],
    )


def _beside(
    match: Match, run: WordRun, before: RecognizedWord | None, after: RecognizedWord | None
) -> Iterator[tuple[int, int]]:
    """Yield each word with the segment of the pair before or after it.

    Between two segments a sentence stays together, since chunks are cut at pauses; otherwise a word goes to
    the side with more time beside the pair.
    """
    first, last = run
    split = last if before else first
    if before and after and before.segment != after.segment:
        free_before_ms = match.segments[before.segment].end_ms - before.word.end_ms
        free_after_ms = after.word.start_ms - match.segments[after.segment].start_ms
        stops = [index for index in range(first, last + 1) if _begins_sentence(match.script, index)]
        candidates = stops or (first, last)
        split = candidates[-1] if free_before_ms >= free_after_ms else candidates[0]
    if before:
        yield from ((index, before.segment) for index in range(first, split))
    if after:
        yield from ((index, after.segment) for index in range(split, last))


def _free_times(match: Match, run: WordRun, clear_ms: Callable[[int, int], int]) -> Iterator[FreeTime]:
    """Yield the segments between the pairs around a run, each with its clear speech without words."""
    before, after = neighbours(match, *run)
    begin, start_ms = (before.segment, before.word.end_ms) if before else (0, 0)
    end, end_ms = (
        (after.segment, after.word.start_ms)
        if after
        else (len(match.segments) - 1, match.segments[-1].end_ms)
    )
    recognized_ms: Counter[int] = Counter()
    for recognized_word in _recognized_between(match, *run):
        recognized_ms[recognized_word.segment] += recognized_word.word.end_ms - recognized_word.word.start_ms
    beside = {recognized_word.segment for recognized_word in (before, after) if recognized_word is not None}
    for index in range(begin, end + 1):
        segment = match.segments[index]
        from_ms, until_ms = max(segment.start_ms, start_ms), min(segment.end_ms, end_ms)
        speech_ms = clear_ms(from_ms, until_ms) if from_ms < until_ms else 0
        free_ms = speech_ms - recognized_ms[index]
        is_free = free_ms > _MARGIN_MS and (index in beside or free_ms > _MIN_FREE_SHARE * speech_ms)
        yield index, free_ms if is_free else 0


def _recognized_between(match: Match, first: int, last: int) -> Sequence[RecognizedWord]:
    before = match.pairing[first - 1] if first else None
    after = match.pairing[last] if last < len(match.pairing) else None
    return match.recognized[before + 1 if before is not None else 0 : after]


def _distribute(script: Script, run: WordRun, free_times: Sequence[FreeTime]) -> Iterator[tuple[int, int]]:
    """Yield each word with its segment if all words are spoken at one pace."""
    first, last = run
    words = script.words[first:last]
    cumulative_letters = [
        0,
        *accumulate(max(1, letters_to_say(word.text)) + pause_after(word.text) for word in words),
    ]
    letters_a_ms = cumulative_letters[-1] / sum(free_ms for _, free_ms in free_times)
    begin, filled_ms = first, 0
    for (segment, free_ms), (_, next_ms) in pairwise([*free_times, (0, 0)]):
        filled_ms += free_ms
        target_letters = filled_ms * letters_a_ms
        distance = {
            index: abs(cumulative_letters[index - first] - target_letters) for index in range(begin, last + 1)
        }
        stops = [index for index in distance if index == last or _begins_sentence(script, index)]
        cut, stop = min(distance, key=distance.__getitem__), min(stops, key=distance.__getitem__)
        # the side that takes more than its share may take half as much time again
        near_ms = min(_NEAR_MS, (free_ms if stop > cut else next_ms) / 2)
        if distance[stop] <= near_ms * letters_a_ms:
            cut = stop
        yield from ((index, segment) for index in range(begin, cut))
        begin = cut


def _begins_sentence(script: Script, index: int) -> bool:
    return index == 0 or pause_after(script.words[index - 1].text) >= PAUSE_OF_SENTENCE
