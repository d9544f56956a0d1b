"""The cues of `--highlight-words`: each cue once for each word, with the word underlined.

In go a cue's runs; out come consecutive moments that fill exactly the cue's time. This is the format of
whisper's `--highlight_words`, and the only one that works in every player: players draw `<u>`, few use
timestamps. As in whisper, there is no underline between words, if the silence is long enough to be visible.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from qasr_cli.formats.writers.spoken_text import TextRun
from qasr_cli.records import Cue, Word

_SHORTEST_MS = 42  # one frame at 24 fps; a shorter moment without underline only flickers


@dataclass(frozen=True, slots=True)
class Moment:
    """A part of a cue's time with the index of the word that is spoken in it, or None."""

    start_ms: int
    end_ms: int
    word: int | None


def moments(cue: Cue, lines: Sequence[Sequence[TextRun]], words: Sequence[Word]) -> Iterator[Moment]:
    """Yield the moments of a cue, in order, without holes; each is at least 1 ms long.

    Args:
        cue: The cue.
        lines: The runs of its lines.
        words: All words of the transcript.
    """
    spoken = dict.fromkeys(run.word for line in lines for run in line if run.word is not None)
    shown = [index for index in spoken if words[index].end_ms > cue.start_ms]
    now_ms = cue.start_ms
    for index, following in pairwise([*shown, None]):
        assert index is not None  # noqa: S101 - only the last of the list is
        next_ms = cue.end_ms if following is None else min(words[following].start_ms, cue.end_ms)
        start_ms = min(words[index].start_ms, cue.end_ms)
        if start_ms - now_ms >= _SHORTEST_MS:
            yield Moment(now_ms, start_ms, None)
            now_ms = start_ms
        end_ms = min(words[index].end_ms, next_ms)
        if next_ms - end_ms < _SHORTEST_MS:
            end_ms = next_ms
        if end_ms > now_ms:
            yield Moment(now_ms, end_ms, index)
            now_ms = end_ms
    if now_ms < cue.end_ms:
        yield Moment(now_ms, cue.end_ms, None)
