"""Paths of jobs: how far one is, its result, its end."""

from __future__ import annotations

from qasr_cli.serving.openapi import recordings
from qasr_cli.serving.openapi.parts import (
    JSON,
    Part,
    answer,
    content,
    errors,
    events,
    path,
    query,
    ref,
    string,
)


def paths() -> dict[str, Part]:
    """Return the paths."""
    return {
        "/v1/jobs/{id}": {"parameters": [_id()], "get": _show(), "delete": _cancel()},
        "/v1/jobs/{id}/result": {"parameters": [_id()], "get": _result()},
        "/v1/jobs/{id}/events": {"parameters": [_id()], "get": _events()},
    }


def _id() -> Part:
    return path("id", string("The job's id"))


def _job(description: str) -> Part:
    return answer(description, content(JSON, ref("Job")))


def _show() -> Part:
    return {
        "operationId": "showJob",
        "summary": "Show a job",
        "responses": {"200": _job("The job"), **errors(404)},
    }


def _cancel() -> Part:
    return {
        "operationId": "cancelJob",
        "summary": "Cancel a job",
        "responses": {"200": _job("The job as it is now"), **errors(404)},
    }


def _result() -> Part:
    fields = {"response_format": recordings.response_format(), **recordings.style_fields()}
    return {
        "operationId": "fetchResult",
        "summary": "Fetch the result of a job, in any format and as often as wanted",
        "parameters": [query(name, schema) for name, schema in fields.items()],
        "responses": {
            "200": answer("The result", *recordings.rendered("VerboseTranscription", "Transcription")),
            **errors(404, 409, 422, 507),
        },
    }


def _events() -> Part:
    text = "The job as JSON after each change, at most four times a second; ends when it is final"
    return {
        "operationId": "followJob",
        "summary": "Follow a job",
        "responses": {"200": answer(text, events(ref("Job"))), **errors(404)},
    }
