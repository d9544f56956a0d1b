"""Real processes: what a user's shell would see of qasr.

`qasr` and `start_qasr` fork from a process that has imported everything, which saves most of a short run's
time; `spawn` starts an interpreter from nothing, for tests of the start itself.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Protocol

import pytest

from tests.forking import client, processes
from tests.forking.processes import ROOT, Result, Running, Servers, Setting, environment

__all__ = ["CLIP", "ECHO", "ROOT", "SAMPLES", "Qasr", "StartQasr", "copy_old", "environment"]

SAMPLES = ROOT / "samples"
CLIP = SAMPLES / "clips" / "clip-01.wav"
ECHO = "tests.fakes:echo"  # says made-up words; needs no torch, so a run takes a second

Qasr = Callable[..., Result]


def copy_old(source: Path, target: Path) -> Path:
    """Copy a file as one that nobody writes any more: a run waits to see whether a new one still changes."""
    copied = Path(shutil.copy(source, target))
    os.utime(copied, (1_700_000_000, 1_700_000_000))
    return copied


class StartQasr(Protocol):
    """Starts `qasr ARGUMENTS`, which goes on while the test does."""

    def __call__(
        self,
        *arguments: object,
        folder: Path | None = None,
        env: dict[str, str] | None = None,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        stdout: int | IO[bytes] = subprocess.PIPE,
        stderr: int | IO[bytes] = subprocess.PIPE,
        is_session_leader: bool = False,
    ) -> Running | subprocess.Popen[str]: ...


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The processes that others are forked from."""
    servers = Servers()
    yield servers
    servers.close()


@pytest.fixture
def qasr(servers: Servers, tmp_path: Path) -> Qasr:
    """Run `qasr ARGUMENTS` in an empty folder under a bare environment; forked where that is the same."""

    def call(
        *arguments: object,
        stdin: bytes | None = None,
        env: dict[str, str] | None = None,
        file_limit: int | None = None,  # bytes; no file may grow beyond
        prepare: Callable[[], object] | None = None,  # called before the program is executed: it is spawned
    ) -> Result:
        setting = Setting(tmp_path, environment(**(env or {})), file_limit, prepare)
        return servers.run(arguments, setting, stdin=stdin or b"")

    return call


@pytest.fixture
def spawn(tmp_path: Path) -> Qasr:
    """Run `qasr ARGUMENTS` as `qasr` does, but always from nothing."""

    def call(*arguments: object, stdin: bytes = b"", env: dict[str, str] | None = None) -> Result:
        return processes.spawn(arguments, Setting(tmp_path, environment(**(env or {}))), stdin=stdin)

    return call


@pytest.fixture
def start_qasr(servers: Servers, tmp_path: Path) -> Iterator[StartQasr]:
    """Start `qasr ARGUMENTS`, for a test that sends it signals or talks to it; killed when the test ends."""
    started: list[Running | subprocess.Popen[str]] = []

    def call(
        *arguments: object,
        folder: Path | None = None,
        env: dict[str, str] | None = None,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        stdout: int | IO[bytes] = subprocess.PIPE,
        stderr: int | IO[bytes] = subprocess.PIPE,
        is_session_leader: bool = False,
    ) -> Running | subprocess.Popen[str]:
        setting = Setting(folder or tmp_path, environment(**(env or {})), is_session_leader=is_session_leader)
        started.append(servers.start(arguments, setting, stdin=stdin, stdout=stdout, stderr=stderr))
        return started[-1]

    yield call
    for process in started:
        process.kill()
        process.wait(30)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None and not stream.closed:
                stream.close()


@pytest.fixture
def shell_environment(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a shell whose `qasr` is forked, too; for tests of whole command lines."""
    if not client.IS_AVAILABLE:
        return environment(PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    folder = tmp_path_factory.mktemp("bin")
    program = folder / "qasr"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E {client.__file__} "$@"\n')
    program.chmod(0o755)
    sockets = {kind: servers.socket_of(kind) for kind in (client.LIGHT, client.TORCH, client.HEAVY)}
    path = os.pathsep.join((str(folder), str(Path(sys.executable).parent), os.environ["PATH"]))
    return environment(PATH=path, TESTS_FORKING=json.dumps([sockets, servers.base]))


@pytest.fixture(scope="session")
def demo_samples(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All samples through one real run with the demo pair: srt, vtt, json and txt of each. Not to be changed.

    One run for all workers of a session: whoever comes first makes it, the others wait.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "demo-samples"
    with (shared / "demo-samples.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            making = shared / "demo-samples-unfinished"
            arguments = (
                "transcribe",
                SAMPLES,
                "-r",
                "--model",
                "demo",
                "-f",
                "srt,vtt,json,txt",
                "-o",
                making,
            )
            result = servers.run(arguments, Setting(shared, environment()))
            assert result.returncode == 0, result.stderr
            assert "13 done" in result.stderr
            making.rename(folder)
    return folder


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Return a short clip of real (synthetic) speech in the folder that `qasr` runs in."""
    return copy_old(CLIP, tmp_path / "clip.wav")
