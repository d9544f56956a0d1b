"""More connections than a server takes: idle ones make room; a client beyond is told when to ask again."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from qasr_cli.serving import server
from qasr_cli.serving.http import connection

_MOST = 16


class Slow:
    """An application whose answers wait until they are let go."""

    def __init__(self) -> None:
        self.go = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        import asyncio

        while scope["path"] == "/slow" and not self.go.is_set():
            await asyncio.sleep(0.01)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def address(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    """The address of a server that takes 16 connections."""
    monkeypatch.setattr(server, "_MOST_CONNECTIONS", _MOST)
    monkeypatch.setattr(connection, "_HEAD_S", 1.0)
    listener = server.listen("127.0.0.1", 0)
    running = server.HttpServer(slow, listener)
    found = listener.getsockname()
    running.start()
    yield found
    slow.go.set()
    running.close()
    assert running.failure is None


def ask(address: tuple[str, int], path: str) -> tuple[int, dict[str, str], bytes]:
    asking = http.client.HTTPConnection(*address, timeout=30)
    with contextlib.closing(asking):
        asking.request("GET", path)
        response = asking.getresponse()
        return response.status, dict(response.getheaders()), response.read()


def test_idle_ones_make_room(address: tuple[str, int]) -> None:
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(socket.create_connection(address, timeout=30)) for _ in range(4 * _MOST)]
        assert ask(address, "/")[0] == 200
        assert idle[0].recv(1) == b""  # the one that was idle longest
        assert ask(address, "/")[0] == 200


def test_busy_ones_are_not_closed_for_others(address: tuple[str, int], slow: Slow) -> None:
    with contextlib.ExitStack() as stack:
        busy = [http.client.HTTPConnection(*address, timeout=30) for _ in range(_MOST)]
        for one in busy:
            stack.enter_context(contextlib.closing(one))
            one.request("GET", "/slow")
        time.sleep(0.5)
        status, headers, body = ask(address, "/")
        assert status == 503
        assert headers["retry-after"] == "1"
        assert json.loads(body)["error"]["type"] == "service_unavailable_error"
        slow.go.set()
        assert [one.getresponse().read() for one in busy] == [b"ok"] * _MOST
    assert ask(address, "/")[0] == 200


def test_one_that_sends_no_whole_head_is_closed(address: tuple[str, int]) -> None:
    with contextlib.ExitStack() as stack:
        silent, slow_head, between = (
            stack.enter_context(socket.create_connection(address, timeout=30)) for _ in range(3)
        )
        slow_head.sendall(b"GET / HTTP/1.1\r\n")
        between.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert between.recv(4096).startswith(b"HTTP/1.1 200")
        between.sendall(b"GET / HT")
        begun_s = time.monotonic()
        for one in (silent, slow_head, between):
            assert one.recv(1) == b""
        assert time.monotonic() - begun_s < 15


def test_small_answers_are_sent_at_once(address: tuple[str, int]) -> None:
    """Head and body are two writes; the second must not wait for the client's acknowledgement (40 ms)."""
    asking = http.client.HTTPConnection(*address, timeout=30)
    with contextlib.closing(asking):
        asking.request("GET", "/")
        asking.getresponse().read()
        took_s = []
        for _ in range(30):
            begun_s = time.monotonic()
            asking.request("GET", "/")
            asking.getresponse().read()
            took_s.append(time.monotonic() - begun_s)
    assert min(took_s) < 0.03
    listener = server.listen("127.0.0.1", 0)
    with listener:
        assert listener.proto == socket.IPPROTO_TCP
