"""The captions of a JSON file: qasr's transcript, or the segments of whisper and similar programs.

In goes text; out come captions, and for qasr's schema the transcript with its words. Whisper's segments are
`{"segments": [{"start": seconds, "end": seconds, "text": ...}]}`, as openai-whisper, whisperX, faster-whisper
and OpenAI's `verbose_json` have them.
"""

from __future__ import annotations

from dataclasses import replace

from qasr_cli import languages
from qasr_cli.formats.readers import json_lines, transcript_json
from qasr_cli.formats.readers.caption_file import CaptionFile
from qasr_cli.formats.readers.json_fields import Fields, load_object
from qasr_cli.options import SCHEMA
from qasr_cli.records import Caption
from qasr_cli.timebase import seconds_to_ms


def read(text: str) -> CaptionFile:
    """Read the captions of a JSON file.

    Raises:
        UndecodableError: It is not JSON, or neither qasr's transcript nor a list of segments.
    """
    whole = load_object(text)
    if "schema" in whole.values or "segments" not in whole.values:
        whole.require_schema(SCHEMA)
        transcript = transcript_json.read(whole)
        n_words = len(transcript.words)
        captions = tuple(
            _cue(fields, number, n_words) for number, fields in enumerate(whole.children("cues"), 1)
        )
        captions = _located(captions, text, "cues")
        return CaptionFile("json", captions, language=transcript.language, transcript=transcript)
    name = whole.values.get("language")
    language = languages.find(name) if isinstance(name, str) else None
    segments = enumerate(whole.children("segments"), 1)
    return CaptionFile(
        "json",
        _located(tuple(_segment(fields, number) for number, fields in segments), text, "segments"),
        language=language.code if language else None,
    )


def _located(captions: tuple[Caption, ...], text: str, key: str) -> tuple[Caption, ...]:
    """Return captions with the lines where their objects begin in the list `key`."""
    lines = json_lines.lines_of(text, key)
    if len(lines) != len(captions):  # the key twice: which list was read is not known
        return captions
    return tuple(replace(caption, line=line) for caption, line in zip(captions, lines, strict=True))


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


def _segment(fields: Fields, number: int) -> Caption:
    marked = tuple(fields.text("text").strip().splitlines())
    start_ms, end_ms = (seconds_to_ms(fields.optional_number(key) or 0.0) for key in ("start", "end"))
    return Caption(start_ms, end_ms, tuple(filter(None, map(str.strip, marked))), str(number), marked=marked)
