"""Paths of whisper-asr-webservice, which Bazarr calls."""

from __future__ import annotations

from qasr_cli.serving.asr_api import OUTPUTS
from qasr_cli.serving.openapi.parts import (
    JSON,
    TEXT,
    Part,
    answer,
    boolean,
    choice,
    content,
    errors,
    file,
    form,
    header,
    query,
    ref,
    string,
)


def paths() -> dict[str, Part]:
    """Return the paths."""
    return {"/asr": {"post": _asr()}, "/detect-language": {"post": _detect()}}


def _body() -> Part:
    text = "Media; with encode=false samples: 16 kHz, mono, 16 bits, no header"
    return form({"audio_file": file(text)}, ("audio_file",))


def _encode() -> Part:
    return query("encode", boolean("Whether the file is media", default=True))


def _asr() -> Part:
    name = header("Proposes a file name", string())
    return {
        "operationId": "asr",
        "summary": "Transcribe a recording, as whisper-asr-webservice does",
        "parameters": [
            _encode(),
            query("task", choice(["transcribe"], "translate is refused with 501", default="transcribe")),
            query("language", string("Spoken language; detected without it")),
            query("initial_prompt", string("Names and terms to expect")),
            query("output", choice(OUTPUTS, default=OUTPUTS[0])),
            query("word_timestamps", boolean("Words in json", default=False)),
            query("vad_filter", boolean("Has no effect: speech is always detected")),
        ],
        "requestBody": _body(),
        "responses": {
            "200": answer("The subtitles", content(TEXT, string()), headers={"Content-Disposition": name}),
            **errors(409, 413, 422, 501, 507, is_bare=True),
        },
    }


def _detect() -> Part:
    return {
        "operationId": "detectLanguage",
        "summary": "Detect the spoken language in three parts of a recording",
        "parameters": [_encode()],
        "requestBody": _body(),
        "responses": {
            "200": answer("The language", content(JSON, ref("DetectedLanguage"))),
            **errors(409, 413, 422, 507, is_bare=True),
        },
    }
