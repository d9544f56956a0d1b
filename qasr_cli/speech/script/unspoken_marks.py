"""Marks in a script that are not spoken (`♪`, `...`, `* * *`): removed for matching, then restored.

In go a script and the alignment of its other words; out come segments with the marks in their places again.
Their times cannot be measured: they take the time between their neighbours, marked as interpolated.
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


def remove(script: Script) -> tuple[Script, tuple[int, ...]]:
    """Return the script of the pronounceable words, and the index that each has in the whole one."""
    script_indices = tuple(index for index, word in enumerate(script.words) if word.tokens)
    if len(script_indices) == len(script.words):
        return script, script_indices
    words = tuple(script.words[index] for index in script_indices)
    return Script(
        script.lines, words, tuple(script.line_of[index] for index in script_indices)
    ), script_indices


def with_whole_indices(overlay: Overlay, script_indices: Sequence[int]) -> Overlay:
    """Return the overlay with indices of the whole script; marks inside an unspoken run belong to it."""
    parts = tuple(
        tuple(
            spoken_word
            if spoken_word.script_index is None
            else replace(spoken_word, script_index=script_indices[spoken_word.script_index])
            for spoken_word in part
        )
        for part in overlay.parts
    )
    unspoken = tuple(
        (script_indices[first], script_indices[last - 1] + 1) for first, last in overlay.unspoken
    )
    return replace(overlay, parts=parts, unspoken=unspoken)


def restore(
    script: Script, overlay: Overlay, segments: Sequence[Segment], duration_ms: int
) -> tuple[tuple[Segment, ...], tuple[int, ...]]:
    """Return the segments with the marks restored, and the script index of each of their words.

    Args:
        script: The whole script.
        overlay: The overlay with indices of the whole script.
        segments: Segments with words of the script only, as in the overlay; those without any are left out.
        duration_ms: Length of the recording.
    """
    spoken_indices = [
        spoken_word.script_index
        for part in overlay.parts
        for spoken_word in part
        if spoken_word.script_index is not None
    ]
    unspoken_indices = {index for first, last in overlay.unspoken for index in range(first, last)}
    marks = [
        index for index, word in enumerate(script.words) if not word.tokens and index not in unspoken_indices
    ]
    rows = _rows(segments, spoken_indices)
    words = [(segment_index, word) for segment_index, row in enumerate(rows) for _, word in row]
    for word_index, run in groupby(marks, key=lambda index: bisect_left(spoken_indices, index)):
        segment_index, start_ms, end_ms = _free_time(segments, words, word_index, duration_ms)
        rows[segment_index] += _share_time(script, list(run), start_ms, max(start_ms, end_ms))
    whole = tuple(_with_marks(segment, script, row) for segment, row in zip(segments, rows, strict=True))
    return whole, tuple(sorted([*spoken_indices, *marks]))


IndexedWords = list[tuple[int, Word]]  # script indices with their words


def _rows(segments: Sequence[Segment], spoken_indices: Sequence[int]) -> list[IndexedWords]:
    rows, first = [], 0
    for segment in segments:
        last = first + len(segment.words)
        rows.append(list(zip(spoken_indices[first:last], segment.words, strict=True)))
        first = last
    return rows


def _free_time(
    segments: Sequence[Segment], words: Sequence[tuple[int, Word]], word_index: int, duration_ms: int
) -> tuple[int, int, int]:
    """Return the segment, the start and the end of the time before a word; each word has its segment.

    Between two segments it is the longer of the times before and after the start of the later one.
    """
    before_segment, start_ms = (
        (words[word_index - 1][0], words[word_index - 1][1].end_ms) if word_index else (words[0][0], 0)
    )
    if word_index == len(words):
        return before_segment, start_ms, duration_ms
    after_segment, end_ms = words[word_index][0], words[word_index][1].start_ms
    border_ms = segments[after_segment].start_ms
    if before_segment == after_segment:
        return before_segment, start_ms, end_ms
    if border_ms - start_ms >= end_ms - border_ms:
        return before_segment, start_ms, border_ms
    return after_segment, border_ms, end_ms


def _share_time(script: Script, run: Sequence[int], start_ms: int, end_ms: int) -> IndexedWords:
    """Return the words of a run, each with its share of the time."""
    edges = [start_ms + (end_ms - start_ms) * number // len(run) for number in range(len(run) + 1)]
    return [
        (
            index,
            Word(
                script.words[index].lead,
                script.words[index].text,
                begin_ms,
                until_ms,
                Timing.INTERPOLATED,
            ),
        )
        for index, begin_ms, until_ms in zip(run, edges[:-1], edges[1:], strict=True)
    ]


def _with_marks(segment: Segment, script: Script, row: IndexedWords) -> Segment:
    """Return the segment with the words of a row, and as long as they are."""
    if len(row) == len(segment.words):
        return segment
    words = [
        replace(word, lead=script.words[index].lead if number else "")
        for number, (index, word) in enumerate(sorted(row, key=lambda item: item[0]))
    ]
    start_ms = min(segment.start_ms, words[0].start_ms)
    end_ms = max(segment.end_ms, words[-1].end_ms)
    # without time between two words, each of them is shortened by a millisecond for a mark
    placed = word_times.enforce_order(words, Chunk(0, 0, start_ms, end_ms))
    joined = "".join(word.lead + word.text for word in placed)
    return replace(segment, start_ms=start_ms, end_ms=end_ms, text=joined, words=placed)
