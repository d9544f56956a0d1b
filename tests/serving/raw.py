"""Requests byte by byte, by the standard library: what a client without OpenAI's library sends."""

from __future__ import annotations

import http.client
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.serving.in_process import InProcess
from tests.serving.server import Served

Server = Served | InProcess
TRANSCRIPTIONS = "/v1/audio/transcriptions"
Values = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A response; names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


def request(
    server: Server, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Answer:
    """Send a request and return its response."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=120)
    try:
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read())
    finally:
        connection.close()


def post_form(
    server: Server,
    fields: Values,
    file: Path | None,
    headers: Mapping[str, str] | None = None,
    path: str = TRANSCRIPTIONS,
) -> Answer:
    """Send a form with a file in its field `file`."""
    files = {} if file is None else {"file": (file.name, file.read_bytes())}
    body, content_type = form(fields, files)
    return request(server, "POST", path, body, {"Content-Type": content_type, **(headers or {})})


def form(fields: Values, files: Mapping[str, tuple[str, bytes]]) -> tuple[bytes, str]:
    """Return a form's body and its Content-Type."""
    boundary = secrets.token_hex(16)
    parts = []
    for name, values in fields.items():
        for value in [values] if isinstance(values, str) else values:
            parts.append(f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode())
    for name, (file_name, content) in files.items():
        head = f'Content-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n\r\n'
        parts.append(head.encode() + content)
    body = b"".join(b"--" + boundary.encode() + b"\r\n" + part + b"\r\n" for part in parts)
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"
