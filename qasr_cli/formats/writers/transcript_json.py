"""qasr's own format: the whole transcript as JSON.

In go a transcript and its cues; out comes schema `qasr.v1`. `readers.transcript_json` returns the same
transcript, exactly; the cues are written for other programs, since they follow from the words. Times are
whole milliseconds, keys have a fixed order, and each word and cue is one line, so that a ten-hour file stays
small and a diff of two shows the words that changed.

A word's `confidence` and its two posteriors are numbers or null; its `speaker` is a label or null, and a
segment's is that of all its words; a cue has one for each line, and `speakers` are their names. `detectors`
holds what the detectors of hallucinations look at. `video` is null for audio alone, else the picture's frame
rate (the text "24000/1001", or null if it varies) and its shot changes, if these were detected. Every key is
always present, even if optional in the JSON of other tools; only `low_confidence` stands on those words alone
that `--low-confidence` marks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from qasr_cli.formats.writers.turns import is_marked
from qasr_cli.options import SCHEMA, OutputOptions
from qasr_cli.records import Cue, Segment, Track, Transcript, Video, Word

# Legal in JSON strings, but line ends for some readers (NEL, LS, PS), or not encodable: a file name that is
# not UTF-8 has lone surrogates, and must be restored exactly.
_ESCAPED = re.compile(r"[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def render(transcript: Transcript, cues: Sequence[Cue], options: OutputOptions) -> str:
    """Return the text of a JSON file."""
    head = {**_head(transcript), "track": _track(transcript.track)}
    lines = ["{", *(f'  "{key}": {_dump(value)},' for key, value in head.items())]
    lines += [
        '  "segments": [',
        *_listed(_segment_lines(segment, options) for segment in transcript.segments),
        "  ],",
    ]
    lines += ['  "cues": [', *_listed([f"    {_dump(_cue(cue))}"] for cue in cues), "  ]", "}"]
    return "\n".join(lines) + "\n"


def render_line(transcript: Transcript, cues: Sequence[Cue], options: OutputOptions) -> str:
    """Return the same as one line, for a stream of many transcripts."""
    whole = {
        **_head(transcript),
        "track": _track(transcript.track),
        "segments": [segment_fields(segment, options) for segment in transcript.segments],
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


def _segment_lines(segment: Segment, options: OutputOptions) -> list[str]:
    opening = _dump(_segment_head(segment)).removesuffix("}") + ', "words": ['
    words = _listed([f"      {_dump(_word(word, options))}"] for word in segment.words)
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
        "speakers": [{"label": label, "name": name} for label, name in transcript.speaker_names.items()],
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
        "speaker": segment.speaker,
        "text": segment.text,
        "flags": list(segment.flags),
        "detectors": dict(segment.detectors),
    }


def segment_fields(segment: Segment, options: OutputOptions | None = None) -> dict[str, object]:
    """Return a segment with its words as a JSON object; the reader's `read_segment` returns it as it was."""
    return {**_segment_head(segment), "words": [_word(word, options) for word in segment.words]}


def _word(word: Word, options: OutputOptions | None) -> dict[str, object]:
    return {
        "lead": word.lead,
        "text": word.text,
        "start_ms": word.start_ms,
        "end_ms": word.end_ms,
        "timing": word.timing.value,
        "confidence": word.confidence,
        "token_posterior": word.token_posterior,
        "time_posterior": word.time_posterior,
        "speaker": word.speaker,
        **({"low_confidence": True} if options is not None and is_marked(word, options) else {}),
    }


def _cue(cue: Cue) -> dict[str, object]:
    return {
        "start_ms": cue.start_ms,
        "end_ms": cue.end_ms,
        "lines": list(cue.lines),
        "word_range": list(cue.word_range),
        "flags": list(cue.flags),
        "speakers": [speaker.label for speaker in cue.speakers],
    }
