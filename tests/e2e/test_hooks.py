"""`--exec-after` and `--webhook`: what a run tells others, without waiting for them or failing by them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import CLIP, ECHO, Qasr, copy_old

SECRET = "T0K3N"


class Listener(ThreadingHTTPServer):
    """A server on loopback that keeps what it is told; the path says how it behaves."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        where = self.path.partition("?")[0]
        if where == "/slow":
            time.sleep(30)
        if where == "/moved":
            self._answer(307, f"{self.server.url}/here")  # an address of its own: might be anybody's
        elif where == "/file":
            self._answer(302, "file:///etc/passwd")
        elif where == "/round":
            self._answer(308, "/round")
        elif where == "/broken":
            self._answer(500)
        else:
            self.server.told.append(json.loads(body))
            self.server.headers.append(dict(self.headers))
            self._answer(204)

    def _answer(self, status: int, location: str = "") -> None:
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Stay quiet."""


@pytest.fixture
def listener() -> Iterator[Listener]:
    server = Listener()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def teller(tmp_path: Path) -> Path:
    """Return a program that appends its arguments to told.jsonl, and talks on both streams."""
    program = tmp_path / "teller"
    program.write_text(
        "#!/usr/bin/env python3\n"
        "import json, sys\n"
        f"open({str(tmp_path / 'told.jsonl')!r}, 'a').write(json.dumps(sys.argv[1:]) + '\\n')\n"
        "print('to stdout'); print('to stderr', file=sys.stderr)\n"
    )
    program.chmod(0o755)
    return program


def told_to(teller: Path) -> list[list[str]]:
    return [json.loads(line) for line in teller.with_name("told.jsonl").read_text().splitlines()]


class TestCommand:
    def test_it_gets_every_name_as_it_is_and_never_a_shell(
        self, qasr: Qasr, tmp_path: Path, teller: Path
    ) -> None:
        folder = tmp_path / "in"
        folder.mkdir()
        name = "-a $(touch hacked) 'b\"; {media}\n.wav"
        copy_old(CLIP, folder / name)
        (folder / "bad.mp4").write_text("no media")
        hook = f"{teller} {{outputs}} x={{language}}/{{status}} {{{{}}}} {{media}}"
        result = qasr(
            "transcribe", folder, "--engine", ECHO, "--srt", "--vtt", "-o", "out", "--exec-after", hook, "-v"
        )
        assert result.returncode == 3
        stem = tmp_path / "out" / name.removesuffix(".wav")
        assert told_to(teller) == [[f"{stem}.srt", f"{stem}.vtt", "x=en/done", "{}", str(folder / name)]]
        assert not list(tmp_path.rglob("hacked"))
        assert "to std" not in result.stdout + result.stderr

    def test_what_it_prints_is_for_debugging(self, qasr: Qasr, clip: Path, teller: Path) -> None:
        result = qasr("transcribe", clip, "--engine", ECHO, "-f", "txt", "--exec-after", f"{teller}", "-vv")
        assert result.returncode == 0
        assert result.stdout == ""
        assert "teller: to stdout" in result.stderr
        assert "teller: to stderr" in result.stderr

    @pytest.mark.parametrize(
        ("line", "says"),
        [
            ("echo {film}", "known: {media}, {outputs}, {language}, {status}"),
            ("echo {media!r}", "unknown placeholder"),
            ("echo {media", "expected '}'"),
            ("echo --files={outputs}", "make it a word of its own"),
            ("echo 'open", "close the quotes"),
            ("no-such-program {media}", "no program 'no-such-program'"),
            ("{media}", "no program"),
            ("", "is empty"),
            ("''", "is empty"),
        ],
    )
    def test_what_cannot_be_is_said_before_any_work(self, qasr: Qasr, line: str, says: str) -> None:
        result = qasr("transcribe", "gone.wav", "--exec-after", line)
        assert result.returncode == 2
        assert says in result.stderr

    def test_a_shell_can_be_given_the_names_as_arguments(self, qasr: Qasr, clip: Path) -> None:
        renamed = clip.rename(clip.with_name("a $(touch hacked) b.wav"))
        hook = 'sh -c "chmod 640 \\"$@\\"" - {outputs}'  # as docs/how-to/services.md has it
        assert qasr("transcribe", renamed, "--engine", ECHO, "--exec-after", hook).returncode == 0
        assert renamed.with_suffix(".srt").stat().st_mode & 0o777 == 0o640
        assert not clip.with_name("hacked").exists()

    def test_that_it_fails_is_a_warning(self, qasr: Qasr, clip: Path) -> None:
        result = qasr("transcribe", clip, "--engine", ECHO, "--exec-after", "sh -c 'exit 7' - {media}")
        assert result.returncode == 0
        assert "warning: --exec-after: sh ended with exit code 7 for clip.wav; " in result.stderr

    def test_one_that_hangs_is_killed_with_what_it_started(
        self, qasr: Qasr, tmp_path: Path, clip: Path
    ) -> None:
        script = tmp_path / "hang"
        script.write_text(f"#!/bin/sh\n(sleep 3; touch {tmp_path}/survived) &\nsleep 60\n")
        script.chmod(0o755)
        begun_s = time.monotonic()
        result = qasr(
            "transcribe", clip, "--engine", ECHO, "--exec-after", str(script), "--hook-timeout", "0.5"
        )
        assert time.monotonic() - begun_s < 20
        assert result.returncode == 0
        assert "took more than 0.5 s for clip.wav and was killed; raise --hook-timeout" in result.stderr
        time.sleep(3.5)
        assert not (tmp_path / "survived").exists()

    def test_what_it_leaves_in_the_background_is_left_alone(
        self, qasr: Qasr, tmp_path: Path, clip: Path
    ) -> None:
        script = tmp_path / "leave"
        script.write_text(f"#!/bin/sh\n(sleep 2; touch {tmp_path}/survived) &\n")
        script.chmod(0o755)
        result = qasr("transcribe", clip, "--engine", ECHO, "--exec-after", str(script))
        assert (result.returncode, "warning" in result.stderr) == (0, False)
        deadline = time.monotonic() + 10
        while not (tmp_path / "survived").exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def test_stdin_is_no_file(self, qasr: Qasr) -> None:
        assert qasr("transcribe", "-", "--exec-after", "echo {media}", stdin=b"x").returncode == 2


class TestWebhook:
    def test_it_hears_of_each_file_and_of_the_end(
        self, qasr: Qasr, tmp_path: Path, clip: Path, listener: Listener
    ) -> None:
        (tmp_path / "bad.mp4").write_text("no media")
        copy_old(CLIP, tmp_path / "old.wav")
        (tmp_path / "old.srt").write_text("")
        result = qasr("transcribe", tmp_path, "--engine", ECHO, "--webhook", f"{listener.url}/here")
        assert result.returncode == 3
        assert "warning" not in result.stderr
        files = {Path(one["media"]).name: one for one in listener.told if one["event"] == "file"}
        assert set(files) == {"clip.wav", "bad.mp4"}
        done, bad, run = files["clip.wav"], files["bad.mp4"], listener.told[-1]
        assert (done["status"], done["language"], done["error"]) == ("done", "en", None)
        assert done["media"] == str(clip)
        assert done["outputs"] == [str(clip.with_suffix(".srt"))]
        assert done["audio_s"] == 2.0
        assert done["quality"]["n_cues"] == 1
        assert (bad["status"], bad["outputs"], bad["quality"]) == ("failed", [], None)
        assert bad["error"]["exit_code"] == 65
        assert bad["error"]["next_step"]
        assert run["event"] == "run"
        assert run["counts"] == {"done": 1, "skipped": 1, "failed": 1}
        assert (run["exit_code"], run["ended"]) == (3, "complete")

    def test_a_run_that_cannot_begin_is_told_of_too(self, qasr: Qasr, listener: Listener) -> None:
        assert qasr("transcribe", "gone.wav", "--webhook", listener.url).returncode == 66
        assert [(one["event"], one["exit_code"]) for one in listener.told] == [("run", 66)]

    def test_a_redirect_takes_the_event_along_and_no_password(
        self, qasr: Qasr, clip: Path, listener: Listener
    ) -> None:
        url = listener.url.replace("//", f"//user:{SECRET}@")
        assert qasr("transcribe", clip, "--engine", ECHO, "--webhook", f"{url}/moved").returncode == 0
        assert [one["event"] for one in listener.told] == ["file", "run"]
        assert "Authorization" not in listener.headers[0]
        assert qasr("transcribe", clip, "-y", "--engine", ECHO, "--webhook", f"{url}/here").returncode == 0
        assert listener.headers[-1]["Authorization"].startswith("Basic ")

    @pytest.mark.parametrize(
        ("path", "says"),
        [
            ("/file", "redirects to an address that is not http or https"),
            ("/round", "answers 308"),
            ("/broken", "answers 500"),
            ("/slow", "no answer within 1 s"),
        ],
    )
    def test_trouble_is_a_warning_and_the_address_stays_secret(
        self, qasr: Qasr, tmp_path: Path, clip: Path, listener: Listener, path: str, says: str
    ) -> None:
        url = listener.url.replace("//", f"//u:{SECRET}@")
        result = qasr(
            "transcribe", clip, "--engine", ECHO, "--hook-timeout", "1", "--report", "r.json",
            "--log-file", "run.log", "--log-format", "json", "-vv",
            "--webhook", f"{url}{path}?token={SECRET}",
        )  # fmt: skip
        assert result.returncode == 0
        assert says in result.stderr
        kept = [(tmp_path / name).read_text() for name in ("r.json", "run.log")]
        assert all("--webhook" in text for text in kept)
        assert all(SECRET not in text for text in (result.stderr, *kept))

    def test_no_proxy_of_the_environment_is_used(self, qasr: Qasr, clip: Path, listener: Listener) -> None:
        env = {"http_proxy": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1"}
        qasr("transcribe", clip, "--engine", ECHO, "--webhook", listener.url, env=env)
        assert len(listener.told) == 2

    @pytest.mark.parametrize(
        "url", ["ftp://host/x", "nonsense", "http://", "http://host:99999/", "http://a b/"]
    )
    def test_what_is_no_address_is_said_before_any_work(self, qasr: Qasr, url: str) -> None:
        result = qasr("transcribe", "gone.wav", "--webhook", url)
        assert result.returncode == 2
        assert "--webhook: not an" in result.stderr

    def test_a_silent_host_does_not_hold_the_run_for_every_file(
        self, qasr: Qasr, tmp_path: Path, listener: Listener
    ) -> None:
        for index in range(12):
            copy_old(CLIP, tmp_path / f"{index}.wav")
        begun_s = time.monotonic()
        result = qasr(
            "transcribe", tmp_path, "--engine", ECHO, "--webhook", f"{listener.url}/slow",
            "--hook-timeout", "1",
        )  # fmt: skip
        assert result.returncode == 0
        assert time.monotonic() - begun_s < 12
        assert "calls skipped" in result.stderr


class TestSettings:
    def test_a_file_that_came_with_the_folder_starts_nothing(self, qasr: Qasr, clip: Path) -> None:
        settings = clip.with_name("qasr.toml")
        settings.write_text(f'engine = "{ECHO}"\nexec-after = "touch hacked"\n')
        result = qasr("transcribe", clip, "--engine", ECHO)
        assert result.returncode == 0
        assert "engine and exec-after are ignored" in result.stderr
        assert not clip.with_name("hacked").exists()
        assert qasr("--config", settings, "transcribe", clip, "-y").returncode == 0
        assert clip.with_name("hacked").exists()
