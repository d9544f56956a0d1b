"""Paths that tell of the server itself."""

from __future__ import annotations

from qasr_cli.serving.openapi.parts import (
    JSON,
    TEXT,
    Part,
    answer,
    content,
    errors,
    path,
    ref,
    string,
)

_OPEN: list[Part] = []  # no key is needed
_JSON_OBJECT: Part = {"type": "object"}


def paths() -> dict[str, Part]:
    """Return the paths."""
    return {
        "/": {"get": _open("page", "The web page, or one line of text", _page())},
        "/openapi.json": {"get": _open("describe", "This description", content(JSON, _JSON_OBJECT))},
        "/health": {"get": _health()},
        "/metrics": {"get": _open("metrics", "Figures for Prometheus", content(TEXT, string()))},
        "/status": {"get": _open("status", "Version and load", content(JSON, ref("Status")))},
        "/v1/models": {"get": _keyed("listModels", "The server's model, as a list of one", "Models")},
        "/v1/models/{id}": {
            "parameters": [path("id", string("The model's name"))],
            "get": _keyed("showModel", "The server's model", "Model", 404),
        },
    }


def _page() -> Part:
    return {**content("text/html", string()), **content(TEXT, string())}


def _open(operation: str, summary: str, body: Part) -> Part:
    """Return an operation that needs no key."""
    refused = {status: error for status, error in errors().items() if status != "401"}
    return {
        "operationId": operation,
        "summary": summary,
        "security": _OPEN,
        "responses": {"200": answer(summary, body), **refused},
    }


def _keyed(operation: str, summary: str, schema: str, *statuses: int) -> Part:
    return {
        "operationId": operation,
        "summary": summary,
        "responses": {"200": answer(summary, content(JSON, ref(schema))), **errors(*statuses)},
    }


def _health() -> Part:
    operation = _open("health", "Whether the server takes requests", content(JSON, ref("Health")))
    not_ready = answer(
        "The model is being loaded, or the server is about to end", content(JSON, ref("Health"))
    )
    operation["responses"]["503"] = not_ready
    return operation
