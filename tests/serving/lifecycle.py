"""Servers that begin and end within a test, and what is asked of them."""

from __future__ import annotations

import contextlib
import http.client
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.serving import server
from tests.serving.server import Served

FORM = "/v1/audio/transcriptions"
SLEEPY = ("--engine", "tests.fakes:sleepy")
ECHO = ("--engine", "tests.fakes:echo")


@contextlib.contextmanager
def process(
    folder: Path, *arguments: object, env: Mapping[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], Served]]:
    """Start a server for a test that ends it itself."""
    begun, ready = server.begin(folder, *arguments, env=env)
    try:
        yield begun, server.await_ready(begun, ready)
    finally:
        begun.kill()
        begun.wait()


def send(served: Served, seconds: float, number: int, **headers: str) -> http.client.HTTPConnection:
    """Send a recording and return the connection on which its answer will come."""
    body, kind = server.form({"model": "x"}, ("talk.wav", server.speech(seconds, number=number)))
    connection = http.client.HTTPConnection(*served.address, timeout=120)
    connection.request("POST", FORM, body, {**kind, **headers})
    return connection


def await_text(served: Served, text: str) -> None:
    """Wait until the server has written a text."""
    until_s = time.monotonic() + 30
    while text not in served.log.read_text():
        assert time.monotonic() < until_s, served.log.read_text()
        time.sleep(0.05)


def await_busy(served: Served) -> None:
    """Wait until the engine computes."""
    until_s = time.monotonic() + 30
    while "qasr_chunks_running 0.0" in served.ask("GET", "/metrics").text:
        assert time.monotonic() < until_s
        time.sleep(0.05)
