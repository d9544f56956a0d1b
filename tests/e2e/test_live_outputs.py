"""Outputs of a live session in a process of its own: kills, full disks, blocked pipes, and other programs."""

from __future__ import annotations

import json
import os
import pty
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from qasr_cli.formats.readers import captions
from qasr_cli.media.ffmpeg import find_tools
from tests.e2e.conftest import ROOT, environment
from tests.live_events import TALK


def start(folder: Path, /, **options: Any) -> subprocess.Popen[bytes]:
    stdout = options.pop("stdout", subprocess.DEVNULL)
    return subprocess.Popen(
        [sys.executable, "-m", "tests.live_writer", json.dumps(options)],
        cwd=folder,
        env={**environment(), "PYTHONPATH": str(ROOT)},
        stdout=stdout,
        stderr=subprocess.PIPE,
    )


def wait_for(path: Path, text: str) -> None:
    until_s = time.monotonic() + 60
    while not (path.exists() and text in path.read_text("utf-8")):
        assert time.monotonic() < until_s, path
        time.sleep(0.01)


def test_a_kill_leaves_files_that_can_be_read(tmp_path: Path) -> None:
    names = ["talk.srt", "talk.vtt", "talk.txt", "talk.jsonl"]
    with start(tmp_path, write=names, hls="hls", hls_segment_ms=1_000, pace_ms=3, n_talks=50) as process:
        wait_for(tmp_path / "talk.srt", "\n12\n")
        process.send_signal(signal.SIGKILL)
    texts = {name: (tmp_path / name).read_text("utf-8") for name in names}
    for name in ("talk.srt", "talk.vtt"):
        read = captions.parse(texts[name], name).captions
        assert len(read) >= 12
        assert texts[name].endswith("\n")
    assert all(json.loads(line)["type"] for line in texts["talk.jsonl"].splitlines())
    assert {*texts["talk.txt"].splitlines()} == {said.text for said in TALK}
    playlist = (tmp_path / "hls" / "subtitles.m3u8").read_text()
    listed = [line for line in playlist.splitlines() if not line.startswith("#")]
    assert len(listed) == 10
    assert all((tmp_path / "hls" / name).read_text().startswith("WEBVTT\n") for name in listed)


def test_a_full_disk_ends_one_file_and_the_exit_code_says_so(tmp_path: Path) -> None:
    with start(
        tmp_path, write=["talk.jsonl", "talk.txt"], stdout=subprocess.PIPE, file_limit=3_000
    ) as process:
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 74
    lines = stderr.decode().splitlines()
    assert [line.split(": ")[1] for line in lines] == ["warning", "error"]
    assert all("talk.jsonl" in line for line in lines)
    assert stdout.decode().splitlines() == [said.text for said in TALK]
    assert (tmp_path / "talk.txt").read_text("utf-8").splitlines() == [said.text for said in TALK]
    kept = (tmp_path / "talk.jsonl").read_text("utf-8")
    assert kept.endswith("}\n")
    assert len(kept) <= 3_000


def test_a_pipe_that_is_read_late_has_every_final(tmp_path: Path) -> None:
    with start(tmp_path, json_lines=True, n_talks=100, stdout=subprocess.PIPE, write=["talk.txt"]) as process:
        wait_for(tmp_path / "talk.txt", TALK[3].text)
        time.sleep(0.5)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    types = [json.loads(line)["type"] for line in stdout.splitlines()]
    assert types.count("final") == 100 * len(TALK)
    assert types[0] == "start"
    assert types[-1] == "end"


def test_a_reader_that_is_gone_ends_the_session_quietly(tmp_path: Path) -> None:
    with start(tmp_path, json_lines=True, n_talks=100, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_a_terminal_gets_captions_and_is_left_as_it_was(tmp_path: Path) -> None:
    leader, follower = pty.openpty()
    with start(tmp_path, stdout=follower, pace_ms=5) as process:
        os.close(follower)
        written = b""
        try:
            while block := os.read(leader, 65_536):
                written += block
        except OSError:  # how a terminal says that nobody is left on the other side
            pass
        os.close(leader)
    assert process.returncode == 0
    text = written.decode()
    assert "\x1b[2m" in text
    assert "?25" not in text  # the cursor is never hidden
    for said in (TALK[0], TALK[3]):
        assert f"\r{said.text}\x1b[K\r\n\x1b[J" in text
    assert text.endswith("\r\x1b[J")


def test_ffmpeg_reads_the_playlist(tmp_path: Path) -> None:
    with start(tmp_path, hls="hls", hls_segment_ms=4_000, write=["talk.vtt"]) as process:
        process.communicate(timeout=60)
    tools = find_tools()
    playlist = tmp_path / "hls" / "subtitles.m3u8"
    read = subprocess.run(
        [tools.ffmpeg, "-v", "error", "-allowed_extensions", "ALL", "-i", playlist, "-f", "webvtt", "-"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert read.stderr == ""
    found = {(cue.start_ms, cue.end_ms) for cue in captions.parse(read.stdout, "read.vtt").captions}
    own = captions.parse((tmp_path / "talk.vtt").read_text("utf-8"), "talk.vtt").captions
    assert found == {(cue.start_ms, cue.end_ms) for cue in own}


@pytest.mark.slow
def test_ten_hours_of_talk_grow_nothing_but_files(tmp_path: Path) -> None:
    names = ["talk.srt", "talk.jsonl"]
    with start(
        tmp_path, write=names, hls="hls", hls_segment_ms=6_000, n_talks=1_800, caption_file="now.txt",
        is_held=True,
    ) as process:  # fmt: skip
        wait_for(tmp_path / "talk.jsonl", '"utterance": 400,')
        early = _memory_bytes(process.pid)
        wait_for(tmp_path / "talk.jsonl", '"utterance": 7199,')
        late = _memory_bytes(process.pid)
        process.kill()
    assert late < early + 30e6
    assert len(list((tmp_path / "hls").iterdir())) <= 21


def _memory_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()
