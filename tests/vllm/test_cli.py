"""`--engine vllm` as a user runs it: the same files, a quiet start, an end at Ctrl-C, several engines."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.forking.processes import ROOT, environment

SAMPLES = ROOT / "samples"
_TIMEOUT_S = 600.0
_STARTED = "is being started with demo/asr"


def run(*arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(arguments),
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )


def _command(arguments: Sequence[object]) -> list[str]:
    return [sys.executable, "-m", "qasr_cli", *map(str, arguments)]


def results(folder: Path) -> dict[str, bytes]:
    """Return every file but those of the run's own state."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and ".qasr" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples by our own engine."""
    folder = tmp_path_factory.mktemp("plain")
    done = run("transcribe", SAMPLES, "-r", "-m", "demo", "-f", "srt,vtt,json,txt", "-o", folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_files_are_the_same_to_the_byte_and_the_start_is_one_line(plain: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    flags = ("-m", "demo", "--engine", "vllm", "-f", "srt,vtt,json,txt")
    done = run("transcribe", SAMPLES, "-r", *flags, "-o", out)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert results(out) == results(plain)
    assert len(results(out)) == 4 * 13
    lines = done.stderr.splitlines()
    assert _STARTED in lines[0]
    assert all(line.startswith(("done ", "13 done; ", "quality: ")) for line in lines[1:]), done.stderr
    again = run("transcribe", SAMPLES, "-r", *flags[:2], *flags[4:], "-o", out)  # by our own engine
    assert "13" in again.stderr
    assert "done;" not in again.stderr, "an engine is not part of what a result depends on"


def test_two_engines_have_a_process_each_and_write_the_same(plain: Path, tmp_path: Path) -> None:
    flags = ("-m", "demo", "--engine", "vllm", "--device", "cpu,cpu", "--batch-size", 4, "-f", "srt,json")
    done = run("transcribe", SAMPLES / "clips", SAMPLES / "talk.mp4", *flags, "-o", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(_STARTED) == 2
    for name, content in results(tmp_path).items():
        (expected,) = plain.rglob(Path(name).name)
        assert content == expected.read_bytes(), name


def test_stdout_is_data_only(tmp_path: Path) -> None:
    clip = SAMPLES / "clips" / "clip-01.wav"
    done = run("transcribe", clip, "-m", "demo", "--engine", "vllm", "-o", "-", "-f", "json", "-q")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["segments"]
    assert done.stderr == ""


@pytest.mark.parametrize("device", ["cpu", "cpu,cpu"])
def test_ctrl_c_ends_it_and_a_next_run_goes_on(device: str, tmp_path: Path) -> None:
    flags = ("-m", "demo", "--engine", "vllm", "--device", device, "--srt", "-o", tmp_path, "--batch-size", 1)
    process = subprocess.Popen(
        _command(("transcribe", SAMPLES, "-r", *flags)),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until_s = time.monotonic() + _TIMEOUT_S
    while not results(tmp_path) and process.poll() is None and time.monotonic() < until_s:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to vLLM's processes, too
    begun_s = time.monotonic()
    _, messages = process.communicate(timeout=_TIMEOUT_S)
    assert process.returncode == 130, messages
    assert time.monotonic() - begun_s < 30
    if device == "cpu":  # vLLM's own processes report with a trace that they are stopped
        assert "Traceback" not in messages, messages
    assert not _left_over(process.pid)


def _left_over(session: int) -> list[str]:
    """Return the processes of a session that are still there some seconds later."""
    found: list[str] = []
    for _ in range(50):
        table = subprocess.run(
            ["ps", "-o", "pid=,stat=,args=", "-s", str(session)], capture_output=True, text=True, check=False
        ).stdout
        found = [line for line in table.splitlines() if " Z" not in line]
        if not found:
            break
        time.sleep(0.2)
    return found


def test_a_gpu_that_is_not_here_is_one_line() -> None:
    clip = SAMPLES / "clips" / "clip-01.wav"
    done = run("transcribe", clip, "-m", "demo", "--engine", "vllm", "--device", "cuda:7", "--srt")
    assert done.returncode == 69
    assert done.stderr.startswith("qasr: error: --device cuda:7 is not in this machine")
    assert len(done.stderr.splitlines()) == 1


def test_doctor_names_the_version() -> None:
    done = run("doctor")
    (line,) = [line for line in done.stdout.splitlines() if "vllm" in line]
    assert "for --engine vllm" in line
