"""The JSON schemas of the reference are those of real output: every key that is written stands in them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.e2e.conftest import ECHO, ROOT, SAMPLES, Qasr, environment
from tools import make_schema_page

GOLDEN = ROOT / "tests" / "golden"


def validator(name: str) -> Draft202012Validator:
    path = make_schema_page.SCHEMAS / f"{name}.schema.json"
    schema = json.loads(path.read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def complaints(name: str, value: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator(name).iter_errors(value)]


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    """Return a folder with audio, a film and a file that is no media."""
    folder = tmp_path / "talks"
    folder.mkdir()
    for name in ("clips/clip-01.wav", "clips/clip-02.mp3", "two-tracks.mkv"):
        (folder / Path(name).name).write_bytes((SAMPLES / name).read_bytes())
    (folder / "bad.wav").write_text("not media")
    return folder


@pytest.fixture
def listener() -> Iterator[tuple[str, list[Any]]]:
    """Yield an address of this machine, and the list of what is posted to it."""
    posted: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", posted
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_schema_stands_on_the_page_and_the_page_is_of_these_schemas() -> None:
    files = {path.name.removesuffix(".schema.json") for path in make_schema_page.SCHEMAS.iterdir()}
    assert set(make_schema_page.NAMES) == files
    assert make_schema_page.PAGE.read_text("utf-8") == make_schema_page.page(), (
        "run python -m tools.make_schema_page"
    )


def test_what_a_run_writes(qasr: Qasr, talks: Path, listener: tuple[str, list[Any]]) -> None:
    address, posted = listener
    arguments = (
        "transcribe",
        talks,
        "--engine",
        ECHO,
        "--json",
        "--progress",
        "json",
        "--log-format",
        "json",
    )
    first = qasr(*arguments, "--report", "run.json", "--log-file", "run.log", "--webhook", address)
    assert first.returncode == 3
    second = qasr(*arguments, "--report", "again.json")
    assert second.returncode == 3
    here = talks.parent

    transcripts = [json.loads(path.read_text("utf-8")) for path in sorted(talks.glob("*.json"))]
    assert len(transcripts) == 3
    assert any(one["video"] for one in transcripts)
    for one in transcripts:
        assert complaints("transcript", one) == []

    reports = [json.loads((here / name).read_text("utf-8")) for name in ("run.json", "again.json")]
    assert {one["status"] for report in reports for one in report["sources"]} == {"done", "skipped", "failed"}
    for one in reports:
        assert complaints("report", one) == []

    entries = lines((talks / ".qasr/ledger.jsonl").read_text("utf-8"))
    assert {one["status"] for one in entries} == {"done", "failed"}
    shown = lines(qasr("runs", "show", talks, "--json").stdout)
    assert len(shown) == 4
    for one in entries + shown:
        assert complaints("ledger", one) == []

    events = lines((here / "run.log").read_text("utf-8")) + lines(first.stderr)
    assert {one["event"] for one in events} >= {
        *("start", "begin", "stage", "prepared", "recognized", "finished", "end"),
    }
    for one in events:
        assert complaints("events", one) == []

    assert [one["event"] for one in posted].count("run") == 1
    assert {one["status"] for one in posted if one["event"] == "file"} == {"done", "failed"}
    for one in posted:
        assert complaints("webhook", one) == []


def test_doubtful_results_and_sources_that_were_not_reached(qasr: Qasr, talks: Path) -> None:
    doubtful = qasr(
        *("transcribe", talks / "clip-01.wav", "--engine", "tests.fakes:truncating", "--json"),
        *("--report", "doubtful.json", "--log-format", "json"),
    )
    assert doubtful.returncode == 0
    report = json.loads((talks.parent / "doubtful.json").read_text("utf-8"))
    assert report["sources"][0]["doubts"]
    assert complaints("report", report) == []
    assert complaints("transcript", json.loads((talks / "clip-01.json").read_text("utf-8"))) == []

    missing = qasr(
        *("transcribe", talks, "--engine", "qwen3", "--model", "nobody/has-it", "--offline", "--srt"),
        *("--report", "missing.json", "--log-format", "json"),
    )
    assert missing.returncode == 69
    report = json.loads((talks.parent / "missing.json").read_text("utf-8"))
    assert "not reached" in {one["status"] for one in report["sources"]}
    assert complaints("report", report) == []
    (error,) = (one for one in map(_event, missing.stderr.splitlines()) if one["event"] == "error")
    assert complaints("events", error) == []


def _event(line: str) -> Any:
    return json.loads(line) if line.startswith("{") else {"event": ""}


def test_json_lines_are_transcripts(qasr: Qasr, talks: Path) -> None:
    done = qasr("transcribe", talks, "--engine", ECHO, "--json-lines", "--exclude", "bad.wav")
    transcripts = lines(done.stdout)
    assert len(transcripts) == 3
    for one in transcripts:
        assert complaints("transcript", one) == []


def test_golden_transcripts_keep_the_schema() -> None:
    golden = sorted(GOLDEN.glob("*.json"))
    assert len(golden) >= 10
    for path in golden:
        assert complaints("transcript", json.loads(path.read_text("utf-8"))) == [], path.name


def test_a_watch_s_status(talks: Path) -> None:
    status = talks.parent / "status.json"
    command = ["watch", str(talks), "--engine", ECHO, "--settle", "0.1", "--status", str(status)]
    with subprocess.Popen(
        [sys.executable, "-m", "qasr_cli", *command],
        cwd=talks.parent, env=environment(), stderr=subprocess.DEVNULL,
    ) as watch:  # fmt: skip
        try:
            shown = _read_when(status, "waiting")
        finally:
            watch.send_signal(signal.SIGTERM)
            watch.wait(30)
    assert shown["last_pass"]
    assert shown["last_error"]
    assert complaints("status", shown) == []
    assert complaints("status", json.loads(status.read_text("utf-8"))) == []


def _read_when(status: Path, state: str, limit_s: float = 60) -> Any:
    until_s = time.monotonic() + limit_s
    while time.monotonic() < until_s:
        if status.exists():
            shown = json.loads(status.read_text("utf-8"))
            if shown["state"] == state and shown["totals"]["done"]:
                return shown
        time.sleep(0.05)
    raise AssertionError(f"the watch was not {state} within {limit_s} s")


def test_what_check_align_and_config_print(qasr: Qasr, tmp_path: Path, clip: Path) -> None:
    (tmp_path / "film.en.srt").write_text(
        "1\n00:00:02,000 --> 00:00:02,100\nThis is far too much text for a tenth of a second, is it not?\n\n"
        "3\n00:00:01,000 --> 00:00:03,000\nIt comes  too late.\n"
    )
    checked = qasr("check", "film.en.srt", "--json", "--fix", "--against", "film.en.srt")
    result = json.loads(checked.stdout)
    assert result["files"][0]["findings"]
    assert set(result["files"][0]) >= {"fixed", "against"}
    assert complaints("check", result) == []

    (tmp_path / "script.txt").write_text("One two three four.\nNobody says anything of this line here.\n")
    aligned = qasr("align", clip, "script.txt", "--engine", ECHO, "--report", "align.json", "-o", "timed")
    assert aligned.returncode == 0, aligned.stderr
    report = json.loads((tmp_path / "align.json").read_text("utf-8"))
    assert complaints("align", report) == []

    settings = json.loads(qasr("config", "show", "--json").stdout)
    assert complaints("config", settings) == []


def test_a_key_that_the_schema_lacks_is_found() -> None:
    transcript = json.loads((GOLDEN / "english-talk.json").read_text("utf-8"))
    segment = transcript["segments"][0]
    for place in (transcript, transcript["track"], segment, segment["words"][0], transcript["cues"][0]):
        place["surplus"] = 1
        assert len(complaints("transcript", transcript)) == 1
        del place["surplus"]


def _objects(schema: Any) -> Iterator[Any]:
    if isinstance(schema, dict):
        if "properties" in schema and "type" in schema:
            yield schema
        for value in schema.values():
            yield from _objects(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _objects(value)


@pytest.mark.parametrize("name", make_schema_page.NAMES)
def test_no_object_allows_keys_that_it_does_not_name(name: str) -> None:
    found = list(_objects(validator(name).schema))
    assert found
    assert [one["properties"] for one in found if one.get("additionalProperties") is not False] == []
