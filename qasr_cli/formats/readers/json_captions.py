"""The captions of a JSON file: qasr's transcript, or the segments of whisper and similar programs.

In go text; out come captions, and the words that have times: for qasr's schema in a transcript, for other
programs in segments. Read are

* `{"segments": [{"start": seconds, "end": seconds, "text": ..., "words": [...]}]}` of openai-whisper,
  whisperX, stable-ts, faster-whisper and OpenAI's `verbose_json`, and such a list alone;
* `{"words": [...]}` of OpenAI without segments;
* `{"chunks": [{"timestamp": [seconds, seconds], "text": ...}]}` of Transformers' pipeline;
* `{"transcription": [{"offsets": {"from": ms, "to": ms}, "text": ...}]}` of whisper.cpp.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qasr_cli import languages
from qasr_cli.formats.readers import json_lines, json_words, transcript_json
from qasr_cli.formats.readers.caption_file import CaptionFile, ends_by_next
from qasr_cli.formats.readers.json_fields import Fields, load_object
from qasr_cli.formats.readers.json_words import TimedWord
from qasr_cli.options import SCHEMA
from qasr_cli.records import Caption, Segment

_LISTS = ("segments", "transcription", "chunks", "words", "word_segments")


def read(text: str) -> CaptionFile:
    """Read the captions of a JSON file.

    Raises:
        UndecodableError: It is not JSON, or neither qasr's transcript nor a list of segments.
    """
    text = text.removeprefix("\ufeff")
    if text.lstrip().startswith("["):
        text = f'{{"segments":{text}}}'  # a list alone; its lines stay the same
    whole = load_object(text)
    lists = [key for key in _LISTS if isinstance(whole.values.get(key), list)]
    key = next((key for key in lists if whole.values[key]), lists[0] if lists else None)
    if "schema" in whole.values or key is None:
        if key is None and "segments" in whole.values:
            whole.children("segments")  # says that it is no list
        whole.require_schema(SCHEMA)
        return _own(whole, text)
    segments, places = _segments(whole, key)
    captions = [_caption(segment, number) for number, segment in enumerate(segments, 1)]
    located = tuple(_located(captions, json_lines.lines_of(text, key), places, len(whole.children(key))))
    return CaptionFile("json", located, language=_language(whole), segments=tuple(segments))


def _own(whole: Fields, text: str) -> CaptionFile:
    transcript = transcript_json.read(whole)
    n_words = len(transcript.words)
    captions = [_cue(fields, number, n_words) for number, fields in enumerate(whole.children("cues"), 1)]
    n_cues = len(captions)
    located = tuple(_located(captions, json_lines.lines_of(text, "cues"), range(n_cues), n_cues))
    return CaptionFile("json", located, language=transcript.language, transcript=transcript)


def _located(
    captions: Sequence[Caption], lines: Sequence[int], places: Sequence[int], n_objects: int
) -> Sequence[Caption]:
    """Return captions with the lines of their first objects.

    Args:
        captions: Captions of a list of objects.
        lines: The line of each object.
        places: The place of each caption's first object among them.
        n_objects: Number of objects that were read.
    """
    if len(lines) != n_objects:  # the key is there twice: which objects were read is not known
        return captions
    return [replace(caption, line=lines[place]) for caption, place in zip(captions, places, strict=True)]


def _cue(fields: Fields, number: int, n_words: int) -> Caption:
    lines = fields.texts("lines")
    first, last = fields.range("word_range", n_words)
    return Caption(
        fields.signed_ms("start_ms"),
        fields.signed_ms("end_ms"),
        tuple(filter(None, map(str.strip, lines))),
        str(number),
        marked=lines,
        word_range=(first, last),
        speakers=fields.texts("speakers") if "speakers" in fields.values else (),
    )


def _caption(segment: Segment, number: int) -> Caption:
    marked = tuple(segment.text.splitlines())
    lines = tuple(filter(None, map(str.strip, marked)))
    return Caption(segment.start_ms, segment.end_ms, lines, str(number), marked=marked)


def _language(whole: Fields) -> str | None:
    inner = whole.values.get("result")  # whisper.cpp
    name = whole.values.get("language", inner.get("language") if isinstance(inner, dict) else None)
    language = languages.find(name) if isinstance(name, str) else None
    return language.code if language else None


def _segments(whole: Fields, key: str) -> tuple[list[Segment], Sequence[int]]:
    """Return the segments of the list `key`, and the place of each one's first object in it."""
    language = _language(whole)
    rows = whole.children(key)
    if key in {"words", "word_segments"}:
        return _of_words([json_words.timed_word(row) for row in rows], language)
    if key == "chunks":
        return _of_chunks(rows, language)
    if key == "transcription":
        return [_of_whisper_cpp(row, language) for row in rows], range(len(rows))
    return _of_whisper(rows, language), range(len(rows))


def _of_words(words: Sequence[TimedWord], language: str | None) -> tuple[list[Segment], Sequence[int]]:
    groups = json_words.grouped(words)
    segments = [json_words.segment([words[place] for place in group], language) for group in groups]
    return segments, [group[0] for group in groups]


def _of_whisper(rows: Sequence[Fields], language: str | None) -> list[Segment]:
    words = [
        [json_words.timed_word(word) for word in row.children("words")]
        if isinstance(row.values.get("words"), list)
        else []
        for row in rows
    ]
    starts, ends = _whole_times(
        [(_optional_ms(row, "start"), _optional_ms(row, "end")) for row in rows], words
    )
    segments = []
    for row, own, start_ms, end_ms in zip(rows, words, starts, ends, strict=True):
        text = row.text("text").strip()
        speaker = json_words.speaker_of(row)
        placed = json_words.placed(text, own, max(0, start_ms), end_ms, speaker)
        segments.append(Segment(start_ms, end_ms, language, text, placed))
    return segments


def _optional_ms(row: Fields, key: str) -> int | None:
    return None if row.optional_number(key) is None else row.seconds_ms(key)


def _whole_times(
    times: Sequence[tuple[int | None, int | None]], words: Sequence[Sequence[TimedWord]]
) -> tuple[list[int], list[int]]:
    """Return starts and ends; a missing one is that of the words inside, or else of the neighbour."""
    starts: list[int] = []
    last_ms = 0
    for (start, end), own in zip(times, words, strict=True):
        inside = [word.start_ms for word in own if word.start_ms is not None]
        starts.append(start if start is not None else min(inside, default=last_ms))
        last_ms = max([starts[-1], end or 0, *(word.end_ms or 0 for word in own)])
    ends = []
    for (_, end), own, start_ms, next_ms in zip(times, words, starts, ends_by_next(starts), strict=True):
        inside = [word.end_ms for word in own if word.end_ms is not None]
        ends.append(end if end is not None else max([start_ms, *inside]) if inside else next_ms)
    return starts, ends


def _of_whisper_cpp(row: Fields, language: str | None) -> Segment:
    times = row.child("offsets")
    text = row.text("text").strip()
    return _plain_segment(times.signed_ms("from"), times.signed_ms("to"), language, text)


def _of_chunks(rows: Sequence[Fields], language: str | None) -> tuple[list[Segment], Sequence[int]]:
    starts, ends = _whole_times([row.optional_seconds_pair("timestamp") for row in rows], [()] * len(rows))
    texts = [row.text("text") for row in rows]
    if len(rows) > 1 and all(len(text.split()) < 2 for text in texts):  # of return_timestamps="word"
        return _of_words(list(map(TimedWord, texts, starts, ends)), language)
    segments = [
        _plain_segment(start, end, language, text.strip())
        for start, end, text in zip(starts, ends, texts, strict=True)
    ]
    return segments, range(len(rows))


def _plain_segment(start_ms: int, end_ms: int, language: str | None, text: str) -> Segment:
    return Segment(start_ms, end_ms, language, text, json_words.placed(text, (), max(0, start_ms), end_ms))
