"""Paths of recordings: transcripts and alignments."""

from __future__ import annotations

from qasr_cli.options import CueOptions
from qasr_cli.options.flag import flags_of
from qasr_cli.serving.openai_api.answers import RESPONSE_FORMATS
from qasr_cli.serving.openai_api.asks import ALIGNMENT_FORMATS, MOST, STREAMED_FORMATS
from qasr_cli.serving.openapi.parts import (
    JSON,
    TEXT,
    Part,
    answer,
    array,
    boolean,
    choice,
    content,
    errors,
    events,
    file,
    form,
    header,
    integer,
    number,
    ref,
    string,
)
from qasr_cli.subtitles.rules.profiles import PROFILES

# Beyond these a request is refused; `CueOptions` and `asks` check them.
BOUNDS: dict[str, Part] = {
    "max_line_width": {"minimum": 8, "maximum": MOST["max_line_width"]},
    "max_lines": {"minimum": 1, "maximum": 4},
    "max_words": {"minimum": 1, "maximum": MOST["max_words"]},
    "max_cps": {"exclusiveMinimum": 0, "maximum": 1_000},
    "min_duration": {"exclusiveMinimum": 0, "maximum": MOST["min_duration"]},
    "max_duration": {"exclusiveMinimum": 0, "maximum": MOST["max_duration"]},
    "min_gap": {"minimum": 0, "maximum": MOST["min_gap"]},
    "fps": {"pattern": r"^(|auto|none|[1-9][0-9]{0,2}(\.[0-9]{1,3})?)$"},
}
_LANGUAGE = "Spoken language: an ISO 639 code or an English name"
_WARNING = {"X-Qasr-Warning": header("Fields that have no effect", string())}


def paths() -> dict[str, Part]:
    """Return the paths."""
    return {
        "/v1/audio/transcriptions": {"post": _transcription()},
        "/v1/audio/translations": {"post": _translation()},
        "/v1/audio/alignments": {"post": _alignment()},
    }


def style_fields() -> dict[str, Part]:
    """Return the fields that limit cues, as the flags of the command line do."""
    kinds = {int: integer, float: number, str: string}
    fields = {flag.key: kinds[flag.kind](flag.help) for flag in flags_of(CueOptions).values()}
    for name, bounds in BOUNDS.items():
        fields[name] |= bounds
    fields["profile"] = choice(PROFILES, fields["profile"]["description"])
    return {**fields, "highlight_words": boolean("In srt and vtt each word is marked while it is spoken")}


def response_format(formats: tuple[str, ...] = RESPONSE_FORMATS) -> Part:
    """Return the field with the format of an answer."""
    return choice(formats, "Format of the answer", default=formats[0])


def rendered(verbose: str, plain: str) -> tuple[Part, ...]:
    """Return the contents of a result, one for each type that a format has.

    Args:
        verbose: Name of the schema of `verbose_json`.
        plain: Name of the schema of `json`.
    """
    either = {"anyOf": [ref(plain), ref(verbose), {"type": "object", "description": "The JSON of qasr"}]}
    texts = (TEXT, "text/vtt", "text/tab-separated-values")
    return (content(JSON, either), *(content(kind, string()) for kind in texts))


def _spoken() -> dict[str, Part]:
    return {
        "language": string(_LANGUAGE, examples=["en", "Korean"]),
        "languages": array(string(), "Detection chooses among these"),
        "prompt": string("Names and terms to expect, as free text"),
        "keywords": array(string(), "Names and terms to expect"),
        "hotwords": string("Names and terms to expect, one a line"),
    }


def _accepted() -> Part:
    headers = {
        "Location": header("Path of the job", string(), is_required=True),
        "Preference-Applied": header("`respond-async`", string()),
        **_WARNING,
    }
    return answer("The job, with `Prefer: respond-async`", content(JSON, ref("Job")), headers=headers)


def _prefer() -> Part:
    text = "`respond-async`: answer at once with the job, whose result is fetched later"
    return {"name": "Prefer", "in": "header", "schema": string(text, examples=["respond-async"])}


def _transcription() -> Part:
    granularities = array(string(enum=["word", "segment"]), "Of verbose_json", default=["segment"])
    fields = {
        "file": file("Media of any kind that ffmpeg reads"),
        "model": string("Any name; the server has one model"),
        **_spoken(),
        "response_format": response_format(),
        "timestamp_granularities[]": granularities,
        "stream": boolean(
            f"Send text as soon as it is final, as server-sent events; with {' and '.join(STREAMED_FORMATS)}"
        ),
        "temperature": number("Has no effect", minimum=0, maximum=2),
        **style_fields(),
    }
    return {
        "operationId": "transcribe",
        "summary": "Transcribe a recording",
        "parameters": [_prefer()],
        "requestBody": form(fields, ("file",)),
        "responses": {
            "200": answer(
                "The transcript",
                *rendered("VerboseTranscription", "Transcription"),
                events(ref("TranscriptEvent")),
                headers=_WARNING,
            ),
            "202": _accepted(),
            **errors(409, 413, 507),
        },
    }


def _translation() -> Part:
    fields = {"file": file("Not read")}
    return {
        "operationId": "translate",
        "summary": "Not offered: the models do not translate",
        "requestBody": form(fields, ()),
        "responses": errors(501, 413),
    }


def _alignment() -> Part:
    fields = {
        "file": file("Media of any kind that ffmpeg reads"),
        "text": string("The words that are spoken; or a file with them"),
        "script": file("A text or a subtitle file with the words, instead of `text`"),
        **_spoken(),
        "response_format": response_format(ALIGNMENT_FORMATS),
        **style_fields(),
    }
    return {
        "operationId": "align",
        "summary": "Find when the words of a script are spoken",
        "parameters": [_prefer()],
        "requestBody": form(fields, ("file",)),
        "responses": {
            "200": answer("The words with times", *rendered("Alignment", "Alignment"), headers=_WARNING),
            "202": _accepted(),
            **errors(409, 413, 422, 507),
        },
    }
