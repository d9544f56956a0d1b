"""A qasr that is forked cannot be told from one that is started: what other tests rely on."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import ECHO, Qasr, StartQasr
from tests.forking import client
from tests.forking.processes import Running, Servers

pytestmark = pytest.mark.skipif(not client.IS_AVAILABLE, reason="this system has no pidfd: nothing is forked")
BASE = {"PATH": "/bin", "HF_HUB_OFFLINE": "1", "PYTHONPATH": "here"}
PROBE = "tests.forking.probe:engine"


def described(run: Qasr, folder: Path, *arguments: object, **setting: Any) -> dict[str, Any]:
    result = run("transcribe", "clip.wav", "--engine", PROBE, "-y", *arguments, **setting)
    assert result.returncode == 0, result.stderr
    description: dict[str, Any] = json.loads((folder / "probe.json").read_text())
    return description


def test_a_forked_process_is_what_a_started_one_is(qasr: Qasr, spawn: Qasr, clip: Path) -> None:
    env = {"QASR_TXT": "1", "COLUMNS": "77"}
    forked = described(qasr, clip.parent, "--context", "한국어", env=env)
    spawned = described(spawn, clip.parent, "--context", "한국어", env=env)
    # What a handler is called says where it is in memory.
    addresses = re.compile(r"0x[0-9a-f]+")
    for one in (forked, spawned):
        one["signals"] = addresses.sub("", json.dumps(one["signals"]))
        one["kinds"] = one["kinds"][1:]  # stdin of one is empty, of the other a pipe without anything
        # Set with the first speech that is looked for, which a thread does while the engine is loaded.
        one["environment"].pop("ORT_DISABLE_TELEMETRY", None)
    assert forked == spawned


def test_nothing_of_one_process_is_in_the_next(qasr: Qasr, clip: Path) -> None:
    limited = described(qasr, clip.parent, file_limit=10_000_000, env={"QASR_VTT": "1"})
    free = described(qasr, clip.parent)
    assert [10_000_000] * 2 in limited["limits"]
    assert [10_000_000] * 2 not in free["limits"]
    assert "QASR_VTT" not in free["environment"]


def test_it_has_its_three_streams_and_no_other_descriptor(start_qasr: StartQasr, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    status = tmp_path / "status.json"
    first = start_qasr("watch", "in", "--engine", ECHO)  # one more whose connection could be inherited
    process = start_qasr("watch", "in", "--engine", ECHO, "--status", status.name, stdin=subprocess.PIPE)
    assert isinstance(first, Running)
    assert isinstance(process, Running)
    while not status.exists():
        assert process.poll() is None
    opened = Path(f"/proc/{process.pid}/fd")
    links = [str(descriptor.readlink()) for descriptor in opened.iterdir() if descriptor.exists()]
    assert [link for link in links if link.startswith("socket:") or "pidfd" in link] == []
    for place, stream in ((0, process.stdin), (2, process.stderr)):  # stdout is led to stderr by then
        assert stream is not None
        assert (opened / str(place)).stat().st_ino == os.fstat(stream.fileno()).st_ino


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_signals_reach_it_and_its_end_is_told(
    start_qasr: StartQasr, tmp_path: Path, number: int, code: int
) -> None:
    (tmp_path / "in").mkdir()
    process = start_qasr("watch", "in", "--engine", ECHO, "--status", "status.json")
    while not (tmp_path / "status.json").exists():
        assert process.poll() is None
    process.send_signal(number)
    assert process.wait(30) == code
    assert process.poll() == code
    with pytest.raises(ProcessLookupError):  # reaped
        os.kill(process.pid, 0)


@pytest.mark.parametrize(
    ("arguments", "env", "kind"),
    [
        (["transcribe", "a.wav", "--model", "demo"], {}, client.HEAVY),
        (["transcribe", "a.wav", "--engine", ECHO], {"QASR_TXT": "1"}, client.LIGHT),
        (["check", "a.srt"], {"COLUMNS": "50"}, client.LIGHT),
        (["models", "pull", "x"], {"HF_ENDPOINT": "http://127.0.0.1:9"}, client.TORCH),
        (["transcribe", "a.wav", "--model", "demo"], {"MKL_NUM_THREADS": "1"}, None),
        (["check", "a.srt"], {"LANG": "de_DE.UTF-8"}, None),
        (["check", "a.srt"], {"PYTHONPATH": "elsewhere"}, None),
        (["check", "a.srt"], {"TERMINAL_WIDTH": "50"}, None),
    ],
)
def test_what_an_import_would_see_is_not_forked(
    arguments: list[str], env: dict[str, str], kind: str | None
) -> None:
    assert client.choose(arguments, BASE | env, BASE) == kind
    without_a_path = {name: value for name, value in BASE.items() if name != "PYTHONPATH"}
    assert client.choose(arguments, without_a_path | {"QASR_X": "1"}, BASE) is None


def test_the_servers_have_imported_what_takes_long_and_nothing_too_much(servers: Servers) -> None:
    for kind, is_heavy in ((client.LIGHT, False), (client.TORCH, True), (client.HEAVY, True)):
        maps = servers.maps_of(kind)
        assert ("libtorch" in maps) is is_heavy
        assert "onnxruntime" not in maps  # whose threads a fork would lose


def test_a_shell_s_qasr_is_one_too(shell_environment: dict[str, str], tmp_path: Path, clip: Path) -> None:
    line = (
        f"qasr transcribe clip.wav --engine {ECHO} --txt -o - | tr a-z A-Z; qasr transcribe gone.wav 2> said"
    )
    done = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, env=shell_environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("ONE TWO THREE")
    assert done.returncode == 66
    assert "gone.wav" in (tmp_path / "said").read_text()
    stopped = subprocess.run(
        ["timeout", "--preserve-status", "1", "qasr", "watch", ".", "--engine", ECHO],
        cwd=tmp_path, env=shell_environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert stopped.returncode == 143
