"""The start of a server: its address, what it refuses, its keys."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.forking.processes import environment
from tests.serving import server
from tests.serving.lifecycle import ECHO, await_text, process, send
from tests.serving.server import Served


def refused(folder: Path, *arguments: object, env: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Return exit code and stderr of a server that does not start."""
    done = subprocess.run(
        [sys.executable, "-m", "qasr_cli", "serve", "--port", "0", *map(str, arguments)],
        cwd=folder, env=environment(TMPDIR=str(folder), HOME=str(folder), **(env or {})),
        capture_output=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    return done.returncode, done.stderr


class TestStart:
    def test_programs_learn_the_address(self, tmp_path: Path) -> None:
        with process(tmp_path, *ECHO) as (running, served):
            assert running.pid == served.pid
            lines = (tmp_path / "stdout.txt").read_text().splitlines()
            assert [json.loads(line)["url"] for line in lines] == [served.url]
            assert f"serving 0.6b on {served.url}, page at {served.url}/" in served.log.read_text()
            running.send_signal(signal.SIGTERM)
            assert running.wait(30) == 143
        assert not (tmp_path / "ready.json").exists()
        assert not list(tmp_path.glob("qasr-scratch-*"))

    def test_it_listens_while_the_model_loads(self, tmp_path: Path) -> None:
        begun, _ = server.begin(tmp_path, "--engine", "tests.fakes:slow_to_load")
        served = Served("", begun.pid, tmp_path / "stderr.txt")
        try:
            await_text(served, "listening on http://")
            url = served.log.read_text().split("listening on ")[1].split(";")[0]
            loading = Served(url, begun.pid, served.log)
            answer = loading.ask("GET", "/health")
            assert (answer.status, answer.json()) == (503, {"status": "loading"})
            assert 'reason="overload"' not in loading.ask("GET", "/metrics").text  # nobody was refused
            assert loading.ask("GET", "/v1/models").status == 200
            with contextlib.closing(send(loading, 2, number=1)) as waiting:  # is answered once it is loaded
                response = waiting.getresponse()
                assert response.status == 200
                assert b"One two" in response.read()
            assert loading.ask("GET", "/health").status == 200
        finally:
            begun.terminate()
            assert begun.wait(30) == 143

    def test_a_port_in_use(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            code, error = refused(tmp_path, *ECHO, "--port", taken.getsockname()[1])
        assert code == 73
        assert "is in use" in error
        assert "--port" in error

    @pytest.mark.parametrize(
        ("arguments", "env", "code", "words"),
        [
            (("--host", "0.0.0.0"), {}, 2, "--no-key"),
            (("--host", "::"), {}, 2, "--no-key"),
            (("--host", "203.0.113.7", "--no-key"), {}, 2, "not an address of this machine"),
            (("--no-key", "--key", "k"), {}, 2, "--no-key together with a key"),
            (("--no-key",), {"QASR_KEY": "k"}, 2, "--no-key together with a key"),
            (("--key", "sEcReT\x01x"), {}, 2, "no header can carry"),
            (("--key", "@sEcReT"), {}, 2, "--key-file"),
            (("--key-file", "none.txt"), {}, 66, "none.txt"),
            (("--key-file", "empty.txt"), {}, 2, "no key in it"),
            (("--key-file", "."), {}, 2, "not a regular file; give a text file"),
            (("--max-upload", "lots"), {}, 2, "not a size"),
            (("--port", "70000"), {}, 2, "--port"),
            (("--wyoming", "nowhere"), {}, 2, "--wyoming"),
            (("--allowed-host", "http://x/"), {}, 2, "--allowed-host"),
        ],
    )
    def test_what_cannot_be_is_one_line(
        self, tmp_path: Path, arguments: tuple[str, ...], env: dict[str, str], code: int, words: str
    ) -> None:
        (tmp_path / "empty.txt").write_text("# none\n\n")
        found, error = refused(tmp_path, *ECHO, *arguments, env=env)
        assert (found, words in error) == (code, True), error
        assert "sEcReT" not in error

    def test_a_missing_model_ends_it_before_it_listens(self, tmp_path: Path) -> None:
        for arguments in (("-m", "./none"), ("-m", "0.6b", "--offline")):
            code, error = refused(tmp_path, *arguments)
            assert code == 69
            assert "is not on this machine" in error or "no such" in error

    def test_a_model_that_cannot_be_loaded_ends_it(self, tmp_path: Path) -> None:
        begun, _ = server.begin(tmp_path, "--engine", "tests.fakes:unloadable")
        assert begun.wait(60) == 69
        assert (tmp_path / "stderr.txt").read_text().count("error: the weights are broken") == 1
        assert not (tmp_path / "ready.json").exists()

    def test_a_missing_library_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "starlette").mkdir()
        (tmp_path / "starlette/__init__.py").write_text("raise ModuleNotFoundError('no', name='starlette')\n")
        path = os.pathsep.join((str(tmp_path), environment()["PYTHONPATH"]))
        code, error = refused(tmp_path, *ECHO, env={"PYTHONPATH": path})
        assert code == 69
        assert "starlette" in error
        assert "pip install 'qasr[serve]'" in error


class TestKeys:
    def test_only_who_has_one_is_served(self, tmp_path: Path) -> None:
        key_file = tmp_path / "keys.txt"
        key_file.write_text("# family\nfrom-file\n")
        keys = ("--key-file", key_file, "--log-file", tmp_path / "log.txt", "-v")
        with process(tmp_path, *ECHO, *keys, env={"QASR_KEY": "one,two"}) as (running, served):

            def status(**headers: str) -> int:
                return served.ask("GET", "/v1/models", headers=headers).status

            basic = base64.b64encode(b"anybody:two").decode()
            for good in ("Bearer one", "bearer  two", "Bearer from-file", f"Basic {basic}"):
                assert status(Authorization=good) == 200, good
            assert status(**{"X-API-Key": "one"}) == 200
            for bad in (
                "Bearer ",
                "Bearer on",
                "Bearer one,two",
                "one",
                "Basic !!",
                "Basic b25l",
                "Bearer \xff",
            ):
                assert status(Authorization=bad) == 401, bad
            assert status() == 401
            refused_answer = served.ask("GET", "/v1/jobs/00", headers={"Authorization": "Bearer nope"})
            assert refused_answer.headers["www-authenticate"] == "Bearer"
            assert "nope" not in refused_answer.text
            for path in ("/health", "/metrics", "/status", "/", "/openapi.json"):
                assert served.ask("GET", path).status == 200, path
            for path in ("/asr", "/detect-language"):
                bare = served.ask("POST", path, b"")
                assert (bare.status, bare.body) == (401, b"")
                assert "key" in bare.headers["x-qasr-error"]

            key_file.write_text("changed\n")
            running.send_signal(signal.SIGHUP)
            await_text(served, "keys read again")
            assert status(Authorization="Bearer from-file") == 401
            assert status(Authorization="Bearer changed") == 200
            assert status(Authorization="Bearer one") == 200  # of the variable
            key_file.write_text("")  # a mistake leaves the keys as they were
            running.send_signal(signal.SIGHUP)
            await_text(served, "no key in it")
            assert status(Authorization="Bearer changed") == 200
            assert status() == 401
        written = served.log.read_text() + (tmp_path / "log.txt").read_text()
        for secret in ("from-file", "changed", "nope", "one,two"):
            assert secret not in written.replace("keys.txt", "")

    def test_a_key_on_the_command_line_is_not_logged(self, tmp_path: Path) -> None:
        with server.started(
            tmp_path, *ECHO, "--key", "sEcReT", "--key=sEcReT2", "--log-file", "log.txt"
        ) as served:
            assert served.ask("GET", "/v1/models").status == 401
        assert "sEcReT" not in served.log.read_text() + (tmp_path / "log.txt").read_text()

    def test_any_address_needs_one_and_then_any_name_is_good(self, tmp_path: Path) -> None:
        with server.started(tmp_path, *ECHO, "--host", "0.0.0.0", "--key", "k") as served:
            good = {"Authorization": "Bearer k", "Host": "qasr.home.example"}
            assert served.ask("GET", "/v1/models", headers=good).status == 200
        with server.started(
            tmp_path, *ECHO, "--host", "0.0.0.0", "--no-key", "--allowed-host", "my.example"
        ) as served:
            for name, status in (
                ("my.example", 200),
                ("192.168.1.7:80", 200),
                ("qasr", 200),
                ("evil.example", 400),
            ):
                assert served.ask("GET", "/v1/models", headers={"Host": name}).status == status, name
