"""What the tests of a cluster share: the namespace, three nodes, media, a plain run to compare with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import nodes, speech
from tests.cluster.nodes import Nodes
from tests.forking.processes import ROOT, Setting, environment, popen

ASKED = "QASR_CLUSTER_TESTS"
collect_ignore_glob = [] if ASKED in os.environ else ["test_*.py"]

SAMPLES = ROOT / "samples"
N_FILES = 30
N_CLIPS = 6  # in each
OPTIONS = ("--model", "demo", "--srt", "--json", "--batch-size", "2")
TIMEOUT_S = 240.0


def pytest_collection_modifyitems() -> None:
    if ASKED in os.environ and nodes.interfaces() != {"lo"}:
        pytest.exit("Ray would listen on every interface here: run `make cluster`", returncode=4)


@dataclass
class Call:
    """A run of qasr, whose stderr is read while it goes on."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    _arrived: threading.Condition = field(default_factory=threading.Condition)
    _is_read: bool = False

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._arrived:
                self.lines.append(line.rstrip("\n"))
                self._arrived.notify_all()
        with self._arrived:
            self._is_read = True
            self._arrived.notify_all()

    @property
    def stderr(self) -> str:
        return "\n".join(self.lines)

    def await_line(self, begin: str) -> None:
        """Wait for a line of stderr."""
        with self._arrived:
            self._arrived.wait_for(
                lambda: any(line.startswith(begin) for line in self.lines) or self._is_read, TIMEOUT_S
            )
            assert any(line.startswith(begin) for line in self.lines), self.stderr

    def end(self, limit_s: float = TIMEOUT_S) -> int:
        code = self.process.wait(limit_s)
        self._reader.join(10)
        return code


@dataclass
class Desk:
    """A working folder with media, and qasr in it."""

    folder: Path
    env: dict[str, str]
    calls: list[Call] = field(default_factory=list)

    def start(self, *arguments: object, **env: str) -> Call:
        setting = Setting(self.folder, {**self.env, **env}, is_session_leader=True)
        process = popen(arguments, setting)
        assert isinstance(process, subprocess.Popen)
        self.calls.append(Call(process))
        return self.calls[-1]

    def run(self, *arguments: object, **env: str) -> Call:
        call = self.start(*arguments, **env)
        call.end()
        return call

    def close(self) -> None:
        for call in self.calls:
            if call.process.poll() is None:
                call.process.kill()
            call.end(30)
            for stream in (call.process.stdin, call.process.stdout, call.process.stderr):
                if stream is not None:
                    stream.close()


@pytest.fixture(scope="session")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of nodes and runs: a home of their own, and a token that only they have."""
    home = tmp_path_factory.mktemp("home")
    (home / "tmp").mkdir()
    return environment(
        HOME=str(home),
        TMPDIR=str(home / "tmp"),  # so that scratch folders of these tests are told from others
        QASR_CACHE=os.environ["QASR_CACHE"],
        RAY_AUTH_MODE="token",
        RAY_AUTH_TOKEN="0123456789abcdef0123456789abcdef",
        RAY_USAGE_STATS_ENABLED="0",
    )


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all nodes see: some minutes of work, in files of half a minute in folders."""
    folder = tmp_path_factory.mktemp("shared") / "media"
    speech.write(folder, N_FILES, N_CLIPS)
    return folder


@pytest.fixture
def desk(tmp_path: Path, env: dict[str, str]) -> Iterator[Desk]:
    desk = Desk(tmp_path, env)
    yield desk
    desk.close()


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory, media: Path, env: dict[str, str]) -> Path:
    """The results of a run on this machine alone."""
    desk = Desk(tmp_path_factory.mktemp("plain"), env)
    call = desk.run("transcribe", media, "-r", *OPTIONS, "-o", "out")
    desk.close()
    assert call.process.returncode == 0, call.stderr
    return desk.folder / "out"


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Clips that say enough for two actors, by their size."""
    folder = tmp_path / "clips"
    folder.mkdir()
    for number in range(60):
        copied = Path(shutil.copy(SAMPLES / "clips/clip-06.wav", folder / f"{number:02d}.wav"))
        os.utime(copied, (1_700_000_000, 1_700_000_000))
    return folder


@pytest.fixture(scope="session")
def three(env: dict[str, str]) -> Iterator[Nodes]:
    """A cluster of three nodes with a core each; tests that kill one start another."""
    with nodes.running(env, 3) as cluster:
        yield cluster
    nodes.wait_until(lambda: not nodes.ray_processes(), 60, "no process of Ray is left")


def results(folder: Path) -> dict[str, bytes]:
    """Return all results by their names."""
    found = [path for path in folder.rglob("*") if path.is_file() and ".qasr" not in path.parts]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def ledger(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the ledger's entries by file, without what takes its time; each file has one that counts."""
    lines = (folder / ".qasr/ledger.jsonl").read_text("utf-8").splitlines()
    entries = [entry for entry in map(json.loads, lines) if "file" in entry]
    by_file: dict[str, dict[str, Any]] = {}
    for entry in entries:
        assert entry["file"] not in by_file, f"{entry['file']} has two entries"
        by_file[entry["file"]] = {
            name: value for name, value in entry.items() if name not in {"at", "wall_s"}
        }
        for output in by_file[entry["file"]].get("outputs", []):
            output["identity"].pop("mtime_ns")
    return by_file
