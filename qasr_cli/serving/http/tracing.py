"""What holds for every request: an id, a line in the log, figures, headers, and an answer whatever happens.

In go ASGI requests; out come the application's answers. The log has no query, no key and no content.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qasr_cli.errors import QasrError, printable
from qasr_cli.serving.gauges import Gauges
from qasr_cli.serving.http.failures import ApiError, body_of, headers_of, status_of
from qasr_cli.serving.refusals import DrainingError
from qasr_cli.serving.service import Service

logger = logging.getLogger(__name__)

_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
_QUIET = frozenset({"/health", "/metrics", "/status"})  # asked for every few seconds
_READ_S = 120.0  # a client that takes nothing of its answer for so long is gone
_UPGRADED = 101
_GONE = 499  # nginx's status for a client that did not wait
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


class NotReadError(Exception):
    """A client does not read its answer."""


class Tracing:
    """The outermost middleware.

    Args:
        app: The application without it.
        routed: The application whose routes name the endpoints in the figures.
        service: Tells whether the server is about to end.
        gauges: Counts requests.
    """

    def __init__(self, app: ASGIApp, routed: Starlette, service: Service, gauges: Gauges) -> None:
        self._app = app
        self._service = service
        self._gauges = gauges
        self._templates = {
            id(route.endpoint): route.path
            for route in routed.routes
            if hasattr(route, "endpoint") and hasattr(route, "path")
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send, self._service)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except asyncio.CancelledError:
            await exchange.fail(DrainingError("the server is about to end"))
        except NotReadError:  # the answer is incomplete, which closes the connection
            exchange.status = _GONE
        except Exception as error:  # uvicorn would answer in its own form
            logger.error("%s: unexpected %s: %s", exchange.name, type(error).__name__, error)
            logger.debug("unexpected error", exc_info=error)
            await exchange.fail(ApiError(500, f"unexpected {type(error).__name__}", "see the server's log"))
        finally:
            self._note(scope, exchange)

    def _note(self, scope: Scope, exchange: Exchange) -> None:
        seconds = time.monotonic() - exchange.begun_s
        status = _GONE if exchange.is_gone and not exchange.is_whole else exchange.status
        endpoint = self._templates.get(id(scope.get("endpoint")), "other")
        self._gauges.answered(endpoint, status, seconds)
        level = logging.DEBUG if scope["path"] in _QUIET and status < 400 else logging.INFO
        audio_ms = scope.get("state", {}).get("audio_ms")
        logger.log(
            level,
            "%s: %d, %.3f s, %s received, %s sent%s, id %s, from %s",
            exchange.name,
            status,
            seconds,
            _size(exchange.n_received),
            _size(exchange.n_sent),
            "" if audio_ms is None else f", {audio_ms / 1000:.1f} s of audio",
            exchange.id,
            (scope.get("client") or ("?",))[0],
        )


class Exchange:
    """One request and its answer.

    Attributes:
        id: The client's id of the request, or one of ours.
        begun_s: When it began, by the monotonic clock.
        status: The status of the answer; 0 before.
        is_whole: Whether all of the answer is sent.
        is_gone: Whether the client closed the connection before.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, service: Service) -> None:
        given = Headers(scope=scope).get("x-request-id", "")
        self.id = given if _ID.fullmatch(given) else secrets.token_hex(8)
        self.begun_s = time.monotonic()
        self.name = f"{scope.get('method', 'GET')} {printable(scope['path'])[:200]}"
        self.status = 0
        self.n_received = self.n_sent = 0
        self.is_whole = self.is_gone = False
        self._scope = scope
        self._receive = receive
        self._send = send
        self._service = service
        scope.setdefault("state", {})["request_id"] = self.id

    async def receive(self) -> Message:
        """Return the next part of the request."""
        message = await self._receive()
        self.n_received += len(message.get("body", b"")) + len(message.get("text") or "")
        self.is_gone = self.is_gone or (message["type"] == "http.disconnect" and not self.is_whole)
        return message

    async def send(self, message: Message) -> None:
        """Send a part of the answer.

        Raises:
            NotReadError: The client does not take it.
        """
        if message["type"] in {"http.response.start", "websocket.http.response.start"}:
            self.status = message["status"]
            self._complete(MutableHeaders(scope=message))
        elif message["type"] == "websocket.accept":
            self.status = _UPGRADED
        self.n_sent += len(message.get("body", b"")) + len(message.get("text") or "")
        try:
            await asyncio.wait_for(self._send(message), _READ_S)
        except TimeoutError:
            raise NotReadError from None
        self.is_whole = message["type"] == "http.response.body" and not message.get("more_body", False)

    def _complete(self, headers: MutableHeaders) -> None:
        headers["x-request-id"] = self.id
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        if self._service.state in {"draining", "failed"}:
            headers["connection"] = "close"

    async def fail(self, error: QasrError) -> None:
        """Answer with an error, if no answer has begun."""
        if self.status:
            return
        response = JSONResponse(body_of(error), status_of(error), dict(headers_of(error)))
        await response(self._scope, self.receive, self.send)


def _size(n_bytes: int) -> str:
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n_bytes >= factor:
            return f"{n_bytes / factor:.1f} {unit}"
    return f"{n_bytes} B"
