"""The HTTP server's process side: its socket, its thread with an event loop, and its end.

In go an application and an address; answers go to clients. Handles no signal: whoever started it ends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import logging
import socket
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from qasr_cli.errors import CannotCreateError, QasrError, UsageError
from qasr_cli.operating_system import processes
from qasr_cli.serving.http.connection import KEEP_ALIVE_S, Connection, Connections
from qasr_cli.serving.http.failures import MAX_HEAD_BYTES

_BACKLOG = 2048
_MOST_CONNECTIONS = 4096
_ANSWER_S = 3.0  # for answers to requests that were ended
_END_S = 5.0
MAX_FRAME_BYTES = 15 * 1024**2  # of a WebSocket, as OpenAI's: four minutes of 24 kHz in one event

Beside = Callable[[], Coroutine[Any, Any, None]]


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address.

    Raises:
        UsageError: The host's name is unknown.
        CannotCreateError: The port is in use, or may not be used.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise UsageError(f"--host {host}: {error.strerror}", "give an address", flag="--host") from error
    try:
        return _bound(family, address, is_dual=host == "::" and socket.has_dualstack_ipv6())
    except OSError as error:
        place = f"port {port} of {host}"
        if error.errno == errno.EADDRINUSE:
            hint = "end the other program, or choose another with --port; 0 is any free one"
            raise CannotCreateError(f"{place} is in use", hint, flag="--port") from error
        if error.errno == errno.EADDRNOTAVAIL:
            raise UsageError(
                f"--host {host} is not an address of this machine", "give one of its own", flag="--host"
            ) from error
        hint = (
            "choose one above 1023 with --port" if error.errno == errno.EACCES else "check --host and --port"
        )
        raise CannotCreateError(f"{place}: {error.strerror}", hint, flag="--port") from error


def _bound(family: socket.AddressFamily, address: tuple[Any, ...], *, is_dual: bool) -> socket.socket:
    # With the protocol named, asyncio sends small answers at once; without, each waits 40 ms for the client's
    # delayed acknowledgement (`base_events._set_nodelay`). `socket.create_server` does not name it.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not is_dual)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the address under which this machine reaches a listening socket."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Socket(WebSocketsSansIOProtocol):
    """A WebSocket that ends when its application has said the last word."""

    def shutdown(self) -> None:
        """Refuse a new one; one that is open ends by itself when the service does (`live_sessions`)."""
        if not self.handshake_complete:
            super().shutdown()


class HttpServer:
    """A server that answers requests in a thread of its own.

    Args:
        app: The application.
        listener: A listening socket, which belongs to the server from here on.
        beside: Coroutines to run in the same loop as long as the server runs: those of other protocols.

    Attributes:
        failure: What ended the thread; None if nothing did.
        on_failure: Called then, in that thread.
    """

    def __init__(self, app: Any, listener: socket.socket, beside: tuple[Beside, ...] = ()) -> None:
        for name in ("uvicorn", "uvicorn.error"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # ours say it, in our form
        self.failure: QasrError | None = None
        self.on_failure: Callable[[], None] = lambda: None
        most = min(_MOST_CONNECTIONS, max(16, processes.raise_file_limit() // 2))
        protocol: Any = functools.partial(Connection, shared=Connections(most))
        config = uvicorn.Config(
            app,
            http=protocol,
            ws=Socket,
            ws_max_size=MAX_FRAME_BYTES,
            ws_ping_timeout=None,  # while a client has to wait, its answers are not read either
            ws_per_message_deflate=False,  # base64 of sound hardly shrinks
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=_BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_S,
            h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        )
        self._server = uvicorn.Server(config)
        self._listener = listener
        self._beside = beside
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop_listening(self) -> None:
        """Take no more connections; a connection is closed after the answer to its request."""
        self._server.should_exit = True

    def close(self) -> None:
        """End the requests that are left, and the thread."""
        self.stop_listening()
        if self._is_ended.wait(_ANSWER_S):
            return
        self._in_loop(self._cancel)
        if self._is_ended.wait(_ANSWER_S):
            return
        self._server.force_exit = True  # a client does not read its answer
        self._is_ended.wait(_END_S)

    def _in_loop(self, call: Callable[[], None]) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has just ended
                self._loop.call_soon_threadsafe(call)

    def _cancel(self) -> None:
        for task in list(self._server.server_state.tasks):
            task.cancel()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001 - the process must not wait for a thread that is gone
            self.failure = error if isinstance(error, QasrError) else QasrError(f"the server ended: {error}")
        finally:
            self._is_ended.set()
            if self.failure is not None:
                self.on_failure()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        beside = [asyncio.create_task(one()) for one in self._beside]
        serving = asyncio.create_task(self._server.serve(sockets=[self._listener]))
        await asyncio.wait([serving, *beside], return_when=asyncio.FIRST_COMPLETED)
        if not serving.done():  # another protocol cannot be served
            self._server.should_exit = self._server.force_exit = True
            await serving
        for task in beside:
            task.cancel()
        ends = await asyncio.gather(serving, *beside, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end
