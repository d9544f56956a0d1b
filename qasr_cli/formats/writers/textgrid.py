"""Praat's TextGrid, in its long text form: tiers of intervals for phoneticians.

In goes a transcript; out come the tiers `words` and `segments`, and one for each speaker with the text of its
turns, named after the speaker. The intervals of a tier fill the whole time without holes, as Praat requires:
silence is an interval without text. Each is at least a millisecond long; where words overlap, the earlier one
ends where the later one begins. Times are seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from qasr_cli.formats.writers.spoken_text import one_line, speaker_names
from qasr_cli.formats.writers.turns import Stretch, turns
from qasr_cli.options import OutputOptions
from qasr_cli.records import Cue, Transcript
from qasr_cli.timebase import MS_PER_S

_Interval = tuple[int, int, str]  # start and end in milliseconds, text


def render(transcript: Transcript, cues: Sequence[Cue], options: OutputOptions) -> str:
    """Return the text of a TextGrid."""
    del cues, options  # neither changes the words
    tiers = {name: list(_apart(intervals)) for name, intervals in _tiers(transcript)}
    ends = (intervals[-1][1] for intervals in tiers.values() if intervals)
    end_ms = max(transcript.duration_ms, 1, *ends)
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {_seconds(end_ms)}",
        "tiers? <exists>",
        f"size = {len(tiers)}",
        "item []:",
    ]
    for number, (name, intervals) in enumerate(tiers.items(), 1):
        filled = list(_filled(intervals, end_ms))
        lines += [
            f"    item [{number}]:",
            '        class = "IntervalTier"',
            f"        name = {_quoted(name)}",
            "        xmin = 0",
            f"        xmax = {_seconds(end_ms)}",
            f"        intervals: size = {len(filled)}",
        ]
        for place, (start_ms, stop_ms, text) in enumerate(filled, 1):
            lines += [
                f"        intervals [{place}]:",
                f"            xmin = {_seconds(start_ms)}",
                f"            xmax = {_seconds(stop_ms)}",
                f"            text = {_quoted(text)}",
            ]
    return "\n".join(lines) + "\n"


def _tiers(transcript: Transcript) -> Iterator[tuple[str, list[_Interval]]]:
    segments = transcript.segments
    yield (
        "words",
        [(word.start_ms, word.end_ms, word.text) for segment in segments for word in segment.words],
    )
    yield "segments", [(segment.start_ms, segment.end_ms, segment.text) for segment in segments]
    taken = Counter(["words", "segments"])
    spoken: dict[str | None, list[Stretch]] = {}
    for turn in turns(transcript):
        spoken.setdefault(turn.speaker, []).append(turn)
    for label, name in speaker_names(transcript).items():
        shown = name
        while taken[shown]:  # Praat and its libraries find tiers by their names
            taken[name] += 1
            shown = f"{name}_{taken[name]}"
        taken[shown] += 1
        yield (
            shown,
            [
                (turn.words[0].word.start_ms, max(word.word.end_ms for word in turn.words), turn.text)
                for turn in spoken.get(label, ())
            ],
        )


def _apart(intervals: Iterable[_Interval]) -> Iterator[_Interval]:
    """Yield the intervals with a text, in order, each at least 1 ms long and none over another."""
    shown = sorted(
        ((start_ms, end_ms, " ".join(one_line(text).split())) for start_ms, end_ms, text in intervals),
        key=lambda one: one[0],
    )
    kept = [one for one in shown if one[2]]
    now_ms = 0
    for place, (start_ms, end_ms, text) in enumerate(kept, 1):
        begin_ms = max(start_ms, now_ms)
        latest_ms = kept[place][0] if place < len(kept) else end_ms
        now_ms = max(min(end_ms, latest_ms), begin_ms + 1)
        yield begin_ms, now_ms, text


def _filled(intervals: Sequence[_Interval], end_ms: int) -> Iterator[_Interval]:
    """Yield the intervals with the silence between them, from 0 to the end."""
    now_ms = 0
    for start_ms, stop_ms, text in intervals:
        if start_ms > now_ms:
            yield now_ms, start_ms, ""
        yield start_ms, stop_ms, text
        now_ms = stop_ms
    if now_ms < end_ms:
        yield now_ms, end_ms, ""


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _seconds(time_ms: int) -> str:
    whole, rest_ms = divmod(time_ms, MS_PER_S)
    return f"{whole}.{rest_ms:03d}".rstrip("0").rstrip(".")
