"""A hub of our own on loopback: enough of the Hugging Face hub's interface for real downloads in tests.

In goes a folder of repositories (`org/name/...`); out come its files over HTTP, with ranges, so that a
download that was cut short can go on. It can be told to die in the middle of a body, to damage one,
or to refuse whatever it is asked for.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "c0ffee" * 6 + "cafe"  # the one revision there is, besides `main`
_LARGE_BYTES = 1 << 20  # larger files are named by their SHA-256, as the hub's large-file store does


class Hub(ThreadingHTTPServer):
    """The server.

    Attributes:
        folder: Holds the repositories.
        cuts: After how many bytes the next connections break that carry a large file; then they hold.
        damage: Turn the last byte of large files over.
        refusal: Status and error code to answer everything with.
        requests: Method, path and range of everything that was asked for.
        tokens: What each of those brought as its authorization, or "".
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.cuts: list[int] = []
        self.damage = False
        self.refusal: tuple[int, str] | None = None
        self.requests: list[tuple[str, str, str]] = []
        self.tokens: list[str] = []

    @property
    def url(self) -> str:
        """Address for `HF_ENDPOINT`."""
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[Hub]:
    """Serve the repositories in a folder while the block runs."""
    hub = Hub(folder)
    thread = threading.Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def do_HEAD(self) -> None:
        self._answer(has_body=False)

    def do_GET(self) -> None:
        self._answer(has_body=True)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the test's output is the client's."""

    def _answer(self, *, has_body: bool) -> None:
        path = self.path.split("?")[0]
        self.server.requests.append((self.command, path, self.headers.get("Range", "")))
        self.server.tokens.append(self.headers.get("Authorization", ""))
        parts = path.strip("/").split("/")
        if self.server.refusal:
            self._refuse(self.server.refusal[1], self.server.refusal[0])
        elif parts[:2] == ["api", "models"] and len(parts) >= 4:
            self._send_listing(self.server.folder / parts[2] / parts[3], parts[4:])
        elif len(parts) >= 5 and parts[2] == "resolve":
            self._send_file(self.server.folder / parts[0] / parts[1], parts[3], "/".join(parts[4:]), has_body)
        else:
            self._refuse("EntryNotFound")

    def _send_listing(self, repository: Path, rest: list[str]) -> None:
        if not repository.is_dir():
            self._refuse("RepoNotFound")
            return
        if rest[:1] in (["revision"], ["tree"]) and rest[1] not in ("main", COMMIT):
            self._refuse("RevisionNotFound")
            return
        files = sorted(path for path in repository.iterdir() if path.is_file())
        if rest[:1] == ["tree"]:
            body: object = [
                {"type": "file", "path": path.name, "size": path.stat().st_size, "oid": _etag(path)}
                for path in files
            ]
        else:
            body = {
                "id": "/".join(repository.parts[-2:]),
                "modelId": "/".join(repository.parts[-2:]),
                "sha": COMMIT,
                "private": False, "tags": [], "downloads": 0, "likes": 0,
                "siblings": [{"rfilename": path.name} for path in files],
            }  # fmt: skip
        raw = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _send_file(self, repository: Path, revision: str, name: str, has_body: bool) -> None:
        path = repository / name
        if revision not in ("main", COMMIT):
            self._refuse("RevisionNotFound")
            return
        if not path.is_file():
            self._refuse("EntryNotFound")
            return
        raw = path.read_bytes()
        begin = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0] or 0)
        self.send_response(206 if begin else 200)
        self.send_header("ETag", f'"{_etag(path)}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(raw) - begin))
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(raw) - 1}/{len(raw)}")
        self.end_headers()
        if not has_body:
            return
        if self.server.damage and len(raw) > _LARGE_BYTES:
            raw = raw[:-1] + bytes([raw[-1] ^ 0xFF])
        if not self.server.cuts or len(raw) <= _LARGE_BYTES:
            self.wfile.write(raw[begin:])
            return
        self.wfile.write(raw[begin : begin + self.server.cuts.pop(0)])
        self.wfile.flush()
        self.close_connection = True
        self.connection.close()

    def _refuse(self, code: str, status: int = 404) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


def _etag(path: Path) -> str:
    raw = path.read_bytes()
    if len(raw) > _LARGE_BYTES:
        return hashlib.sha256(raw).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(raw) + raw).hexdigest()  # git's own name for the content
