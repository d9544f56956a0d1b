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
from qasr_cli.options import SCHEMA
from qasr_cli.records import Caption, Segment

_LISTS = ("segments", "transcription", "chunks", "words", "word_segments")


def read(text: str) -> CaptionFile:
    """Read the captions of a JSON file.

    Raises:
        UndecodableError: It is not JSON, or neither qasr's transcript nor a list of segments.
    """
    text = text.lstrip("\ufeff \t\r\n")
    if text.startswith("["):
        text = f'{{"segments":{text}}}'  # a list alone; its lines stay the same
    whole = load_object(text)
    key = next((key for key in _LISTS if isinstance(whole.values.get(key), list)), None)
    if "schema" in whole.values or key is None:
        if key is None and "segments" in whole.values:
            whole.children("segments")  # says that it is no list
        whole.require_schema(SCHEMA)
        return _own(whole, text)
    segments = _segments(whole, key)
    captions = tuple(
        _located([_caption(segment, number) for number, segment in enumerate(segments, 1)], text, key)
    )
    return CaptionFile("json", captions, language=_language(whole), segments=tuple(segments))


def _own(whole: Fields, text: str) -> CaptionFile:
    transcript = transcript_json.read(whole)
    n_words = len(transcript.words)
    captions = [_cue(fields, number, n_words) for number, fields in enumerate(whole.children("cues"), 1)]
    located = tuple(_located(captions, text, "cues"))
    return CaptionFile("json", located, language=transcript.language, transcript=transcript)


def _located(captions: Sequence[Caption], text: str, key: str) -> Sequence[Caption]:
    """Return captions with the lines where their objects begin in the list `key`."""
    lines = json_lines.lines_of(text, key)
    if len(lines) != len(captions):  # the key twice, or words: which objects were read is not known
        return captions
    return [replace(caption, line=line) for caption, line in zip(captions, lines, strict=True)]


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


def _segments(whole: Fields, key: str) -> list[Segment]:
    language = _language(whole)
    rows = whole.children(key)
    if key in {"words", "word_segments"}:
        return json_words.grouped([json_words.timed_word(row) for row in rows], language)
    if key == "chunks":
        return _of_chunks(rows, language)
    return [
        _of_whisper_cpp(row, language) if key == "transcription" else _of_whisper(row, language)
        for row in rows
    ]


def _of_whisper(row: Fields, language: str | None) -> Segment:
    start_ms, end_ms = (row.seconds_ms(name) for name in ("start", "end"))
    text = row.text("text").strip()
    listed = row.values.get("words")
    words = (
        [json_words.timed_word(word) for word in row.children("words")] if isinstance(listed, list) else []
    )
    return Segment(start_ms, end_ms, language, text, json_words.placed(text, words, max(0, start_ms), end_ms))


def _of_whisper_cpp(row: Fields, language: str | None) -> Segment:
    times = row.child("offsets")
    text = row.text("text").strip()
    return _plain_segment(times.signed_ms("from"), times.signed_ms("to"), language, text)


def _of_chunks(rows: Sequence[Fields], language: str | None) -> list[Segment]:
    times = [row.optional_seconds_pair("timestamp") for row in rows]
    starts = [0 if start is None else start for start, _ in times]
    ends = [
        following if end is None else end
        for (_, end), following in zip(times, ends_by_next(starts), strict=True)
    ]
    texts = [row.text("text") for row in rows]
    if len(rows) > 1 and all(len(text.split()) < 2 for text in texts):  # of return_timestamps="word"
        words = [
            json_words.TimedWord(text, start, end)
            for text, start, end in zip(texts, starts, ends, strict=True)
        ]
        return json_words.grouped(words, language)
    return [
        _plain_segment(start, end, language, text.strip())
        for start, end, text in zip(starts, ends, texts, strict=True)
    ]


def _plain_segment(start_ms: int, end_ms: int, language: str | None, text: str) -> Segment:
    return Segment(start_ms, end_ms, language, text, json_words.placed(text, (), max(0, start_ms), end_ms))
