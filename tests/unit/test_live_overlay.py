"""The overlay's server: its page, its stream, and whom it answers."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qasr_cli.errors import CannotCreateError
from qasr_cli.live.outputs import overlay
from qasr_cli.live.outputs.overlay import Overlay
from qasr_cli.options import CueOptions
from qasr_cli.speech.streaming.events import Partial
from tests.live_events import TALK, final


@pytest.fixture
def page() -> Iterator[Overlay]:
    one = Overlay(0, CueOptions())
    yield one
    one.close()


def port_of(page: Overlay) -> int:
    return int(page.url.rstrip("/").rpartition(":")[2])


def get(page: Overlay, path: str, host: str | None = None) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port_of(page), timeout=20)
    connection.request("GET", path, headers={"Host": host} if host else {})
    return connection.getresponse()


def states(response: http.client.HTTPResponse) -> Iterator[Any]:
    for line in response:
        if line.startswith(b"data: "):
            yield json.loads(line.removeprefix(b"data: "))


def test_the_page_asks_nothing_of_others_and_runs_only_its_own_script(page: Overlay) -> None:
    response = get(page, "/?size=40px")
    assert response.status == 200
    text = response.read().decode()
    policy = response.headers["Content-Security-Policy"]
    for tag in ("script", "style"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "://" not in text
    assert "background: transparent" in text


def test_the_stream_begins_with_what_is_shown_and_goes_on(page: Overlay) -> None:
    page.handle(final(0, TALK[0]))
    found = states(get(page, "/events"))
    assert next(found) == {"final": TALK[0].text, "stable": "", "unstable": ""}
    page.handle(Partial(1, 0, "<b>Tonight", " we & \u2028", 5_000, 5_400))
    assert next(found) == {"final": TALK[0].text, "stable": "<b>Tonight", "unstable": " we & \u2028"}
    again = states(get(page, "/events"))
    assert next(again)["stable"] == "<b>Tonight"


def test_the_stream_ends_with_the_session() -> None:
    page = Overlay(0, CueOptions())
    found = states(get(page, "/events"))
    next(found)
    page.close()
    assert list(found) == []


def test_names_of_this_machine_are_answered(page: Overlay) -> None:
    for host in ("127.0.0.1", "localhost:8000", "LOCALHOST", "[::1]:9"):
        assert get(page, "/", host).status == 200


def test_other_names_are_refused(page: Overlay) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil:80", "10.0.0.1", "x@localhost"):
        assert get(page, "/", host).status == 403
        assert get(page, "/events", host).status == 403


def test_nothing_else_is_served(page: Overlay) -> None:
    assert get(page, "/../overlay.py").status == 404
    assert get(page, "/events/").status == 404
    connection = http.client.HTTPConnection("127.0.0.1", port_of(page), timeout=20)
    connection.request("POST", "/events", body="x")
    assert connection.getresponse().status == 501


def test_too_many_clients_are_turned_away_and_the_others_served(page: Overlay) -> None:
    streams = [states(get(page, "/events")) for _ in range(overlay._MOST_CLIENTS)]
    for stream in streams:
        next(stream)
    with pytest.raises((http.client.HTTPException, OSError)):
        get(page, "/")
    page.handle(final(0, TALK[0]))
    assert {next(stream)["final"] for stream in streams} == {TALK[0].text}


def test_a_port_in_use_is_refused_with_the_next_step() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotCreateError, match=f"port {port} is in use") as refused:
            Overlay(port, CueOptions())
    assert "--overlay" in refused.value.hint


def test_only_this_machine_reaches_it(page: Overlay) -> None:
    assert page._server.server_address[0] == "127.0.0.1"


def test_the_page_is_shipped() -> None:
    project = Path(__file__).parents[2] / "pyproject.toml"
    assert '"live/outputs/*.html"' in project.read_text("utf-8")
