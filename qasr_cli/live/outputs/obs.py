"""`--obs`: captions in OBS (28 and newer, obs-websocket 5), in a text source or as captions of its stream.

In go events; out go requests to OBS's WebSocket server: the newest lines to a text source, or each final as
CEA-608 captions while OBS streams. If OBS is not there, or goes away, the session goes on and the
connection is tried again. WebSocket is the library's: masks, fragments, pings and limits are tested there.

Protocol: obsproject/obs-websocket, docs/generated/protocol.md; op codes, close codes and statuses are its.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from qasr_cli.errors import UnavailableError, UsageError
from qasr_cli.live.outputs.final_text import text_of
from qasr_cli.live.outputs.recent_text import RecentText, wrapped
from qasr_cli.options import CueOptions, Secret
from qasr_cli.speech.streaming.events import Final, LiveEvent
from qasr_cli.subtitles.rules import limits

logger = logging.getLogger(__name__)

_HELLO, _IDENTIFY, _IDENTIFIED, _REQUEST, _RESPONSE = 0, 1, 2, 6, 7
_RPC_VERSION = 1
_WRONG_PASSWORD = 4009  # close code
_NOT_STREAMING, _NO_SUCH_SOURCE = 501, 600  # statuses of a request
_DEFAULT_PORT = 4455
_ANSWER_S = 3.0
_FIRST_RETRY_S, _LAST_RETRY_S = 1.0, 30.0
_CEA_608 = CueOptions(max_line_width=32, max_lines=2)  # columns of its rows


@dataclass(frozen=True, slots=True)
class ObsAddress:
    """Host and port of OBS's WebSocket server."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> ObsAddress:
    """Return the address in `HOST:PORT`, or `HOST` with OBS's usual port.

    Raises:
        UsageError: It is neither.
    """
    try:
        parts = urlsplit(f"//{text}")
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if not parts.hostname or parts.netloc != text or "@" in text or port == 0:
        hint = f"give HOST:PORT, such as localhost:{_DEFAULT_PORT}"
        raise UsageError("--obs: not an address", hint, flag="--obs")  # it may have a password in it
    return ObsAddress(parts.hostname, port or _DEFAULT_PORT)


def answer_to(challenge: str, salt: str, password: str) -> str:
    """Return the authentication string for a challenge."""
    return _digest(_digest(password + salt) + challenge)


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


class _Gone(Exception):
    """OBS does not answer, or has closed the connection."""


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "no answer in time" if isinstance(error, TimeoutError) else "what answers there is not OBS"


class _Connection:
    """An identified connection, with one request at a time."""

    def __init__(self, address: ObsAddress, password: Secret) -> None:
        """Connect and identify.

        Raises:
            UnavailableError: OBS refuses the password, or the library is not installed.
            _Gone: Nothing answers there as OBS does.
        """
        try:
            from websockets.exceptions import ConnectionClosed, WebSocketException
            from websockets.sync.client import connect
        except ImportError as error:
            raise UnavailableError(
                "--obs needs the library websockets", "pip install 'qasr[live]'", flag="--obs"
            ) from error
        self._address = address
        self._failures = (OSError, WebSocketException, EOFError)
        self._n_requests = 0
        self._opened = contextlib.ExitStack()
        try:
            self._socket = self._opened.enter_context(
                connect(
                    f"ws://{address}", open_timeout=_ANSWER_S, close_timeout=1.0, compression=None, proxy=None
                )
            )
        except self._failures as error:
            raise _Gone(_reason(error)) from error
        try:
            self._identify(password)
        except ConnectionClosed as error:
            if error.rcvd is not None and error.rcvd.code == _WRONG_PASSWORD:
                hint = "give the password of OBS's WebSocket server in QASR_OBS_PASSWORD"
                raise UnavailableError(
                    f"OBS at {address} refuses the password", hint, flag="--obs-password"
                ) from error
            raise _Gone(_reason(error)) from error
        except (*self._failures, ValueError, KeyError, TypeError) as error:
            self.close()
            raise _Gone(_reason(error)) from error

    def _identify(self, password: Secret) -> None:
        hello = self._receive(_HELLO)
        identity: dict[str, object] = {"rpcVersion": _RPC_VERSION, "eventSubscriptions": 0}
        if "authentication" in hello:
            asked = hello["authentication"]
            identity["authentication"] = answer_to(asked["challenge"], asked["salt"], password.reveal())
        self._send(_IDENTIFY, identity)
        self._receive(_IDENTIFIED)

    def request(self, kind: str, data: dict[str, object]) -> int:
        """Send a request, and return the status that OBS answers.

        Raises:
            _Gone: There is no answer.
        """
        self._n_requests += 1
        number = str(self._n_requests)
        try:
            self._send(_REQUEST, {"requestType": kind, "requestId": number, "requestData": data})
            while True:
                response = self._receive(_RESPONSE)
                if response["requestId"] == number:
                    return int(response["requestStatus"]["code"])
        except (*self._failures, ValueError, KeyError, TypeError) as error:
            raise _Gone(_reason(error)) from error

    def close(self) -> None:
        """Close the connection."""
        self._opened.close()

    def _send(self, code: int, data: dict[str, object]) -> None:
        self._socket.send(json.dumps({"op": code, "d": data}))

    def _receive(self, code: int) -> Any:
        """Return the data of the next message with this op code."""
        until_s = time.monotonic() + _ANSWER_S
        while True:
            message = json.loads(self._socket.recv(timeout=max(0.0, until_s - time.monotonic())))
            if message["op"] == code:
                return message["d"]


class ObsCaptions:
    """Sends the captions of a session to OBS.

    Args:
        address: Of its WebSocket server.
        source: Name of the text source; "" for captions of the stream.
        password: Of the server; may be empty.
        options: Style of cues, for the text source.
    """

    def __init__(self, address: ObsAddress, source: str, password: Secret, options: CueOptions) -> None:
        self._address, self._source, self._password = address, source, password
        self._recent = RecentText(options)
        self._cea_608 = limits.resolve(_CEA_608, None)
        self._connection: _Connection | None = None
        self._retry_s = _FIRST_RETRY_S
        self._retry_at_s = 0.0
        self._is_warned = False
        self._refusals: set[int] = set()  # statuses that are logged already

    def connect(self) -> None:
        """Connect if OBS is there.

        Raises:
            UnavailableError: OBS refuses the password, or the library is not installed.
        """
        if self._connection is not None or time.monotonic() < self._retry_at_s:
            return
        try:
            self._connection = _Connection(self._address, self._password)
        except _Gone as error:
            self._lose(error)
            return
        if self._is_warned:
            logger.warning("OBS at %s is there; captions go on", self._address)
        self._retry_s, self._is_warned = _FIRST_RETRY_S, False
        if self._source and self._recent.lines():
            self._show()

    def handle(self, event: LiveEvent) -> None:
        """Send what the event changes.

        Raises:
            UnavailableError: See `connect`.
        """
        has_changed = self._recent.handle(event)
        is_connected = self._connection is not None
        self.connect()  # shows the newest lines, if it does
        if self._source:
            if has_changed and is_connected:
                self._show()
        elif isinstance(event, Final):
            for caption in self._captions(text_of(event)):
                self._request("SendStreamCaption", {"captionText": caption})

    def close(self) -> None:
        """Empty the text source, and close the connection."""
        if self._source:
            self._request("SetInputSettings", self._settings(""))
        if self._connection is not None:
            self._connection.close()

    def _show(self) -> None:
        self._request("SetInputSettings", self._settings("\n".join(self._recent.lines())))

    def _settings(self, text: str) -> dict[str, object]:
        return {"inputName": self._source, "inputSettings": {"text": text}, "overlay": True}

    def _captions(self, text: str) -> Iterator[str]:
        """Yield a text as captions of two rows."""
        lines = list(wrapped(text, self._cea_608))
        for first in range(0, len(lines), self._cea_608.max_lines):
            yield "\n".join(lines[first : first + self._cea_608.max_lines])

    def _request(self, kind: str, data: dict[str, object]) -> None:
        if self._connection is None:
            return
        try:
            status = self._connection.request(kind, data)
        except _Gone as error:
            self._lose(error)
            return
        if status == 100 or status in self._refusals:
            return
        self._refusals.add(status)
        if status == _NO_SUCH_SOURCE:
            logger.warning("OBS has no source %r: check --obs-source", self._source)
        elif status == _NOT_STREAMING:
            logger.warning("OBS shows captions when it streams; --obs-source shows them in a text source")
        else:
            logger.warning("OBS refuses %s with status %d", kind, status)

    def _lose(self, error: _Gone) -> None:
        """Close the connection, and try it again later, each time less soon."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._retry_at_s = time.monotonic() + self._retry_s
        self._retry_s = min(2 * self._retry_s, _LAST_RETRY_S)
        if not self._is_warned:
            self._is_warned = True
            logger.warning("OBS at %s is not there (%s); it is tried again", self._address, error)
