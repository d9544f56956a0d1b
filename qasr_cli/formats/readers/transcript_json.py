"""Reads qasr's own JSON: exactly the transcript that `writers.transcript_json` wrote.

In goes text or a JSON object of schema `qasr.v1`; out comes a transcript or a segment. The cues are not
read: they follow from the words. Unknown keys are ignored, since a later version may add some to the same
schema. In older files without `uncovered`, `video`, `detectors` and speakers these are empty, and their
`confidence` is that of the times alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from qasr_cli.formats.readers.json_fields import Fields, load_object
from qasr_cli.options import SCHEMA
from qasr_cli.records import Segment, Span, Speaker, Timing, Track, Transcript, Video, Word


def parse(text: str) -> Transcript:
    """Return the transcript of a JSON file, or of one line of JSON lines.

    Raises:
        UndecodableError: It is not JSON, not this schema, or a field is wrong; the message names it.
    """
    fields = load_object(text)
    fields.require_schema(SCHEMA)
    return read(fields)


def read(fields: Fields) -> Transcript:
    """Return the transcript of a JSON object of this schema; see `parse`."""
    track = fields.child("track")
    return Transcript(
        source_name=fields.text("source"),
        track=Track(
            stream_index=track.count("stream_index"),
            codec=track.text("codec"),
            channels=track.count("channels"),
            sample_rate_hz=track.count("sample_rate_hz"),
            start_ms=track.signed_ms("start_ms"),
            duration_ms=track.optional_count("duration_ms"),
            language=track.optional_text("language"),
        ),
        duration_ms=fields.count("duration_ms"),
        segments=tuple(_read_segment(segment) for segment in fields.children("segments")),
        fingerprint=fields.text("fingerprint"),
        model=fields.text("model"),
        aligner=fields.text("aligner"),
        uncovered=tuple(Span(start, end) for start, end in fields.spans("uncovered")),
        video=_read_video(fields.optional_child("video")),
        speakers=_read_speakers(fields),
    )


def _read_speakers(fields: Fields) -> tuple[Speaker, ...]:
    """Return the speakers whose name is not their label, which all others are shown by."""
    if fields.values.get("speakers") is None:
        return ()
    speakers = (Speaker(one.text("label"), one.text("name")) for one in fields.children("speakers"))
    return tuple(speaker for speaker in speakers if speaker.name not in {"", speaker.label})


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
        detectors=fields.numbers("detectors"),
    )


def _read_word(fields: Fields) -> Word:
    timing = fields.text("timing")
    if timing not in set(Timing):
        raise fields.wrong("timing", f"must be one of {', '.join(Timing)}")
    posteriors = [
        fields.optional_number(key, is_needed=False) for key in ("token_posterior", "time_posterior")
    ]
    confidence = fields.optional_number("confidence")
    is_old = "time_posterior" not in fields.values
    return Word(
        lead=fields.text("lead"),
        text=fields.text("text"),
        start_ms=fields.count("start_ms"),
        end_ms=fields.count("end_ms"),
        timing=Timing(timing),
        confidence=confidence,
        token_posterior=posteriors[0],
        time_posterior=confidence if is_old else posteriors[1],
        speaker=fields.optional_text("speaker") if "speaker" in fields.values else None,
    )
