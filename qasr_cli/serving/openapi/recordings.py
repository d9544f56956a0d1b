"""Paths of recordings: transcripts and alignments."""

from __future__ import annotations

from collections.abc import Mapping

from qasr_cli.options import CueOptions
from qasr_cli.options.flag import flags_of
from qasr_cli.serving.openapi.parts import (
    EVENTS,
    FORM,
    JSON,
    TEXT,
    Part,
    answer,
    array,
    boolean,
    content,
    errors,
    file,
    header,
    integer,
    number,
    object_of,
    ref,
    string,
)
from qasr_cli.subtitles.rules.profiles import PROFILES

FORMATS = ("json", "text", "srt", "vtt", "verbose_json", "qasr_json", "tsv")
_ALIGNMENT_FORMATS = ("json", "verbose_json", "srt", "vtt", "tsv", "qasr_json")
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
    fields["profile"]["enum"] = list(PROFILES)
    return {**fields, "highlight_words": boolean("In srt and vtt each word is marked while it is spoken")}


def response_format(formats: tuple[str, ...] = FORMATS) -> Part:
    """Return the field with the format of an answer."""
    return string("Format of the answer", enum=list(formats), default=formats[0])


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


def _form(properties: Mapping[str, Part], required: tuple[str, ...]) -> Part:
    optional = tuple(name for name in properties if name not in required)
    return {"required": True, "content": content(FORM, object_of(properties, optional))}


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
        "stream": boolean("Send text as soon as it is final, as server-sent events; with json and text"),
        "temperature": number("Has no effect", minimum=0, maximum=2),
        **style_fields(),
    }
    return {
        "operationId": "transcribe",
        "summary": "Transcribe a recording",
        "parameters": [_prefer()],
        "requestBody": _form(fields, ("file",)),
        "responses": {
            "200": answer(
                "The transcript",
                *rendered("VerboseTranscription", "Transcription"),
                content(EVENTS, string("`transcript.text.delta` events, then `transcript.text.done`")),
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
        "requestBody": _form(fields, ()),
        "responses": errors(501, 413),
    }


def _alignment() -> Part:
    fields = {
        "file": file("Media of any kind that ffmpeg reads"),
        "text": string("The words that are spoken; or a file with them"),
        "script": file("A text or a subtitle file with the words, instead of `text`"),
        **_spoken(),
        "response_format": response_format(_ALIGNMENT_FORMATS),
        **style_fields(),
    }
    return {
        "operationId": "align",
        "summary": "Find when the words of a script are spoken",
        "parameters": [_prefer()],
        "requestBody": _form(fields, ("file",)),
        "responses": {
            "200": answer("The words with times", *rendered("Alignment", "Alignment"), headers=_WARNING),
            "202": _accepted(),
            **errors(409, 413, 422, 507),
        },
    }
