"""What is refused before a request's body is read, and how the body may come.

In go ASGI requests; wanted ones reach the application. Each refusal is an error in OpenAI's form.
"""

from __future__ import annotations

import asyncio
import time

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qasr_cli.errors import QasrError, printable
from qasr_cli.serving.http import hosts
from qasr_cli.serving.http.failures import (
    MAX_HEAD_BYTES,
    ApiError,
    body_of,
    head_too_long,
    headers_of,
    status_of,
)
from qasr_cli.serving.http.site import HttpSettings
from qasr_cli.serving.http.uploads import too_large

# What monitors, browsers and Bazarr ask without a key; nothing of a recording is in the answers.
_OPEN = frozenset({"/", "/health", "/metrics", "/status", "/openapi.json", "/favicon.ico"})
_OPEN_FOLDER = "/page/"
# Their client takes the body of any answer for subtitles.
_BARE = frozenset({"/asr", "/detect-language"})
_WINDOW_S = 60.0
_MIN_BYTES_PER_S = 1_000  # a phone at the edge of a network sends ten times that


class Gate:
    """The middleware that refuses.

    Args:
        app: The application.
        settings: The settings of the server.
    """

    def __init__(self, app: ASGIApp, settings: HttpSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse one request, or hand it on."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            is_http = scope["type"] == "http"
            body = PacedBody(receive, self._settings.max_upload_bytes) if is_http else receive
            await self._app(scope, body, send)
        else:
            await _answer(refusal, scope)(scope, receive, send)

    def _refusal(self, scope: Scope) -> QasrError | None:
        if _head_bytes(scope) > MAX_HEAD_BYTES:
            return head_too_long()
        headers, path, settings = Headers(scope=scope), scope["path"], self._settings
        host = headers.get("host", "")
        if host and not settings.hosts.accepts(host):  # a browser always sends one
            name = printable(hosts.name_of(host))[:100]
            return ApiError(
                400,
                f"the server is not known as {name}" if name else "the Host header is not a name",
                f"use its address, or start it with --allowed-host {name or 'NAME'}",
                code="unknown_host",
            )
        # A page of a stranger may open a WebSocket and read it, as it may not with the answer to a GET
        method = scope.get("method", "CONNECT")
        if hosts.is_foreign(method, headers):
            return ApiError(
                403, "a page of another site may not send requests", "send it from no browser", code="foreign"
            )
        is_open = path in _OPEN or path.startswith(_OPEN_FOLDER) or method == "OPTIONS"
        if not is_open and not settings.keys.accepts(headers):
            has_key = "authorization" in headers or "x-api-key" in headers
            wrong = "the key is wrong" if has_key else "the request has no key"
            return ApiError(401, wrong, "send Authorization: Bearer KEY", code="invalid_api_key")
        length = headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length) > settings.max_upload_bytes:
            return too_large(settings.max_upload_bytes)
        return None


def _head_bytes(scope: Scope) -> int:
    lines = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    return lines + len(scope.get("raw_path") or b"") + len(scope["query_string"])


def _answer(error: QasrError, scope: Scope) -> Response:
    status = status_of(error)
    headers = dict(headers_of(error))
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if scope["path"] in _BARE:
        return Response(status_code=status, headers={**headers, "X-Qasr-Error": error.message})
    return JSONResponse(body_of(error), status, headers)


class PacedBody:
    """`receive` of a request whose body must not be too large, and must come at a minimum pace.

    Only the time that is spent waiting for the client counts.
    """

    def __init__(self, receive: Receive, max_bytes: int) -> None:
        self._receive = receive
        self._max_bytes = max_bytes
        self._n_bytes = 0
        self._is_whole = False
        self._waited_s, self._n_in_window = 0.0, 0

    async def __call__(self) -> Message:
        """Return the next part.

        Raises:
            ApiError: It comes too slowly.
            TooLargeError: The body is larger than the server accepts.
        """
        if self._is_whole:
            return await self._receive()
        begun_s = time.monotonic()
        try:
            message = await asyncio.wait_for(self._receive(), _WINDOW_S - self._waited_s)
        except TimeoutError:
            raise _too_slow() from None
        n_bytes = len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        self._n_bytes += n_bytes
        if self._n_bytes > self._max_bytes:
            raise too_large(self._max_bytes)
        self._pace(time.monotonic() - begun_s, n_bytes)
        return message

    def _pace(self, seconds: float, n_bytes: int) -> None:
        """Begin a new window once the pace of this one is kept; its time then leaves room to wait."""
        self._waited_s += seconds
        self._n_in_window += n_bytes
        if self._n_in_window >= _MIN_BYTES_PER_S * _WINDOW_S:
            self._waited_s, self._n_in_window = 0.0, 0
        elif self._waited_s >= _WINDOW_S and not self._is_whole:
            raise _too_slow()


def _too_slow() -> ApiError:
    return ApiError(
        408,
        f"the body comes at less than {_MIN_BYTES_PER_S} bytes a second",
        "send it again",
        code="too_slow",
    )
