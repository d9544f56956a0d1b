"""Other systems: what works where POSIX ends, and what says that it does not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from qasr_cli.errors import ExitCode
from qasr_cli.records import Status
from qasr_cli.runs.state import ledger
from qasr_cli.runs.state.ledger import LedgerEntry
from tests.e2e.conftest import CLIP, ROOT, environment

GOLDEN = ROOT / "tests/golden/english-talk"
Result = subprocess.CompletedProcess[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(CLIP, tmp_path / "clip.wav")
    for suffix in (".json", ".srt"):
        shutil.copy(GOLDEN.with_suffix(suffix), tmp_path / f"talk{suffix}")
    return tmp_path


def windows(folder: Path, *arguments: str) -> Result:
    """Run qasr without anything that only POSIX systems have."""
    return subprocess.run(
        [sys.executable, "-m", "tests.without_posix", *arguments],
        cwd=folder, env=environment(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("--help", "transcribe"),
        ("transcribe --help", "--model"),
        ("check talk.srt", "0 errors"),
        ("check talk.srt --fix -o fixed", "fixed: nothing"),
        ("config init", "qasr.toml"),
        ("config show", "not set"),
        ("models list", "demo"),
        ("models path demo", "demo"),
        pytest.param("models check demo", "", marks=pytest.mark.slow),
    ],
)
def test_what_needs_no_decoder_works_without_posix(folder: Path, arguments: str, told: str) -> None:
    done = windows(folder, *arguments.split())
    assert done.returncode == 0, done.stderr
    assert told in done.stdout


def test_render_writes_the_same_bytes_without_posix(folder: Path) -> None:
    done = windows(folder, "render", "talk.json", "--srt", "--vtt", "-y")
    assert done.returncode == 0, done.stderr
    for suffix in (".srt", ".vtt"):
        assert (folder / f"talk{suffix}").read_bytes() == GOLDEN.with_suffix(suffix).read_bytes()
    assert [path.name for path in folder.iterdir() if path.suffix == ".tmp"] == []


def test_the_ledger_of_runs_in_wsl_is_shown_without_posix(folder: Path) -> None:
    entry = LedgerEntry("clip.wav", 1_700_000_000, Status.DONE, None, "f", language="en")
    (folder / ".qasr").mkdir()
    (folder / ".qasr/ledger.jsonl").write_bytes(ledger.to_line(entry) + b"\n")
    done = windows(folder, "runs", "show", ".")
    assert (done.returncode, done.stderr) == (0, "")
    assert "clip.wav" in done.stdout
    done = windows(folder, "transcribe", ".", "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("arguments", ["transcribe clip.wav", "watch .", "align clip.wav talk.srt", "bench"])
def test_what_decodes_media_asks_for_wsl(folder: Path, arguments: str) -> None:
    done = windows(folder, *arguments.split(), "--model", "demo")
    assert done.returncode == ExitCode.UNAVAILABLE
    (line,) = done.stderr.splitlines()
    assert "WSL" in line
    assert not (folder / ".qasr").exists()


@pytest.mark.slow
def test_doctor_says_what_is_missing_without_posix(folder: Path) -> None:
    done = windows(folder, "doctor")
    assert done.returncode == ExitCode.UNAVAILABLE
    assert "WSL" in done.stdout
    assert done.stdout.count("missing") == 1
