"""`--overlay`: a page with the captions, for a browser source; and its server, for this machine alone.

In go events; out go one page, which asks nothing of any other host, and a stream of server-sent events with
the newest text. The server listens on 127.0.0.1 and answers under the names of this machine only, so that a
stranger's page cannot read along under a name of its own that leads here (DNS rebinding).
"""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import logging
import re
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from qasr_cli.errors import CannotCreateError
from qasr_cli.live.outputs.recent_text import RecentText
from qasr_cli.options import CueOptions
from qasr_cli.speech.streaming.events import LiveEvent

logger = logging.getLogger(__name__)

_PAGE = Path(__file__).with_name("overlay.html")
_HOST = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)
_MOST_CLIENTS = 32
_REST_S = 15.0  # a line without meaning after so long, which shows whether the client is still there
_CLIENT_S = 10.0  # for a request to come, and for an answer to go
_POLL_S = 0.1  # how soon the server notices that it is to end


def _hash(page: str, tag: str) -> str:
    """Return the source expression of a page's own script or style (CSP 3, 2.3.1)."""
    (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


class _Captions:
    """The newest text as JSON, and its number; clients wait for the next one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._text = _state(None)
        self._number = 0
        self._is_over = False

    def set(self, text: str) -> None:
        with self._changed:
            self._text, self._number = text, self._number + 1
            self._changed.notify_all()

    def end(self) -> None:
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def after(self, number: int) -> tuple[int, str] | None:
        """Return a newer text and its number, the same number after a while, or None at the end."""
        with self._changed:
            if self._number == number and not self._is_over:
                self._changed.wait(_REST_S)
            return None if self._is_over else (self._number, self._text)


def _state(recent: RecentText | None) -> str:
    partial = None if recent is None else recent.partial
    finals = () if recent is None else recent.finals
    state = {
        "final": finals[-1][0] if finals else "",
        "stable": partial.stable if partial else "",
        "unstable": partial.unstable if partial else "",
    }
    return json.dumps(state)


class _Server(ThreadingHTTPServer):
    """One thread for each client, up to a number."""

    daemon_threads = True

    def __init__(self, port: int, captions: _Captions) -> None:
        self.captions = captions
        self.page = _PAGE.read_text(encoding="utf-8")
        self.policy = (
            f"default-src 'none'; script-src {_hash(self.page, 'script')}; "
            f"style-src {_hash(self.page, 'style')}; connect-src 'self'; base-uri 'none'; "
            "form-action 'none'"
        )
        self._room = threading.Semaphore(_MOST_CLIENTS)
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        """Bind, without the look-up of the host's name that takes seconds on some machines."""
        socketserver.TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a client, or close the connection if there are too many."""
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a client to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error."""
        logger.debug("overlay: %s", client_address, exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    """Answers one request: the page, or the stream of texts."""

    server: _Server
    timeout = _CLIENT_S
    server_version, sys_version = "qasr", ""

    def do_GET(self) -> None:
        """Answer a request."""
        path = self.path.partition("?")[0]
        if not _HOST.fullmatch(self.headers.get("Host", "")):
            self.send_error(403, "this name is not known here")
        elif path == "/":
            self._begin("text/html; charset=utf-8")
            self.wfile.write(self.server.page.encode())
        elif path == "/events":
            self._begin("text/event-stream")
            self._stream()
        else:
            self.send_error(404)

    def _begin(self, kind: str) -> None:
        self.send_response(200)
        for name, value in (
            ("Content-Type", kind),
            ("Content-Security-Policy", self.server.policy),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ):
            self.send_header(name, value)
        self.end_headers()

    def _stream(self) -> None:
        sent = -1
        while (newer := self.server.captions.after(sent)) is not None:
            number, text = newer
            self.wfile.write(b":\n\n" if number == sent else f"data: {text}\n\n".encode())
            sent = number

    def log_message(self, format: str, *args: object) -> None:
        """Requests belong to the messages of -vv."""
        logger.debug(f"overlay: {format}", *args)  # noqa: G004 - the library's form


class Overlay:
    """Serves the captions of a session.

    Args:
        port: 0 for any free one.
        options: Style of cues; the page wraps lines itself.

    Attributes:
        url: Address of the page.

    Raises:
        CannotCreateError: The port is in use, or may not be used.
    """

    def __init__(self, port: int, options: CueOptions) -> None:
        self._recent = RecentText(options)
        self._captions = _Captions()
        try:
            self._server = _Server(port, self._captions)
        except OSError as error:
            is_taken = error.errno == errno.EADDRINUSE
            what = "is in use" if is_taken else f"cannot be used: {error.strerror}"
            hint = "choose another with --overlay; 0 is any free one"
            raise CannotCreateError(f"--overlay: port {port} {what}", hint, flag="--overlay") from error
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_S,), name="overlay", daemon=True
        )
        self._thread.start()

    def handle(self, event: LiveEvent) -> None:
        """Show the text that the event changes."""
        if self._recent.handle(event):
            self._captions.set(_state(self._recent))

    def close(self) -> None:
        """End the server and its streams."""
        self._captions.end()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
