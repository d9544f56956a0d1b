"""Outputs of a live session in a process of its own: kills, full disks, blocked pipes, and other programs."""

from __future__ import annotations

import json
import os
import pty
import re
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
from tests.e2e.conftest import ECHO, ROOT, SAMPLES, Qasr, environment
from tests.e2e.test_schemas import complaints
from tests.live_events import TALK


def start(folder: Path, /, **options: Any) -> subprocess.Popen[bytes]:
    stdout, stderr = options.pop("stdout", subprocess.DEVNULL), options.pop("stderr", subprocess.PIPE)
    return subprocess.Popen(
        [sys.executable, "-m", "tests.live_writer", json.dumps(options)],
        cwd=folder,
        env={**environment(), "PYTHONPATH": str(ROOT)},
        stdout=stdout,
        stderr=stderr,
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


def read_terminal(leader: int) -> str:
    written = b""
    try:
        while block := os.read(leader, 65_536):
            written += block
    except OSError:  # how a terminal says that nobody is left on the other side
        pass
    os.close(leader)
    return written.decode()


def test_lines_of_the_log_on_the_same_terminal_replace_partials(tmp_path: Path) -> None:
    leader, follower = pty.openpty()
    with start(tmp_path, stdout=follower, stderr=follower, pace_ms=20, note="a note") as process:
        os.close(follower)
        text = read_terminal(leader)
    assert process.returncode == 0
    before = text.split("qasr: a note\r\n")[:-1]
    assert len(before) > 10
    assert [part[-40:] for part in before if not part.endswith("\x1b[J") and part] == []


def test_a_terminal_gets_captions_and_is_left_as_it_was(tmp_path: Path) -> None:
    leader, follower = pty.openpty()
    with start(tmp_path, stdout=follower, pace_ms=5) as process:
        os.close(follower)
        text = read_terminal(leader)
    assert process.returncode == 0
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
def test_five_hours_of_talk_grow_nothing_but_files(tmp_path: Path) -> None:
    names = ["talk.srt", "talk.jsonl"]
    with start(
        tmp_path, write=names, hls="hls", hls_segment_ms=6_000, n_talks=1_000, caption_file="now.txt",
        is_held=True,
    ) as process:  # fmt: skip
        _wait_for_utterance(tmp_path / "talk.jsonl", 400)
        early = _memory_bytes(process.pid)
        _wait_for_utterance(tmp_path / "talk.jsonl", 3_999)
        late = _memory_bytes(process.pid)
        process.kill()
    assert late < early + 30e6
    assert len(list((tmp_path / "hls").iterdir())) <= 24  # the playlist, its segments, and as many behind


def _wait_for_utterance(path: Path, number: int) -> None:
    until_s = time.monotonic() + 120
    latest = -1
    while latest < number:
        assert time.monotonic() < until_s, latest
        time.sleep(0.05)
        if path.exists():
            with path.open("rb") as file:
                file.seek(-min(20_000, path.stat().st_size), os.SEEK_END)
                latest = max(map(int, re.findall(rb'"utterance": (\d+)', file.read())), default=-1)


def _memory_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def test_the_lines_of_a_real_session_keep_the_schema(qasr: Qasr, tmp_path: Path) -> None:
    files = ("--write", "talk.txt", "--write", "talk.jsonl")
    done = qasr("live", SAMPLES / "talk.mp4", "--engine", ECHO, "--json-lines", *files)
    assert done.returncode == 0, done.stderr
    values = [json.loads(line) for line in done.stdout.splitlines()]
    assert {one["type"] for one in values} >= {
        *("start", "speech_started", "partial", "speech_stopped", "final", "silence", "end"),
    }
    kept = [json.loads(line) for line in (tmp_path / "talk.jsonl").read_text("utf-8").splitlines()]
    assert kept == [one for one in values if one["type"] in {"start", "final", "gap", "lag", "end"}]
    for one in values:
        assert complaints("live", one) == []
    texts = [one["text"] for one in values if one["type"] == "final" and one["text"]]
    assert (tmp_path / "talk.txt").read_text("utf-8").splitlines() == texts


def test_a_session_ends_soon_after_its_reader(tmp_path: Path) -> None:
    command = ["live", str(SAMPLES / "talk.mp4"), "--realtime", "--engine", ECHO, "--json-lines"]
    with subprocess.Popen(
        [sys.executable, "-m", "qasr_cli", *command],
        cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) == 141  # of a talk of 158 s


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--write", "old.srt"), 73, "old.srt already exists; use --overwrite"),
        (("--write", "talk.ass"), 2, "no format '.ass'; end the name in .srt, .vtt, .txt, .jsonl"),
        (("--obs", "ws://studio"), 2, "--obs: not an address; give HOST:PORT"),
        (("--hls", "old.srt"), 73, "old.srt"),
        (("http://me:secret@host/secret",), 2, "unexpected extra argument(s) (http://host/..."),
    ],
)
def test_what_cannot_be_written_is_refused_at_once(
    qasr: Qasr, tmp_path: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    (tmp_path / "old.srt").write_text("precious")
    refused = qasr("live", SAMPLES / "talk.mp4", "--engine", ECHO, *arguments)
    assert refused.returncode == code
    assert message in refused.stderr
    assert refused.stdout == ""
    assert "secret" not in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["old.srt"]


def test_a_disk_that_fills_up_ends_a_real_session_with_its_code(qasr: Qasr, tmp_path: Path) -> None:
    files = ("--write", "talk.jsonl", "--write", "talk.txt")
    done = qasr("live", SAMPLES / "talk.mp4", "--engine", ECHO, *files, file_limit=4_000)
    assert done.returncode == 74
    assert "talk.jsonl" in done.stderr
    assert (tmp_path / "talk.txt").read_text("utf-8") == done.stdout
