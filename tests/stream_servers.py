"""Servers of sound on this machine, each on a free port, for inputs that connect to them."""

from __future__ import annotations

import contextlib
import functools
import http.server
import re
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from qasr_cli.live.protocols import LiveInput, Missing
from qasr_cli.media.ffmpeg import find_tools

HOST = "127.0.0.1"


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return a port that nobody has just now."""
    with socket.socket(socket.AF_INET, kind) as probing:
        probing.bind((HOST, 0))
        port: int = probing.getsockname()[1]
        return port


def has_protocol(name: str) -> bool:
    """Whether the ffmpeg in use has a protocol."""
    said = subprocess.run(
        [find_tools().ffmpeg, "-hide_banner", "-protocols"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return name in said.stdout.split()


@contextlib.contextmanager
def sending(*arguments: object, stdout: int = subprocess.DEVNULL) -> Iterator[subprocess.Popen[bytes]]:
    """Run an ffmpeg that sends something at the speed of speech, for the time of a block."""
    command = [str(find_tools().ffmpeg), "-nostdin", "-v", "error", "-re", *map(str, arguments)]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.DEVNULL)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    is_hidden: Callable[[], bool]

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        if type(self).is_hidden():
            self.send_error(404)
        else:
            super().do_GET()


@contextlib.contextmanager
def serving_folder(
    folder: Path, is_hidden: Callable[[], bool] = lambda: False, certificate: Path | None = None
) -> Iterator[str]:
    """Serve the files of a folder over HTTP; yields the address with a slash at its end.

    Args:
        folder: The folder.
        is_hidden: Whether there are none just now.
        certificate: For https: certificate and key.
    """
    kind = type("Handler", (_Quiet,), {"is_hidden": staticmethod(is_hidden)})
    handler = functools.partial(kind, directory=str(folder))
    server = http.server.ThreadingHTTPServer((HOST, 0), handler)
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://{HOST}:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def answering(answer: Callable[[socket.socket, int], None]) -> Iterator[int]:
    """Accept connections for the time of a block and answer each in a thread; yields the port.

    Args:
        answer: Gets a connection, which is closed afterwards, and its number, from 0.
    """
    with socket.create_server((HOST, 0)) as server:

        def accept() -> None:
            for number in range(1000):
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=_answer, args=(answer, connection, number), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def _answer(answer: Callable[[socket.socket, int], None], connection: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError), connection:
        answer(connection, number)


def radio(connection: socket.socket, content: bytes, bytes_per_s: int, duration_s: float) -> None:
    """Send a part of an MP3 as Icecast does: without a length, at the speed of speech."""
    connection.recv(4096)
    connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: audio/mpeg\r\nicy-name: test\r\n\r\n")
    n_sent, until_s = 0, time.monotonic() + duration_s
    while time.monotonic() < until_s and n_sent < len(content):
        n_sent += connection.send(content[n_sent : n_sent + bytes_per_s // 20])
        time.sleep(0.05)


def camera(connection: socket.socket, samples: np.ndarray) -> None:
    """Serve `int16[n_samples]` at 16 kHz over RTSP (RFC 2326), interleaved in its connection, as L16."""
    replies = {
        "OPTIONS": "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n",
        "SETUP": "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n",
        "PLAY": "Session: 1\r\n",
    }
    sdp = f"v=0\r\no=- 0 0 IN IP4 {HOST}\r\ns=test\r\nc=IN IP4 {HOST}\r\nt=0 0\r\n"
    sdp += "m=audio 0 RTP/AVP 96\r\na=rtpmap:96 L16/16000/1\r\na=control:track\r\n"
    replies["DESCRIBE"] = f"Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n"
    requests = connection.makefile("rb")
    method = ""
    while method != "PLAY":
        lines = list(iter(lambda: requests.readline().decode().strip(), ""))
        if not lines:
            return
        method = lines[0].split()[0]
        number = next(line for line in lines if re.match("cseq:", line, re.I))
        body = f"\r\n{sdp}" if method == "DESCRIBE" else "\r\n"
        connection.sendall(f"RTSP/1.0 200 OK\r\n{number}\r\n{replies[method]}{body}".encode())
    for packet, start in enumerate(range(0, len(samples), 320)):
        payload = samples[start : start + 320].astype(">i2").tobytes()
        header = struct.pack(">BBHII", 0x80, 96, packet & 0xFFFF, start, 1)
        connection.sendall(struct.pack(">cBH", b"$", 0, len(header + payload)) + header + payload)
        time.sleep(0.02)


def listen(source: LiveInput, *, until_s: float, limit_s: float = 30.0) -> list[np.ndarray | Missing]:
    """Return what an input gives until it has given so much sound, or ends.

    Args:
        source: The input.
        until_s: Sound that is enough, in seconds; what is missing does not count.
        limit_s: The input is stopped after so long.
    """
    found: list[np.ndarray | Missing] = []
    n_samples = 0
    timer = threading.Timer(limit_s, source.stop)
    timer.start()
    try:
        for block in source.blocks():
            found.append(block)
            n_samples += 0 if isinstance(block, Missing) else len(block)
            if n_samples >= until_s * 16_000:
                source.stop()
    finally:
        timer.cancel()
    return found


def sound(blocks: list[np.ndarray | Missing]) -> np.ndarray:
    """Return the samples of some blocks, `int16[n_samples]`."""
    kept = [block for block in blocks if not isinstance(block, Missing)]
    return np.concatenate([np.zeros(0, dtype="<i2"), *kept])
