"""stdout is data only, stderr is for people, and neither surprises a pipe."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import CLIP, ECHO, Qasr, StartQasr, copy_old, environment


def test_stdout_is_pure_when_everybody_prints(qasr: Qasr, clip: Path) -> None:
    clean = qasr("transcribe", clip, "--engine", ECHO, "--srt", "-o", "-")
    noisy = qasr("transcribe", clip, "--engine", "tests.fakes:noisy", "--srt", "-o", "-")
    assert noisy.returncode == 0
    assert noisy.stdout == clean.stdout
    assert noisy.stdout.startswith("1\n00:00:0")
    for voice in ("python", "C library", "descriptor"):
        assert f"noise from {voice}" in noisy.stderr


def test_stdin_to_stdout(qasr: Qasr, clip: Path) -> None:
    piped = qasr("transcribe", "-", "--engine", ECHO, "--vtt", stdin=clip.read_bytes())
    assert piped.returncode == 0, piped.stderr
    assert piped.stdout.startswith("WEBVTT\n\n")
    assert "stdin" in piped.stderr
    empty = qasr("transcribe", "-", "--engine", ECHO)
    assert empty.returncode in {65, 66}
    assert empty.stderr.startswith("qasr: error: ")


def test_json_lines_come_in_source_order(qasr: Qasr, tmp_path: Path) -> None:
    for name in ("c", "a", "b"):
        copy_old(CLIP, tmp_path / f"{name}.wav")
    result = qasr("transcribe", "c.wav", "a.wav", "b.wav", "--engine", ECHO, "--json-lines")
    assert [json.loads(line)["source"] for line in result.stdout.splitlines()] == ["c.wav", "a.wav", "b.wav"]


def test_without_a_terminal_there_is_no_escape_code_and_a_line_a_file(qasr: Qasr, clip: Path) -> None:
    result = qasr("transcribe", clip, "--engine", ECHO)
    assert "\x1b" not in result.stderr + result.stdout
    assert [line.split()[0] for line in result.stderr.splitlines()] == ["done", "1", "quality:"]
    for command in (["--help"], ["transcribe", "--help"], ["models"], ["doctor"]):
        assert "\x1b" not in qasr(*command).stdout


def test_on_a_terminal_there_is_a_bar_and_the_screen_is_left_tidy(start_qasr: StartQasr, clip: Path) -> None:
    leader, follower = pty.openpty()
    process = start_qasr(
        *("transcribe", clip, "--engine", "tests.fakes:slow"),
        stdin=follower, stdout=follower, stderr=follower, env={"TERM": "xterm", "COLUMNS": "60"},
    )  # fmt: skip
    os.close(follower)
    written = b""
    with contextlib.suppress(OSError):  # how a terminal says that nobody is left on the other side
        while block := os.read(leader, 65536):
            written += block
    os.close(leader)
    assert process.wait(timeout=60) == 0, written
    assert b"transcribing" in written
    assert b"\x1b[?25h" in written  # the cursor is shown again
    assert "1 done;" in written.decode().rstrip().splitlines()[-2]


def test_quiet_says_nothing_but_errors(qasr: Qasr, clip: Path) -> None:
    assert qasr("transcribe", clip, "--engine", ECHO, "-q").stderr == ""
    assert "already exists" in qasr("transcribe", clip, "--engine", ECHO, "-q").stderr


def test_progress_for_machines(qasr: Qasr, clip: Path) -> None:
    result = qasr("transcribe", clip, "--engine", ECHO, "--progress", "json")
    events = [json.loads(line) for line in result.stderr.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "begin"
    assert kinds[-1] == "end"
    assert {"prepared", "recognized", "finished"} <= set(kinds)


def test_a_reader_that_leaves_ends_the_run_quietly(start_qasr: StartQasr, clip: Path) -> None:
    process = start_qasr("transcribe", clip, "--engine", ECHO, "--srt", "-o", "-")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 141
    assert "Traceback" not in errors


def test_a_hostile_name_cannot_write_to_the_terminal(qasr: Qasr, tmp_path: Path) -> None:
    for name in (
        "red \x1b[31m.wav",
        "two\nlines.wav",
        "Movie: Sequel.wav",
        "-y.wav",
        "a%03d.wav",
        "x'y;[z],.wav",
    ):
        copy_old(CLIP, tmp_path / name)
    result = qasr("transcribe", ".", "--engine", ECHO)
    assert result.returncode == 0, result.stderr
    assert "\x1b" not in result.stderr
    assert len(result.stderr.splitlines()) == 6 + 2  # a line a file, the summary, the quality
    assert (tmp_path / "two\nlines.srt").exists()


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['qasr', 'transcribe', '--help']\n"
        "from qasr_cli.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'transformers', 'numpy', 'onnxruntime', 'ffmpeg', 'srt'} & set(sys.modules)\n"
        "sys.exit(f'loaded {sorted(heavy)}' if heavy else 0)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "--audio-track" in result.stdout


@pytest.mark.parametrize("width", [40, 80, 200])
def test_help_fits_any_terminal(qasr: Qasr, width: int) -> None:
    shown = qasr("transcribe", "--help", env={"COLUMNS": str(width)}).stdout
    assert max(len(line) for line in shown.splitlines()) <= width
