"""NIST's formats of time marks, which scoring tools read: RTTM (turns of speakers) and CTM (words).

In goes a transcript; out come lines of fields parted by spaces, sorted by time, in seconds. Field values have
no spaces, so spaces in names, file names and words become `_`. The file's name is the source's without its
suffix, and the channel is 1.

    SPEAKER file 1 start length <NA> <NA> speaker <NA> <NA>     RTTM; NIST RT-09 evaluation plan, appendix A
    file 1 start length word [confidence]                       CTM; NIST sctk, "ctm(5)"

RTTM has no line without speakers; a pause of 0.3 s ends a turn (NIST RT evaluations). A word of a CTM has its
punctuation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath

from qasr_cli.formats.writers.spoken_text import one_line, speaker_names
from qasr_cli.formats.writers.turns import turns
from qasr_cli.options import OutputOptions
from qasr_cli.records import Cue, Transcript, Word
from qasr_cli.timebase import MS_PER_S

_PAUSE_MS = 300


def render_rttm(transcript: Transcript, cues: Sequence[Cue], options: OutputOptions) -> str:
    """Return the text of an RTTM file; empty without speakers."""
    del cues, options  # neither changes the turns
    file, names = _file(transcript), speaker_names(transcript)
    spoken = [
        (start_ms, end_ms, names[turn.speaker])
        for turn in turns(transcript)
        if turn.speaker is not None
        for start_ms, end_ms in _spoken([word.word for word in turn.words])
    ]
    return "".join(
        f"SPEAKER {file} 1 {_seconds(start_ms)} {_seconds(end_ms - start_ms)} <NA> <NA> {_field(name)} <NA> "
        "<NA>\n"
        for start_ms, end_ms, name in sorted(spoken, key=lambda one: one[:2])
    )


def render_ctm(transcript: Transcript, cues: Sequence[Cue], options: OutputOptions) -> str:
    """Return the text of a CTM file; empty without words."""
    del cues, options  # neither changes the words
    file = _file(transcript)
    words = [word for segment in transcript.segments for word in segment.words if one_line(word.text).strip()]
    lines = []
    for word in sorted(words, key=lambda one: one.start_ms):
        confidence = "" if word.confidence is None else f" {word.confidence:.3f}"
        length_ms = max(word.end_ms - word.start_ms, 0)
        lines.append(
            f"{file} 1 {_seconds(word.start_ms)} {_seconds(length_ms)} {_field(word.text)}{confidence}\n"
        )
    return "".join(lines)


def _spoken(words: Sequence[Word]) -> Iterator[tuple[int, int]]:
    """Yield the start and end of a turn's parts between pauses, leaving out what has no length."""
    start_ms = end_ms = words[0].start_ms
    for word in words:
        if word.start_ms - end_ms >= _PAUSE_MS:
            yield from [(start_ms, end_ms)] * (end_ms > start_ms)
            start_ms = end_ms = word.start_ms
        end_ms = max(end_ms, word.end_ms)
    yield from [(start_ms, end_ms)] * (end_ms > start_ms)


def _file(transcript: Transcript) -> str:
    # A line that begins with ;; is a comment.
    return _field(PurePath(transcript.source_name).stem.lstrip(";"))


def _field(text: str) -> str:
    return "_".join(one_line(text).split()) or "_"


def _seconds(time_ms: int) -> str:
    return f"{time_ms // MS_PER_S}.{time_ms % MS_PER_S:03d}"
