"""Lines of a script that nobody can say (`♪`, `...`, `* * *`): taken out to compare it, and put back.

In go a script and what became of its other words; out come segments in which such words stand in their place
again. When they are shown nobody can measure: they take the time between their neighbours, and say so.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from qasr_cli.records import Chunk, Segment, Timing, Word
from qasr_cli.speech.alignment import word_times
from qasr_cli.speech.script.overlay import Overlay
from qasr_cli.speech.script.script import Script


def take_out(text: Script) -> tuple[Script, tuple[int, ...]]:
    """Return the script of the words that can be said, and the place that each has in the whole one."""
    places = tuple(place for place, word in enumerate(text.words) if word.tokens)
    if len(places) == len(text.words):
        return text, places
    words = tuple(text.words[place] for place in places)
    return Script(text.lines, words, tuple(text.line_of[place] for place in places)), places


def in_whole(laid: Overlay, places: Sequence[int]) -> Overlay:
    """Return the overlay with places in the whole script; marks inside what nobody says belong to it."""
    parts = tuple(
        tuple(
            script_word
            if script_word.place is None
            else replace(script_word, place=places[script_word.place])
            for script_word in part
        )
        for part in laid.parts
    )
    unspoken = tuple((places[first], places[last - 1] + 1) for first, last in laid.unspoken)
    return replace(laid, parts=parts, unspoken=unspoken)


def put_back(
    text: Script, laid: Overlay, segments: Sequence[Segment], duration_ms: int
) -> tuple[tuple[Segment, ...], tuple[int, ...]]:
    """Return the segments with the marks in their places, and the place of each of their words.

    Args:
        text: The whole script.
        laid: In places of the whole script.
        segments: With words of the script only, as `laid` has them; those without any are left out.
        duration_ms: Of the recording.
    """
    said = [script_word.place for part in laid.parts for script_word in part if script_word.place is not None]
    silent = {place for first, last in laid.unspoken for place in range(first, last)}
    marks = [place for place, word in enumerate(text.words) if not word.tokens and place not in silent]
    rows = _rows(segments, said)
    words = [(home, word) for home, row in enumerate(rows) for _, word in row]
    for at, run in groupby(marks, key=lambda place: bisect_left(said, place)):
        home, start_ms, end_ms = _room(segments, words, at, duration_ms)
        rows[home] += _shared(text, list(run), start_ms, max(start_ms, end_ms))
    whole = tuple(_with(segment, text, row) for segment, row in zip(segments, rows, strict=True))
    return whole, tuple(sorted([*said, *marks]))


Row = list[tuple[int, Word]]  # places in the script with their words


def _rows(segments: Sequence[Segment], said: Sequence[int]) -> list[Row]:
    rows, first = [], 0
    for segment in segments:
        last = first + len(segment.words)
        rows.append(list(zip(said[first:last], segment.words, strict=True)))
        first = last
    return rows


def _room(
    segments: Sequence[Segment], words: Sequence[tuple[int, Word]], at: int, duration_ms: int
) -> tuple[int, int, int]:
    """Return the segment, the start and the end of the time before word number `at`; each has its segment.

    Between two segments it is the longer of the times on both sides of where the later one begins.
    """
    before_home, start_ms = (words[at - 1][0], words[at - 1][1].end_ms) if at else (words[0][0], 0)
    if at == len(words):
        return before_home, start_ms, duration_ms
    after_home, end_ms = words[at][0], words[at][1].start_ms
    border_ms = segments[after_home].start_ms
    if before_home == after_home:
        return before_home, start_ms, end_ms
    if border_ms - start_ms >= end_ms - border_ms:
        return before_home, start_ms, border_ms
    return after_home, border_ms, end_ms


def _shared(text: Script, run: Sequence[int], start_ms: int, end_ms: int) -> Row:
    """Return the words of a run, each with its share of the time."""
    edges = [start_ms + (end_ms - start_ms) * number // len(run) for number in range(len(run) + 1)]
    return [
        (place, Word(text.words[place].lead, text.words[place].text, begin_ms, until_ms, Timing.INTERPOLATED))
        for place, begin_ms, until_ms in zip(run, edges[:-1], edges[1:], strict=True)
    ]


def _with(segment: Segment, text: Script, row: Row) -> Segment:
    """Return the segment with the words of a row, and as long as they are."""
    if len(row) == len(segment.words):
        return segment
    words = [
        replace(word, lead=text.words[place].lead if number else "")
        for number, (place, word) in enumerate(sorted(row, key=lambda item: item[0]))
    ]
    start_ms = min(segment.start_ms, words[0].start_ms)
    end_ms = max(segment.end_ms, words[-1].end_ms)
    # where there is no time between two words they make a millisecond's room for it
    placed = word_times.enforce_order(words, Chunk(0, 0, start_ms, end_ms))
    joined = "".join(word.lead + word.text for word in placed)
    return replace(segment, start_ms=start_ms, end_ms=end_ms, text=joined, words=placed)
