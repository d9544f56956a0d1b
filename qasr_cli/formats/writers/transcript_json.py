"""qasr's own format: all that is known, and the only one that is read back.

In go a transcript and its cues; out comes schema `qasr.v1`. `parse` returns the same transcript, exactly; the
cues are written for other programs and are not read, since they follow from the words. Times are whole
milliseconds, keys have a fixed order, and each word and cue is one line, so that a ten-hour file stays small
and a diff of two shows the words that changed.

`confidence` is a number or null. `video` is null for sound alone, else the picture's frame rate (the text
"24000/1001", or null where it varies) and the times at which the picture changes, if these were looked for.
Whatever is optional in other tools' JSON is always there in this one. Files from before `uncovered` and
`video` were written are read as if nothing were known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from qasr_cli.formats.readers.json_fields import Fields, load_object
from qasr_cli.options import SCHEMA, OutputOptions
from qasr_cli.records import Cue, Segment, Span, Timing, Track, Transcript, Video, Word

# Legal in JSON strings, but ends of lines to some readers (NEL, LS, PS), or not encodable: a file name that
# is not UTF-8 comes with lone surrogates, and must come back as it was.
_ESCAPED = re.compile(r"[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def render(transcript: Transcript, cues: Sequence[Cue], options: OutputOptions) -> str:
    """Return the text of a JSON file."""
    del options  # JSON always holds everything
    head = {**_head(transcript), "track": _track(transcript.track)}
    lines = ["{", *(f'  "{key}": {_dump(value)},' for key, value in head.items())]
    lines += ['  "segments": [', *_listed(_segment_lines(segment) for segment in transcript.segments), "  ],"]
    lines += ['  "cues": [', *_listed([f"    {_dump(_cue(cue))}"] for cue in cues), "  ]", "}"]
    return "\n".join(lines) + "\n"


def render_line(transcript: Transcript, cues: Sequence[Cue], options: OutputOptions) -> str:
    """Return the same as one line, for a stream of many transcripts."""
    del options
    whole = {
        **_head(transcript),
        "track": _track(transcript.track),
        "segments": [segment_fields(segment) for segment in transcript.segments],
        "cues": [_cue(cue) for cue in cues],
    }
    return _dump(whole) + "\n"


def _listed(items: Iterator[list[str]]) -> Iterator[str]:
    """Yield the lines of all items, with a comma after each item but the last."""
    before: list[str] = []
    for item in items:
        if before:
            yield from before[:-1]
            yield before[-1] + ","
        before = item
    yield from before


def _segment_lines(segment: Segment) -> list[str]:
    opening = _dump(_segment_head(segment)).removesuffix("}") + ', "words": ['
    words = _listed([f"      {_dump(_word(word))}"] for word in segment.words)
    return [f"    {opening}", *words, "    ]}"]


def _dump(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _head(transcript: Transcript) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "source": transcript.source_name,
        "duration_ms": transcript.duration_ms,
        "language": transcript.language,
        "model": transcript.model,
        "aligner": transcript.aligner,
        "fingerprint": transcript.fingerprint,
        "uncovered": [[span.start_ms, span.end_ms] for span in transcript.uncovered],
        "video": None if transcript.video is None else _video(transcript.video),
    }


def _video(video: Video) -> dict[str, object]:
    return {
        "frame_rate": None if video.frame_rate is None else str(video.frame_rate),
        "shots_ms": list(video.shots_ms),
    }


def _track(track: Track) -> dict[str, object]:
    return {
        "stream_index": track.stream_index,
        "codec": track.codec,
        "channels": track.channels,
        "sample_rate_hz": track.sample_rate_hz,
        "start_ms": track.start_ms,
        "duration_ms": track.duration_ms,
        "language": track.language,
    }


def _segment_head(segment: Segment) -> dict[str, object]:
    return {
        "start_ms": segment.start_ms,
        "end_ms": segment.end_ms,
        "language": segment.language,
        "text": segment.text,
        "flags": list(segment.flags),
    }


def segment_fields(segment: Segment) -> dict[str, object]:
    """Return a segment with its words as a JSON object; `read_segment` returns it as it was."""
    return {**_segment_head(segment), "words": [_word(word) for word in segment.words]}


def _word(word: Word) -> dict[str, object]:
    return {
        "lead": word.lead,
        "text": word.text,
        "start_ms": word.start_ms,
        "end_ms": word.end_ms,
        "timing": word.timing.value,
        "confidence": word.confidence,
    }


def _cue(cue: Cue) -> dict[str, object]:
    return {
        "start_ms": cue.start_ms,
        "end_ms": cue.end_ms,
        "lines": list(cue.lines),
        "word_range": list(cue.word_range),
        "flags": list(cue.flags),
    }


def parse(text: str) -> Transcript:
    """Return the transcript that `render` or `render_line` wrote.

    Unknown keys are ignored: a later version may add some to the same schema.

    Raises:
        UndecodableError: It is not JSON, not this schema, or a field is missing or wrong; says which one.
    """
    whole = load_object(text)
    whole.require_schema(SCHEMA)
    return read(whole)


def read(whole: Fields) -> Transcript:
    """Return the transcript of a JSON object of this schema; see `parse`."""
    track = whole.child("track")
    return Transcript(
        source_name=whole.text("source"),
        track=Track(
            stream_index=track.count("stream_index"),
            codec=track.text("codec"),
            channels=track.count("channels"),
            sample_rate_hz=track.count("sample_rate_hz"),
            start_ms=track.signed_ms("start_ms"),
            duration_ms=track.optional_count("duration_ms"),
            language=track.optional_text("language"),
        ),
        duration_ms=whole.count("duration_ms"),
        segments=tuple(_read_segment(segment) for segment in whole.children("segments")),
        fingerprint=whole.text("fingerprint"),
        model=whole.text("model"),
        aligner=whole.text("aligner"),
        uncovered=tuple(Span(start, end) for start, end in whole.spans("uncovered")),
        video=_read_video(whole.optional_child("video")),
    )


def _read_video(fields: Fields | None) -> Video | None:
    if fields is None:
        return None
    return Video(fields.optional_rate("frame_rate"), fields.rising_counts("shots_ms"))


def read_segment(values: Mapping[str, object]) -> Segment:
    """Return the segment of a JSON object.

    Raises:
        UndecodableError: A field is missing or wrong.
    """
    return _read_segment(Fields(dict(values), ""))


def _read_segment(fields: Fields) -> Segment:
    text = fields.text("text")
    words = tuple(_read_word(word) for word in fields.children("words"))
    if "".join(word.lead + word.text for word in words) != text:
        raise fields.wrong("words", "do not join to the segment's text")
    return Segment(
        start_ms=fields.count("start_ms"),
        end_ms=fields.count("end_ms"),
        language=fields.optional_text("language"),
        text=text,
        words=words,
        flags=fields.texts("flags"),
    )


def _read_word(fields: Fields) -> Word:
    timing = fields.text("timing")
    if timing not in set(Timing):
        raise fields.wrong("timing", f"must be one of {', '.join(Timing)}")
    return Word(
        lead=fields.text("lead"),
        text=fields.text("text"),
        start_ms=fields.count("start_ms"),
        end_ms=fields.count("end_ms"),
        timing=Timing(timing),
        confidence=fields.optional_number("confidence"),
    )
