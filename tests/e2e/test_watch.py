"""`qasr watch` as a service: a real process, real folders, real signals."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qasr_cli.runs.state import locking
from tests.e2e.conftest import CLIP, ECHO, Qasr, StartQasr

_PATIENCE_S = 40.0  # the machine may be busy; a test that passes takes a few seconds


class Service:
    """A watch that runs, over the folder `in`."""

    def __init__(self, start_qasr: StartQasr, folder: Path, *arguments: object) -> None:
        self.folder = folder
        self.inputs = folder / "in"
        self.inputs.mkdir(exist_ok=True)
        self.status_file = folder / "status.json"
        self.log = (folder / "stderr").open("wb")
        self.process = start_qasr(
            *("watch", "in", "--engine", ECHO, "--status", "status.json", *arguments), stderr=self.log
        )

    @property
    def status(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.status_file.read_text("utf-8"))
        return told

    @property
    def said(self) -> str:
        return (self.folder / "stderr").read_text("utf-8")

    def until(self, is_so: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + _PATIENCE_S
        while not (self.status_file.exists() and is_so()):
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline_s, f"{self.said}\n{self.status_file.read_text()}"
            time.sleep(0.05)

    def until_state(self, state: str) -> None:
        self.until(lambda: self.status["state"] == state)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=30)
        assert out == ""
        assert self.process.returncode is not None
        return self.process.returncode


Start = Callable[..., Service]


@pytest.fixture
def start(start_qasr: StartQasr, tmp_path: Path) -> Iterator[Start]:
    started: list[Service] = []

    def begin(*arguments: object) -> Service:
        started.append(Service(start_qasr, tmp_path, *arguments))
        return started[-1]

    yield begin
    for one in started:
        one.log.close()


def test_what_is_there_and_what_appears_is_transcribed(start: Start, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    shutil.copy(CLIP, tmp_path / "in" / "first.wav")
    watch = start("--settle", 1, "-q")
    watch.until_state("waiting")
    watch.until((tmp_path / "in" / "first.srt").exists)

    elsewhere = tmp_path / "moved.wav"
    shutil.copy2(CLIP, elsewhere)
    elsewhere.rename(watch.inputs / "moved.wav")
    new_folder = watch.inputs / "new" / "deeper"
    new_folder.mkdir(parents=True)
    shutil.copy(CLIP, new_folder / "below.wav")
    (watch.inputs / "broken.mp4").write_text("no media")
    for path in (watch.inputs / "moved.srt", new_folder / "below.srt"):
        watch.until(path.exists)
    watch.until(lambda: watch.status["totals"]["failed"] == 1)
    watch.until_state("waiting")
    told = watch.status
    assert told["totals"]["done"] == 3
    assert told["pid"] == watch.process.pid
    assert told["last_error"]["media"].endswith("broken.mp4")
    assert told["last_error"]["exit_code"] == 65
    assert told["current"] is None
    assert watch.stop() == 143
    assert watch.status["state"] == "stopped"
    assert len(watch.said.splitlines()) == 1  # about broken.mp4; nothing of the others, nor while idle


def test_a_file_that_grows_is_taken_when_it_is_whole(start: Start) -> None:
    watch = start("--settle", 1.5)
    watch.until_state("waiting")
    content = CLIP.read_bytes()
    with (watch.inputs / "grows.wav").open("wb") as file:
        for part in range(8):
            file.write(content[part * len(content) // 8 : (part + 1) * len(content) // 8])
            file.flush()
            time.sleep(0.5)
            assert not (watch.inputs / "grows.srt").exists()
    watch.until((watch.inputs / "grows.srt").exists)
    assert watch.stop() == 143
    assert watch.said.count("done    grows.wav: 00:00:02") == 1
    assert "unsettled" not in watch.said


def test_a_failure_is_tried_again_when_the_file_changes_and_not_before(start: Start) -> None:
    watch = start("--settle", 0, "--rescan", 0.01)
    (watch.inputs / "film.wav").write_text("no media")
    watch.until(lambda: watch.status["totals"]["failed"] == 1)
    n_passes = watch.status["totals"]["passes"]
    watch.until(lambda: watch.status["totals"]["passes"] >= n_passes + 3)
    assert watch.status["totals"]["failed"] == 1
    shutil.copy(CLIP, watch.inputs / "film.wav")
    watch.until((watch.inputs / "film.srt").exists)
    assert watch.stop() == 143


def test_what_a_skip_advises_is_a_flag_here_too(start: Start, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    shutil.copy(CLIP, tmp_path / "in" / "a.wav")
    (tmp_path / "in" / "a.srt").write_text("theirs")
    watch = start("--settle", 0, "--vtt", "--even-subtitled")
    watch.until((tmp_path / "in" / "a.vtt").exists)


def test_a_result_that_is_moved_away_is_not_made_again(start: Start, tmp_path: Path) -> None:
    away = tmp_path / "away"
    away.mkdir()
    watch = start("--settle", 0, "--rescan", 0.01, "--exec-after", f"mv {{outputs}} {away}")
    shutil.copy(CLIP, watch.inputs / "a.wav")
    watch.until((away / "a.srt").exists)
    n_passes = watch.status["totals"]["passes"]
    watch.until(lambda: watch.status["totals"]["passes"] >= n_passes + 3)
    assert watch.status["totals"]["done"] == 1
    assert watch.stop() == 143


def test_overwrite_makes_each_anew_once(start: Start, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    shutil.copy(CLIP, tmp_path / "in" / "a.wav")
    (tmp_path / "in" / "a.srt").write_text("old")
    watch = start("--settle", 0, "--rescan", 0.01, "--overwrite")
    watch.until(lambda: watch.status["totals"]["passes"] >= 4)
    assert watch.status["totals"]["done"] == 1
    assert "one two" in (tmp_path / "in" / "a.srt").read_text().lower()
    assert watch.stop() == 143


def test_polling_finds_what_appears(start: Start) -> None:
    watch = start("--settle", 0, "--poll", "--poll-interval", 0.2)
    watch.until_state("waiting")
    time.sleep(1)  # polling has to have seen the folder empty
    shutil.copy(CLIP, watch.inputs / "polled.wav")
    watch.until((watch.inputs / "polled.srt").exists)
    assert watch.stop() == 143


def test_engines_go_when_idle_and_come_back(start: Start) -> None:
    watch = start("--settle", 0, "--idle-unload", 0.02, "-v")
    shutil.copy(CLIP, watch.inputs / "a.wav")
    watch.until((watch.inputs / "a.srt").exists)
    watch.until_state("unloaded")
    shutil.copy(CLIP, watch.inputs / "b.wav")
    watch.until((watch.inputs / "b.srt").exists)
    watch.until_state("unloaded")
    assert watch.stop() == 143
    assert watch.said.count("engines released") == 2


def test_a_folder_may_go_and_come_back(start: Start, tmp_path: Path) -> None:
    watch = start("--settle", 0)
    watch.until_state("waiting")
    watch.inputs.rename(tmp_path / "unmounted")
    watch.until(lambda: watch.status["missing"] == ["in"])
    shutil.copy(CLIP, tmp_path / "unmounted" / "a.wav")
    (tmp_path / "unmounted").rename(watch.inputs)
    watch.until((watch.inputs / "a.srt").exists)
    shutil.copy(CLIP, watch.inputs / "b.wav")  # and changes there are told of again
    watch.until((watch.inputs / "b.srt").exists)
    assert watch.stop() == 143
    assert watch.said.count("warning: in is gone") == 1
    assert watch.status["missing"] == []


def test_names_that_are_no_text_and_folders_that_are_closed_stop_nothing(start: Start) -> None:
    watch = start("--settle", 0)
    closed = watch.inputs / "closed"
    closed.mkdir(mode=0)
    watch.until_state("waiting")
    name = os.fsencode(watch.inputs) + b"/caf\xe9"
    shutil.copy(CLIP, os.fsdecode(name + b".wav"))
    watch.until(lambda: Path(os.fsdecode(name + b".srt")).exists())
    shutil.copy(CLIP, watch.inputs / "later.wav")
    watch.until((watch.inputs / "later.srt").exists)
    closed.chmod(0o755)
    assert watch.stop() == 143


@pytest.mark.parametrize("when", ["idle", "working"])
def test_ctrl_c_ends_it_with_130(start: Start, when: str) -> None:
    watch = start("--settle", 0, "--engine", "tests.fakes:slow", "--batch-size", 1)
    watch.until_state("waiting")
    if when == "working":
        for index in range(6):
            shutil.copy(CLIP, watch.inputs / f"{index}.wav")
        watch.until_state("working")
    assert watch.stop(signal.SIGINT) == 130
    assert watch.status["state"] == "stopped"
    assert [path.name for path in watch.inputs.iterdir() if path.name.endswith(".tmp")] == []


def test_a_third_ctrl_c_ends_it_at_once(start: Start, tmp_path: Path) -> None:
    hang = tmp_path / "hang"
    hang.write_text("#!/bin/sh\ntouch begun\nexec sleep 100\n")
    hang.chmod(0o755)
    watch = start("--settle", 0, "--exec-after", hang)
    shutil.copy(CLIP, watch.inputs / "a.wav")
    watch.until((tmp_path / "begun").exists)
    watch.process.send_signal(signal.SIGINT)
    watch.until(lambda: watch.status["state"] == "stopped")
    time.sleep(0.5)
    watch.process.send_signal(signal.SIGINT)
    watch.until(lambda: "press Ctrl-C once more" in watch.said)
    assert watch.process.poll() is None  # waits for the hook
    begun_s = time.monotonic()
    assert watch.stop(signal.SIGINT) == 130
    assert time.monotonic() - begun_s < 5


def test_a_model_that_is_missing_ends_it_for_whoever_restarts_it(start: Start) -> None:
    watch = start("--settle", 0, "--engine", "no.such:thing")
    watch.until_state("waiting")
    shutil.copy(CLIP, watch.inputs / "a.wav")
    assert watch.process.wait(timeout=30) == 69
    assert watch.status["state"] == "stopped"
    assert "no.such:thing" in watch.status["last_error"]["text"]


def test_it_waits_for_another_run_and_does_not_keep_one_waiting(start: Start, qasr: Qasr) -> None:
    watch = start("--settle", 0)
    watch.until_state("waiting")
    state = watch.inputs / ".qasr"
    state.mkdir()
    with locking.holding(state, "", is_waiting=False, notify=lambda text: None):
        shutil.copy(CLIP, watch.inputs / "a.wav")
        watch.until(lambda: "waiting for it" in watch.said)
        assert not (watch.inputs / "a.srt").exists()
    watch.until((watch.inputs / "a.srt").exists)
    watch.until_state("waiting")
    result = qasr("transcribe", "in", "-r", "--engine", ECHO)
    assert (result.returncode, "1 skipped" in result.stderr) == (0, True)
    assert watch.stop() == 143


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("gone",), 66, "no such folder"),
        (("clip.wav",), 2, "not a folder"),
        ((".", "-o", "-"), 2, "nothing to stdout"),
        ((".", "--status", "clip.wav"), 73, "not a status file of qasr"),
        ((".", "--rescan", "0"), 2, "--rescan must be above 0"),
        ((), 2, "FOLDER"),
    ],
)
def test_what_cannot_be_watched(
    qasr: Qasr, clip: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    before = clip.read_bytes()
    result = qasr("watch", *arguments, "--engine", ECHO)
    assert (result.returncode, says in result.stderr) == (code, True), result.stderr
    assert clip.read_bytes() == before


def test_settings_and_variables_count_here_too(start: Start, tmp_path: Path) -> None:
    (tmp_path / "qasr.toml").write_text('settle = 0\nrescan = 0.01\noutput-format = "txt"\n')
    watch = start()
    shutil.copy(CLIP, watch.inputs / "a.wav")
    watch.until((watch.inputs / "a.txt").exists)
    watch.until(lambda: watch.status["totals"]["passes"] >= 3)
    assert watch.stop() == 143


def test_idle_it_takes_no_time_of_the_processor(start: Start) -> None:
    watch = start("--settle", 0)
    watch.until_state("waiting")
    time.sleep(1)
    before = _ticks(watch.process.pid)
    time.sleep(4)
    assert _ticks(watch.process.pid) - before <= 0.02 * 4 * os.sysconf("SC_CLK_TCK")
    assert watch.stop() == 143
    assert watch.said == ""


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_links_are_said_or_followed(start: Start, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "outside/deep").mkdir(parents=True)
    (tmp_path / "in/more").symlink_to(tmp_path / "outside")
    (tmp_path / "outside/deep/loop").symlink_to(tmp_path / "in")
    service = start("--settle", 0)
    service.until(lambda: "passed over: 1 linked folder (--follow-links)" in service.said)
    service.until_state("waiting")
    service.stop()
    service = start("--settle", 0, "--follow-links")
    service.until_state("waiting")
    shutil.copy(CLIP, tmp_path / "outside/deep/new.wav")
    service.until((tmp_path / "outside/deep/new.srt").exists)
    service.until_state("waiting")
    service.stop()
