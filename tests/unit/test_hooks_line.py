"""Hooks that go wrong in ways that nobody foresaw: a warning each, and the next one's turn."""

from __future__ import annotations

import errno
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import NoReturn

import pytest

from qasr_cli.errors import QasrError, UsageError
from qasr_cli.hooks import address, command
from qasr_cli.hooks.line import Line
from qasr_cli.hooks.webhook import Sender
from qasr_cli.options import HookOptions


@pytest.mark.parametrize("error", [OverflowError("too big"), OSError("no room"), QasrError("known")])
def test_one_that_goes_wrong_costs_no_other(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []

    def work(item: int) -> None:
        if item == 1:
            raise error
        done.append(item)

    line = Line("--hook", work, lambda: None)
    for item in range(3):
        line.put(item)
    line.close(None)
    line.join()
    assert done == [0, 2]
    (warned,) = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert warned.startswith("--hook: ")
    assert str(error) in warned


def test_what_is_said_of_it_holds_no_address(caplog: pytest.LogCaptureFixture) -> None:
    def work(_: int) -> NoReturn:
        raise ValueError("https://me:T0K3N@host/T0K3N is odd")

    caplog.set_level("WARNING")  # -vv shows where it was raised, too
    line = Line("--webhook", work, lambda: None)
    line.put(0)
    line.close(None)
    line.join()
    assert "unexpected ValueError: https://host/..." in caplog.text
    assert "T0K3N" not in caplog.text


@pytest.mark.parametrize("seconds", [86_401.0, 1e10, 1e300])
def test_a_limit_that_no_clock_can_count_is_refused(seconds: float) -> None:
    with pytest.raises(UsageError, match="--hook-timeout must be at most 86400"):
        HookOptions(timeout_s=seconds)


def test_a_day_is_none() -> None:
    assert HookOptions(timeout_s=86_400.0).timeout_s == 86_400.0


def test_a_command_without_room_for_what_it_says_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    runner = command.Runner(command.parse("true"), 1.0)
    with pytest.raises(QasrError, match="true cannot be started: temporary files: No space left") as raised:
        runner.run(command.Facts(Path("a"), (), "en", "done"))
    assert raised.value.hint == "free some space, or set TMPDIR"


class _Misleading(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(302)
        self.send_header("Location", "http://[nowhere/")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Stay quiet."""


@pytest.fixture
def misleading() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Misleading)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_redirect_to_half_an_address_is_the_listeners_mistake(misleading: str) -> None:
    with pytest.raises(QasrError, match="redirects to an address"):
        Sender(address.parse(misleading), 5.0).send({})
