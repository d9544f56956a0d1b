"""A short form of `python -m tests.torture`, and the single deeds that it is made of."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import CLIP, ECHO, SAMPLES, Qasr, StartQasr, copy_old
from tests.torture.torture import Setting, torture

SLOW = "tests.fakes:slow"
STEADY = "tests.fakes:steady"
SMALL = ("--engine", STEADY, "--chunk-seconds", "4", "--batch-size", "4")


@pytest.mark.slow
def test_killed_runs_come_to_the_same_bytes(tmp_path: Path) -> None:
    toll = torture(tmp_path, Setting(n_files=6, n_kills=6, arguments=SMALL))
    assert sum(toll.kills.values()) == 6
    assert toll.n_in_time >= 2


def wait_for(path: Path, n_lines: int) -> None:
    until_s = time.monotonic() + 60
    while not (path.is_file() and path.read_bytes().count(b"\n") >= n_lines):
        assert time.monotonic() < until_s
        time.sleep(0.02)


@pytest.mark.parametrize("is_named", [False, True])
def test_a_kill_costs_one_batch(qasr: Qasr, start_qasr: StartQasr, tmp_path: Path, is_named: bool) -> None:
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
        copy_old(SAMPLES / "talk.mp4", tmp_path / name / "talk.mp4")
    arguments = ("--json", "--chunk-seconds", "4", "--batch-size", "1", "--engine", STEADY)
    whole = qasr("transcribe", tmp_path / "whole", *arguments)
    assert whole.returncode == 0
    media = tmp_path / "killed/talk.mp4" if is_named else tmp_path / "killed"
    process = start_qasr("transcribe", media, "-v", *arguments)
    state = tmp_path / "killed/.qasr"
    while not (found := list((state / "checkpoints").glob("*.jsonl"))):
        assert process.poll() is None
        time.sleep(0.02)
    wait_for(found[0], 4)  # a head and three batches
    process.kill()
    process.communicate()
    assert not (tmp_path / "killed/talk.json").exists()
    _, told = start_qasr("transcribe", media, "-v", *arguments).communicate(timeout=60)
    known = next(line for line in told.splitlines() if line.endswith("chunks are resumed"))
    assert int(known.split()[-6]) >= 3, known
    assert "ledger" not in told
    assert (tmp_path / "killed/talk.json").read_bytes() == (tmp_path / "whole/talk.json").read_bytes()
    assert not (state / "checkpoints").exists()
    assert state.exists() is not is_named  # beside a file that was named nothing stays


def test_a_second_run_exits_75_or_waits(qasr: Qasr, start_qasr: StartQasr, tmp_path: Path) -> None:
    for number in range(12):
        copy_old(CLIP, tmp_path / f"{number}.wav")
    first = start_qasr("transcribe", tmp_path, "-v", "--batch-size", "1", "--engine", SLOW)
    assert first.stderr is not None
    assert first.stderr.readline().startswith("done")
    second = qasr("transcribe", tmp_path, "--engine", ECHO)
    assert second.returncode == 75
    assert second.stderr.count("\n") == 1
    assert f"pid {first.pid} on " in second.stderr
    assert "--wait" in second.stderr
    waited = qasr("transcribe", tmp_path, "--engine", ECHO, "--wait")
    first.communicate()
    assert (waited.returncode, first.returncode) == (0, 0)
    assert "waiting for it" in waited.stderr
    assert "12 skipped" in waited.stderr


def test_the_third_ctrl_c_stops_at_once(start_qasr: StartQasr, clip: Path) -> None:
    process = start_qasr("transcribe", clip.parent, "-v", "--engine", "tests.fakes:stubborn")
    assert process.stderr is not None
    for answer in ("at work\n", "asked to stop\n"):
        while (line := process.stderr.readline()) != answer:
            assert line, "the run ended by itself"
        process.send_signal(signal.SIGINT)
    while "press Ctrl-C once more" not in (line := process.stderr.readline()):
        assert line, "the second one ended the run"
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=20)  # the engine would take a minute
    assert process.returncode == 130
    assert "stopped at once" in rest


def test_what_fails_waits_and_is_shown(qasr: Qasr, tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"no media at all")
    copy_old(CLIP, tmp_path / "good.wav")
    command = ("transcribe", tmp_path, "--engine", ECHO, "--retries", "1")
    assert [qasr(*command).returncode for _ in range(3)] == [3, 3, 0]
    shown = qasr("runs", "show", tmp_path, "--failed")
    assert "bad.mp4" in shown.stdout
    assert "good.wav" not in shown.stdout
    assert "2 files: 1 done, 1 failed" in shown.stdout
    lines = [json.loads(line) for line in qasr("runs", "show", tmp_path, "--json").stdout.splitlines()]
    assert {line["file"]: line.get("n_failures", 0) for line in lines} == {"bad.mp4": 2, "good.wav": 0}
    dry = qasr("transcribe", tmp_path, "--engine", ECHO, "--retries", "1", "--dry-run").stdout
    assert "would skip bad.mp4: failed 2 times" in dry
    assert qasr("transcribe", tmp_path / "bad.mp4", "--engine", ECHO).returncode == 65  # named: tried
    assert qasr("runs", "show", tmp_path / "nowhere").returncode == 66


def test_state_can_be_kept_elsewhere(qasr: Qasr, tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    copy_old(CLIP, tmp_path / "media/a.wav")
    for code in ("1 done", "1 skipped"):
        done = qasr("transcribe", "media", "--engine", ECHO, "--state", "state")
        assert code in done.stderr
    assert sorted(path.name for path in (tmp_path / "media").iterdir()) == ["a.srt", "a.wav"]
    assert "a.wav" in qasr("runs", "show", "state").stdout


def test_roots_that_share_a_state_are_not_mixed_up(qasr: Qasr, tmp_path: Path) -> None:
    for name, clip in (("one", "clip-01.wav"), ("two", "clip-06.wav")):
        (tmp_path / name).mkdir()
        copy_old(SAMPLES / "clips" / clip, tmp_path / name / "a.wav")
    (tmp_path / "link").symlink_to("one")
    command = ("transcribe", "one", "two", "--engine", ECHO, "--state", "state")
    assert "2 done" in qasr(*command).stderr
    assert "2 skipped" in qasr(*command).stderr
    assert "2 files: 2 done" in qasr("runs", "show", "state").stdout
    renewed = qasr("transcribe", "link", "--engine", ECHO, "--state", "state", "--max-cps", "9", "--dry-run")
    assert renewed.stdout == "would transcribe a.wav -> link/a.srt (options changed)\n"
