"""What descriptions of operations are made of: schemas of values, parameters, answers, errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

Part = dict[str, Any]

JSON, TEXT, FORM, EVENTS = "application/json", "text/plain", "multipart/form-data", "text/event-stream"
_MEDIA = "audio/*, video/*, application/octet-stream"
_ALWAYS = (400, 401, 403, 408, 500, 503)  # of every request: name, key, origin, pace; a bug; draining
_OWN_TEXTS = {
    400: "The request, a field or the recording is not what it should be",
    401: "The key is wrong or missing",
    403: "A page of another site sent it",
    408: "The body came too slowly",
    413: "The body is larger than the server accepts",
    503: "Too much audio waits, or the server is about to end; Retry-After says when to ask again",
}


def string(description: str = "", **more: Any) -> Part:
    """Return the schema of a text."""
    return _described("string", description, more)


def integer(description: str = "", **more: Any) -> Part:
    """Return the schema of a whole number."""
    return _described("integer", description, more)


def number(description: str = "", **more: Any) -> Part:
    """Return the schema of a number."""
    return _described("number", description, more)


def boolean(description: str = "", **more: Any) -> Part:
    """Return the schema of a switch."""
    return _described("boolean", description, more)


def array(items: Part, description: str = "", **more: Any) -> Part:
    """Return the schema of a list."""
    return _described("array", description, {"items": items, **more})


def nullable(schema: Part) -> Part:
    """Return the schema of a value that may be null."""
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


def choice(values: Iterable[str], description: str = "", **more: Any) -> Part:
    """Return the schema of a field that has a few values; an empty field is one that is not there."""
    return string(description, enum=[*values, ""], **more)


def file(description: str) -> Part:
    """Return the schema of a file in a form."""
    return string(description, format="binary")


def object_of(properties: Mapping[str, Part], optional: tuple[str, ...] = (), **more: Any) -> Part:
    """Return the schema of an object, all of whose properties are there but the optional ones."""
    required = [name for name in properties if name not in optional]
    needed = {"required": required} if required else {}
    return {"type": "object", "properties": dict(properties), **needed, **more}


def ref(name: str) -> Part:
    """Return a reference to one of `schemas`."""
    return {"$ref": f"#/components/schemas/{name}"}


def query(name: str, schema: Part) -> Part:
    """Return a parameter of the address."""
    return {"name": name, "in": "query", "schema": schema}


def path(name: str, schema: Part) -> Part:
    """Return a part of the path."""
    return {"name": name, "in": "path", "required": True, "schema": schema}


def content(media_type: str, schema: Part) -> Part:
    """Return the content of a body of one type."""
    return {media_type: {"schema": schema}}


def form(properties: Mapping[str, Part], required: tuple[str, ...]) -> Part:
    """Return the body of a request with a form; its files are media of any kind."""
    optional = tuple(name for name in properties if name not in required)
    body = content(FORM, object_of(properties, optional))
    files = [name for name, schema in properties.items() if schema.get("format") == "binary"]
    body[FORM]["encoding"] = {name: {"contentType": _MEDIA} for name in files}
    return {"required": True, "content": body}


def events(data: Part) -> Part:
    """Return the content of server-sent events, each with a JSON value of this schema."""
    inner = string(contentMediaType=JSON, contentSchema=data)
    return content(EVENTS, {"type": "object", "properties": {"data": inner}, "required": ["data"]})


def answer(description: str, *contents: Part, headers: Part | None = None) -> Part:
    """Return an answer; several contents are alternatives."""
    merged = {media_type: body for one in contents for media_type, body in one.items()}
    whole: Part = {"description": description}
    if merged:
        whole["content"] = merged
    if headers:
        whole["headers"] = headers
    return whole


def header(description: str, schema: Part, *, is_required: bool = False) -> Part:
    """Return a header of an answer."""
    return {"description": description, "required": is_required, "schema": schema}


def errors(*statuses: int, is_bare: bool = False) -> Part:
    """Return the errors of an operation, by status: those of every request, and these.

    Args:
        statuses: Further statuses.
        is_bare: The reason is in a header, and there is no body.
    """
    return {str(status): _error(status, is_bare) for status in sorted({*_ALWAYS, *statuses})}


def _error(status: int, is_bare: bool) -> Part:
    headers: Part = {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = header("`Bearer`", string(), is_required=True)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = header("Seconds", integer(minimum=1, maximum=120))
    text = _OWN_TEXTS.get(status, HTTPStatus(status).phrase)
    if is_bare:
        headers["X-Qasr-Error"] = header("The reason, in one line", string())
        return answer(text, headers=headers)
    return answer(text, content(JSON, ref("Error")), headers=headers)


def _described(kind: str, description: str, more: Mapping[str, Any]) -> Part:
    return {"type": kind, **({"description": description} if description else {}), **more}
