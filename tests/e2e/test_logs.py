"""`--log-file` and `--log-format`: what happened, for whoever asks later, and never on stdout."""

from __future__ import annotations

import json
import re
import shutil
from datetime import datetime
from pathlib import Path

import pytest

from tests.e2e.conftest import ECHO, Qasr


def events(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_json_log_has_time_level_and_event_on_every_line(qasr: Qasr, clip: Path) -> None:
    (clip.parent / "bad.mp4").write_text("no media")
    result = qasr(
        "transcribe", clip, "bad.mp4", "--engine", "tests.fakes:truncating", "--log-file", "run.log",
        "--log-format", "json",
    )  # fmt: skip
    assert result.returncode == 3
    assert not result.stderr.startswith("{")  # stderr stays for people
    log = events((clip.parent / "run.log").read_text("utf-8"))
    assert all(datetime.fromisoformat(str(one["time"])).tzinfo for one in log)
    assert {one["level"] for one in log} <= {"info", "warning", "error"}
    assert [log[0]["event"], log[1]["event"], log[-1]["event"]] == ["start", "begin", "end"]
    finished = {one["source"]: one for one in log if one["event"] == "finished"}
    assert finished["bad.mp4"]["level"] == "error"
    assert finished["bad.mp4"]["next_step"]
    assert finished["clip.wav"]["level"] == "warning"
    assert "recognized" not in {one["event"] for one in log}


def test_a_text_log_is_appended_to_and_is_there_when_stderr_is_quiet(qasr: Qasr, clip: Path) -> None:
    for _ in range(2):
        assert qasr("transcribe", clip, "--engine", ECHO, "-y", "-q", "--log-file", "run.log").stderr == ""
    lines = (clip.parent / "run.log").read_text("utf-8").splitlines()
    assert sum(" start " in line for line in lines) == 2
    assert all(
        re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d (info|warning) [a-z]+ ", one)
        for one in lines
    )
    assert any("finished source=clip.wav status=done" in line for line in lines)


def test_a_run_that_cannot_begin_is_in_the_log(qasr: Qasr, tmp_path: Path) -> None:
    assert qasr("transcribe", "gone.mp4", "--log-file", "run.log").returncode == 66
    assert 'error error text="gone.mp4: no such file or folder"' in (tmp_path / "run.log").read_text("utf-8")


def test_without_a_file_stderr_is_json_altogether(qasr: Qasr, clip: Path) -> None:
    done = qasr("transcribe", clip, "--engine", "tests.fakes:unaligned", "--log-format", "json", "-v")
    assert done.returncode == 0
    assert {"begin", "finished", "end"} <= {one["event"] for one in events(done.stderr)}
    refused = qasr("transcribe", "gone.mp4", "--log-format", "json")
    (error,) = events(refused.stderr)
    assert (error["event"], error["exit_code"], error["level"]) == ("error", 66, "error")
    assert error["next_step"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--log-file", "no/such/folder/run.log"], 73, "No such file or directory"),
        (["--log-file", "."], 73, "directory"),
        (["--log-file", "-"], 2, "stdout is for results"),
        (["--log-file", "clip.wav"], 2, "an input, too"),
        (["--log-file", "other.wav"], 73, "not a text file"),
        (["--log-format", "xml"], 2, "known: text, json"),
    ],
)
def test_a_log_that_cannot_be_is_one_line_before_any_work(
    qasr: Qasr, clip: Path, arguments: list[str], code: int, says: str
) -> None:
    other = Path(shutil.copy(clip, clip.with_name("other.wav")))
    before = other.read_bytes()
    result = qasr("transcribe", clip, "--engine", ECHO, *arguments)
    assert result.returncode == code
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert other.read_bytes() == clip.read_bytes() == before
    assert not clip.with_suffix(".srt").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_under_the_log_is_said_once_and_stops_nothing(qasr: Qasr, clip: Path) -> None:
    result = qasr("transcribe", clip, "--engine", ECHO, "--log-file", "/dev/full")
    assert result.returncode == 0
    assert result.stderr.count("no events are logged until it can be written") == 1
    assert "Traceback" not in result.stderr


def test_stdout_named_as_a_file_does_not_mix_with_results(qasr: Qasr, clip: Path) -> None:
    done = qasr("transcribe", clip, "--engine", ECHO, "-o", "-", "--log-file", "/dev/stdout")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1\n00:00:0")
    assert " finished " in done.stderr


def test_a_hostile_name_stays_on_its_line(qasr: Qasr, clip: Path) -> None:
    clip.rename(clip.with_name("two\nlines \x1b[31m.wav"))
    for form in ("text", "json"):
        assert (
            qasr(
                "transcribe", ".", "--engine", ECHO, "-y", "--log-file", form, "--log-format", form
            ).returncode
            == 0
        )
        text = (clip.parent / form).read_text("utf-8")
        assert "\x1b" not in text
        assert all(line.startswith(("2", "{")) for line in text.splitlines())


def test_align_keeps_a_log_too(qasr: Qasr, clip: Path) -> None:
    (clip.parent / "script.txt").write_text("One two three four five.")
    result = qasr("align", clip, "script.txt", "--engine", ECHO, "--log-file", "run.log")
    assert result.returncode == 0, result.stderr
    assert "finished source=clip.wav status=done" in (clip.parent / "run.log").read_text("utf-8")
