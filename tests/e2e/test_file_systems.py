"""File systems that refuse what others do: their answers come from strace, at the system's door."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import CLIP, ECHO, copy_old, environment


def _can_trace() -> bool:
    strace = shutil.which("strace")
    if strace is None:
        return False
    return subprocess.run([strace, "-o", os.devnull, "true"], check=False).returncode == 0


pytestmark = pytest.mark.skipif(not _can_trace(), reason="no strace, which makes a file system refuse")


def _refused(
    folder: Path, calls: dict[str, str], *arguments: object, of: Path | None = None
) -> tuple[int, str, str]:
    """Run qasr with system calls that fail; return its exit code, stderr, and the calls that were refused.

    Args:
        folder: The working folder, which gets strace's log.
        calls: The error of each system call.
        arguments: Of qasr.
        of: Only calls about this path fail.
    """
    log = folder / "calls"
    # A scratch folder of its own: without locks it looks unused to runs that have some.
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    only = ("-P", str(of)) if of else ("--seccomp-bpf",)
    inject = [word for call, error in calls.items() for word in ("-e", f"inject={call}:error={error}")]
    command = [
        *("strace", "-f", *only, "-o", str(log), "-e", f"trace={','.join(calls)}", *inject),
        *(sys.executable, "-m", "qasr_cli", *map(str, arguments)),
    ]
    env = environment(TMPDIR=str(temporary))
    result = subprocess.run(command, env=env, cwd=folder, check=False, capture_output=True, text=True)
    lines = log.read_text().splitlines()
    return result.returncode, result.stderr, "\n".join(line for line in lines if "(INJECTED)" in line)


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    """A folder with two clips."""
    folder = tmp_path / "talks"
    folder.mkdir()
    for name in ("one.wav", "two.wav"):
        copy_old(CLIP, folder / name)
    return folder


@pytest.mark.parametrize("error", ["EPERM", pytest.param("EOPNOTSUPP", marks=pytest.mark.slow)])
def test_a_mount_without_modes_owners_links_and_syncs_has_the_results(talks: Path, error: str) -> None:
    calls = {
        **{"fchmod": error, "chmod": error, "fchown": error, "utimensat": error, "linkat": error},
        **{"link": error, "fsync": "EINVAL", "fdatasync": "EINVAL", "flock": "ENOLCK"},
    }
    code, stderr, refused = _refused(
        talks.parent, calls, "transcribe", talks, "--engine", ECHO, "--srt", "--txt", "--report", "r.json"
    )
    assert code == 0, stderr
    assert "free some space" not in stderr
    for call in ("fchmod", "fchown" if os.geteuid() == 0 else "fchmod", "fsync", "flock", "link"):
        assert f"{call}(" in refused or f"{call}at(" in refused, refused
    assert sorted(one.name for one in talks.iterdir() if one.suffix in {".srt", ".txt"}) == [
        *("one.srt", "one.txt", "two.srt", "two.txt")
    ]
    assert not [one for one in talks.iterdir() if one.name.startswith(".qasr-")]
    warnings = [line for line in stderr.splitlines() if "the file system" in line]
    assert len(warnings) == len(set(warnings)), stderr
    assert sum("set the mode" in line for line in warnings) == 1, stderr
    assert sum("sync files" in line for line in warnings) == 1, stderr
    assert sum("has no locks" in line for line in warnings) == 1, stderr


@pytest.mark.parametrize(
    ("call", "name", "command"),
    [
        ("openat", "talks/one.wav", "transcribe"),
        ("openat", "talks", "transcribe"),
        pytest.param("newfstatat,stat", "talks/one.wav", "transcribe", marks=pytest.mark.slow),
        pytest.param("newfstatat,stat", "talks", "transcribe", marks=pytest.mark.slow),
        ("openat", "talks/talk.srt", "check"),
    ],
)
def test_a_mount_that_is_gone_is_no_missing_input(talks: Path, call: str, name: str, command: str) -> None:
    (talks / "talk.srt").write_text("1\n00:00:01,000 --> 00:00:03,000\nHello\n")
    path = talks.parent / name
    engine = ("--engine", ECHO) if command == "transcribe" else ()
    code, stderr, refused = _refused(talks.parent, {call: "ESTALE"}, command, path, *engine, of=path)
    assert "ESTALE" in refused
    assert code == 74, stderr
    assert "check that the folder is still mounted" in stderr


def test_a_disk_that_loses_bytes_fails(talks: Path) -> None:
    code, stderr, refused = _refused(
        talks.parent, {"fsync": "EIO"}, "transcribe", talks / "one.wav", "--engine", ECHO
    )
    assert "EIO" in refused
    assert code == 74, stderr
    assert "check the disk" in stderr
    assert not (talks / "one.srt").exists()


def test_what_needs_no_model_does_not_need_modes_either(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("1\n00:00:01,000 --> 00:00:03,000\nHello there\n")
    calls = {"fchmod": "EPERM", "fsync": "EINVAL", "fchown": "EPERM"}
    for arguments, made in (
        (("check", "a.srt", "--fix"), "a.fixed.srt"),
        (("config", "init", "mine.toml"), "mine.toml"),
    ):
        code, stderr, refused = _refused(tmp_path, calls, *arguments)
        assert code == 0, stderr
        assert "fchmod(" in refused
        assert "fsync(" in refused
        assert (tmp_path / made).stat().st_size > 0
        assert stderr.count("does not set the mode of files (Operation not permitted)") == 1
        assert "qasr: warning:" in stderr
