"""Subtitles and transcripts of other programs as transcripts of qasr, so that every writer can render them.

In go the captions of a file; out come a transcript and, for subtitles, its cues. Subtitles keep their cues,
times and line breaks. Transcripts have no cues worth keeping: they are laid out anew from their words. Words
without times get interpolated ones, inside their caption.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from qasr_cli import languages
from qasr_cli.errors import UndecodableError
from qasr_cli.formats.readers.caption_file import CaptionFile
from qasr_cli.records import Caption, Chunk, Cue, LineSpeaker, Segment, Timing, Track, Transcript, Word
from qasr_cli.speech.alignment.word_times import interpolate_words
from qasr_cli.speech.text import display_words

_NO_TRACK = Track(0, "", 0, 0)  # no audio was decoded
_NOT_OURS = "0" * 16  # the fingerprint of no options: qasr did not make it
_UNTIMED_LETTERS = 20  # a "word" that is longer is a sentence of a file without times of words


def convert(path: Path, file: CaptionFile, language: str | None) -> tuple[Transcript, tuple[Cue, ...] | None]:
    """Return the transcript of a file, and the cues to keep; None lays it out anew.

    Raises:
        UndecodableError: A part of the file could not be read and would be lost.
    """
    lost = next((fault for fault in file.faults if not fault.is_fixable), None)
    if lost is not None:
        where = f"line {lost.line}: " if lost.line else ""
        raise UndecodableError(f"{where}{lost.text}", "see qasr check; correct it first")
    if file.segments:
        segments = tuple(_timed(segment, number, language) for number, segment in enumerate(file.segments))
        return _transcript(path, tuple(one for one in segments if one.words)), None
    shown = sorted((caption for caption in file.captions if caption.lines), key=lambda one: one.start_ms)
    segments = tuple(_segment(caption, number, language) for number, caption in enumerate(shown))
    return _transcript(path, segments), tuple(_cues(shown, segments))


def _transcript(path: Path, segments: tuple[Segment, ...]) -> Transcript:
    duration_ms = max((segment.end_ms for segment in segments), default=0)
    return Transcript(path.name, _NO_TRACK, duration_ms, segments, _NOT_OURS)


def _span_ms(start_ms: int, end_ms: int) -> tuple[int, int]:
    """Return times that can be written: not negative, and not empty."""
    start_ms = max(0, start_ms)
    return start_ms, max(start_ms + 1, end_ms)


def _segment(caption: Caption, number: int, language: str | None) -> Segment:
    text = ""
    ends: list[int] = []
    for line in caption.lines:
        text += languages.joint(text, line) + line
        ends.append(len(text))
    start_ms, end_ms = _span_ms(caption.start_ms, caption.end_ms)
    words = _words(text, number, start_ms, end_ms, language)
    if len(caption.speakers) == len(ends):
        words = tuple(_spoken(words, ends, caption.speakers))
    return Segment(start_ms, end_ms, language, text, words)


def _spoken(words: Sequence[Word], ends: Sequence[int], speakers: Sequence[str]) -> Iterator[Word]:
    """Yield words with the speakers of their lines, which end at `ends` of their text."""
    place = 0
    for word in words:
        place += len(word.lead)
        speaker = speakers[min(bisect_right(ends, place), len(speakers) - 1)]
        place += len(word.text)
        yield replace(word, speaker=speaker or None)


def _words(text: str, number: int, start_ms: int, end_ms: int, language: str | None) -> tuple[Word, ...]:
    words = display_words.split(text, language)
    last_ms = max(end_ms, start_ms + len(words))  # each word has a millisecond, whatever the file says
    return interpolate_words(words, Chunk(0, number, start_ms, last_ms)) if words else ()


def _timed(segment: Segment, number: int, language: str | None) -> Segment:
    """Return a segment of another program's transcript with times for each of its words."""
    start_ms, end_ms = _span_ms(segment.start_ms, segment.end_ms)
    words = segment.words
    is_one = len(words) == 1 and words[0].timing is Timing.INTERPOLATED
    if is_one and (" " in segment.text or len(segment.text) > _UNTIMED_LETTERS or not _is_spaced(language)):
        speaker = words[0].speaker
        untimed = _words(segment.text, number, start_ms, end_ms, language)
        words = tuple(replace(word, speaker=speaker) for word in untimed)
    return Segment(start_ms, end_ms, language, segment.text, words)


def _is_spaced(language: str | None) -> bool:
    entry = languages.find(language) if language else None
    return entry is None or entry.is_spaced


def _cues(captions: Sequence[Caption], segments: Sequence[Segment]) -> Iterator[Cue]:
    first = 0
    for caption, segment in zip(captions, segments, strict=True):
        last = first + len(segment.words)
        speakers = caption.speakers if len(caption.speakers) == len(caption.lines) else ()
        yield Cue(
            segment.start_ms,
            segment.end_ms,
            caption.lines,
            (first, last),
            speakers=tuple(map(LineSpeaker, speakers)),
        )
        first = last
