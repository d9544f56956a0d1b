"""Clear speech in which nothing was heard, as segments without words: the script may have the words for it.

In go a recording's segments and where its speech is; out come the segments with empty ones between them, cut
as speech is cut into chunks. Never touches a segment that has words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from qasr_cli.options import ChunkOptions
from qasr_cli.records import Segment
from qasr_cli.speech.alignment import interpolation
from qasr_cli.speech.audio import chunking
from qasr_cli.speech.audio.vad import SpeechMap

_SHORTEST_MS = 500  # of clear speech: less is the end of a word


def add(segments: Sequence[Segment], speech: SpeechMap, language: str | None) -> tuple[Segment, ...]:
    """Return the segments with an empty one for each chunk of clear speech that none of them covers.

    Args:
        segments: In the order of time.
        speech: Of the whole recording.
        language: Code of what the aligner is to be told about the new ones, or None.
    """
    edges = [(0, 0), *((one.start_ms, one.end_ms) for one in segments), (speech.duration_ms,) * 2]
    holes = [(end_ms, start_ms) for (_, end_ms), (start_ms, _) in pairwise(edges)]
    empty = [one for hole in holes for one in _empty(*hole, speech, language)]
    return tuple(sorted([*segments, *empty], key=lambda one: one.start_ms))


def _empty(start_ms: int, end_ms: int, speech: SpeechMap, language: str | None) -> Iterator[Segment]:
    if end_ms <= start_ms or speech.clear_ms(start_ms, end_ms) < _SHORTEST_MS:
        return
    hole = replace(speech, spans=interpolation.clip_speech(speech.spans, start_ms, end_ms))
    for chunk in chunking.plan(0, hole, ChunkOptions()):
        if chunk.clear_ms >= _SHORTEST_MS:
            yield Segment(chunk.start_ms, chunk.end_ms, language, "", ())
