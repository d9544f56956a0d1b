"""HTTP to one server: kept connections, and limits on the time and the size of a reply.

In go requests; out come whole replies of a bounded size, or an `OSError` or `HTTPException`. A socket's own
limit is for one read, so a thread ends what exceeds its time. Follows no redirect and uses no proxy.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from qasr_cli.version import __version__

MAX_ANSWER_BYTES = 1 << 20  # a chunk's text has some hundred bytes, and 60 kB with JSON's escapes at most
MAX_ERROR_BYTES = 1 << 16
_CONNECT_S = 10.0
_LOOK_S = 0.1
_KINDS: dict[str, type[http.client.HTTPConnection]] = {
    "http": http.client.HTTPConnection,
    "https": http.client.HTTPSConnection,
}


class TooLargeError(http.client.HTTPException):
    """The reply is larger than any answer."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request to an endpoint below the base address."""

    method: str
    path: str
    body: bytes = b""
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply; of an error's body the first 64 kB."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes


class Deadlines:
    """Ends requests that take too long, or all of them; any thread may call it.

    The thread behind it runs while there are requests.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until_s: dict[http.client.HTTPConnection, float] = {}
        self._has_thread = False

    @contextlib.contextmanager
    def limiting(self, connection: http.client.HTTPConnection, until_s: float) -> Iterator[None]:
        """End what the connection does at a time of the monotonic clock."""
        with self._lock:
            self._until_s[connection] = until_s
            is_first, self._has_thread = not self._has_thread, True
        if is_first:
            threading.Thread(target=self._watch, name="server deadlines", daemon=True).start()
        try:
            yield
        finally:
            with self._lock:
                del self._until_s[connection]

    def end_all(self) -> None:
        """End every request in progress."""
        with self._lock:
            for connection in self._until_s:
                _shut(connection)

    def _watch(self) -> None:
        n_idle = 0
        while True:
            time.sleep(_LOOK_S)
            with self._lock:
                now_s = time.monotonic()
                for connection, until_s in self._until_s.items():
                    if now_s > until_s:
                        _shut(connection)
                n_idle = 0 if self._until_s else n_idle + 1
                if n_idle * _LOOK_S > _CONNECT_S:
                    self._has_thread = False
                    return


def _shut(connection: http.client.HTTPConnection) -> None:
    sock = connection.sock
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


class Transport:
    """Connections to one server; any thread may call it.

    Args:
        address: Base address, without `/v1`.
        key: Sent as a bearer token; "" sends none.
        deadlines: Shared by all servers of a recogniser.
    """

    def __init__(self, address: str, key: str, deadlines: Deadlines) -> None:
        parts = urlsplit(address)
        self._kind = _KINDS[parts.scheme]
        self._host, self._port, self._base = parts.hostname or "", parts.port, parts.path
        self._headers = {"User-Agent": f"qasr/{__version__}", "Accept": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._deadlines = deadlines
        self._idle: deque[http.client.HTTPConnection] = deque()  # the warmest last; its ends are atomic

    def send(self, request: Request, limit_s: float) -> Reply:
        """Return the reply to a request.

        A kept connection that the server has closed in the meantime is replaced, once.

        Raises:
            OSError: The server cannot be reached, or did not answer in time (`TimeoutError`).
            HTTPException: What came is no HTTP, or larger than any answer.
        """
        until_s = time.monotonic() + limit_s
        kept = self._take_idle()
        if kept is not None:
            try:
                return self._exchange(kept, request, until_s)
            except (http.client.BadStatusLine, ConnectionError):
                if time.monotonic() >= until_s:
                    raise TimeoutError(f"no answer within {limit_s:.0f} s") from None
        connection = self._kind(self._host, self._port, timeout=max(0.1, min(_CONNECT_S, limit_s)))
        return self._exchange(connection, request, until_s)

    def close(self) -> None:
        """Close the connections that wait for a request."""
        while (connection := self._take_idle()) is not None:
            connection.close()

    def _take_idle(self) -> http.client.HTTPConnection | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _exchange(self, connection: http.client.HTTPConnection, request: Request, until_s: float) -> Reply:
        begun_s = time.monotonic()
        try:
            with (
                self._deadlines.limiting(connection, until_s),
                self._ask(connection, request, until_s) as response,  # may outlive its connection
            ):
                is_success = 200 <= response.status < 300
                body = _read(response, MAX_ANSWER_BYTES if is_success else MAX_ERROR_BYTES, is_success)
                headers = {name.lower(): value for name, value in response.getheaders()}
                is_kept = is_success and not response.will_close
        except BaseException as error:
            connection.close()
            is_late = time.monotonic() >= until_s
            if is_late and isinstance(error, OSError | http.client.HTTPException):
                raise TimeoutError(f"no answer within {until_s - begun_s:.0f} s") from error
            raise
        if is_kept:
            self._idle.append(connection)
        else:
            connection.close()
        return Reply(response.status, headers, body)

    def _ask(
        self, connection: http.client.HTTPConnection, request: Request, until_s: float
    ) -> http.client.HTTPResponse:
        headers = dict(self._headers)
        if request.content_type:
            headers["Content-Type"] = request.content_type
        if connection.sock is None:
            connection.connect()
        connection.sock.settimeout(max(0.1, until_s - time.monotonic()))
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        try:
            connection.request(request.method, self._base + request.path, request.body or None, headers)
        except (BrokenPipeError, ConnectionResetError):
            # A server that refuses a request may answer and close before it has read the body.
            with contextlib.suppress(OSError, http.client.HTTPException):
                return connection.getresponse()
            raise
        return connection.getresponse()


def _read(response: http.client.HTTPResponse, max_bytes: int, is_success: bool) -> bytes:
    """Return a body; of an error's as much as is needed.

    Raises:
        TooLargeError: An answer has more than `max_bytes`.
        HTTPException: The connection closed before its end.
    """
    parts: list[bytes] = []
    n_left = max_bytes + 1
    try:
        while n_left > 0 and (part := response.read1(min(n_left, 1 << 16))):
            parts.append(part)
            n_left -= len(part)
    except (OSError, http.client.HTTPException):
        if is_success:
            raise
    body = b"".join(parts)
    if is_success:
        if n_left <= 0:
            raise TooLargeError("the answer is larger than 1 MB")
        if response.length:  # bytes that its header promised
            raise http.client.IncompleteRead(body, response.length)
    return body[:max_bytes]
