"""One connection of the HTTP server: what uvicorn leaves open against slow and broken clients.

In go bytes; out come ASGI requests. A connection that sends no whole request within a time is closed, junk is
answered in OpenAI's form, and beyond the largest number of connections the one that was idle longest goes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from qasr_cli.serving.http.failures import ApiError, body_of, head_too_long
from qasr_cli.serving.refusals import OverloadedError

_HEAD_S = 30.0  # for a request's head; a slow phone needs a second
KEEP_ALIVE_S = 75  # longer than clients (5 s) and proxies (60 s) use one again: they close it, and not we


@dataclass(slots=True)
class Connections:
    """What the connections of a server share.

    Attributes:
        most: Largest number of connections.
        idle: Those without a request, the one that has been idle longest first.
        n_refused: How many requests were refused because of the number.
    """

    most: int
    idle: dict[Connection, None] = field(default_factory=dict)
    n_refused: int = 0


class Connection(H11Protocol):
    """A connection.

    Args:
        shared: What it shares with the others.
        arguments: Those of uvicorn.
    """

    def __init__(self, *, shared: Connections, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._shared = shared
        self._head_timer: asyncio.TimerHandle | None = None
        self._is_websocket = False  # another object has the connection then

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Note the connection; make room for it, or let it be answered with an error."""
        super().connection_made(transport)
        if len(self.connections) > self._shared.most:
            oldest = next(iter(self._shared.idle), None)
            if oldest is not None:
                oldest.end()
            elif len(self.connections) > 2 * self._shared.most:
                transport.abort()
                return
            else:
                self.app = self._refuse
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._disarm()
        self._shared.idle.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read bytes, which may begin requests."""
        super().data_received(data)
        self._look()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand the connection over; its times are those of the protocol from here on."""
        self._is_websocket = True
        self._disarm()
        self._shared.idle.pop(self, None)
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._disarm()
        super().on_response_complete()
        self._look()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, or a head that is too long, and close."""
        error = sys.exc_info()[1]
        status = getattr(error, "error_status_hint", 400) or 400
        refused = head_too_long() if status == 431 else ApiError(status, "the request is not HTTP/1.1")
        body = json.dumps(body_of(refused)).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        with contextlib.suppress(h11.LocalProtocolError):  # an answer is under way already
            for event in (
                h11.Response(status_code=status, headers=headers, reason=HTTPStatus(status).phrase.encode()),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def end(self) -> None:
        """Close it; no request is under way."""
        self._shared.idle.pop(self, None)
        self.transport.close()

    def _look(self) -> None:
        """Give a connection without a request a time to send one; uvicorn does so between two only."""
        if self._is_websocket:
            return
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            self._disarm()
            self._shared.idle.pop(self, None)
            return
        self._shared.idle.setdefault(self, None)
        if self._head_timer is None and self.timeout_keep_alive_task is None:
            self._head_timer = self.loop.call_later(_HEAD_S, self.end)

    def _disarm(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    async def _refuse(self, scope: Any, receive: Any, send: Any) -> None:
        self._shared.n_refused += 1
        body = json.dumps(
            body_of(OverloadedError(f"more than {self._shared.most} requests at once"))
        ).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"retry-after", b"1"),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": body})
