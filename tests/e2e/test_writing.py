"""Writers that are killed, stopped or overtaken in the middle of a file, as real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from qasr_cli.runs.files import atomic_write
from tests.e2e.conftest import environment

WRITER = """
import itertools, sys
from pathlib import Path
from qasr_cli.runs.files import atomic_write
text = "x" * 30_000_000
for number in itertools.count():
    atomic_write.write(Path(sys.argv[1], "big.srt"), text, is_overwrite=True)
"""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process that writes a large file again and again, and stop it in the middle of that."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], env=environment())
    deadline_s = time.monotonic() + 60
    try:
        while True:
            assert time.monotonic() < deadline_s
            if not temporaries(tmp_path):
                time.sleep(0.001)
                continue
            process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, process.pid, os.WSTOPPED)
            if temporaries(tmp_path) and not is_new(temporaries(tmp_path)[0]):
                break
            process.send_signal(signal.SIGCONT)
        yield process
    finally:
        process.kill()
        process.wait()


def temporaries(folder: Path) -> list[Path]:
    return list(folder.glob(".qasr-*.tmp"))


def is_new(path: Path) -> bool:
    """Whether nothing is in the file yet: its writer may not hold it yet either."""
    return path.stat().st_size == 0


def test_what_a_killed_writer_leaves_goes_with_the_next_write(
    writer: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    writer.kill()
    writer.wait()
    assert temporaries(tmp_path)
    (tmp_path / ".qasr-notes.txt").touch()
    atomic_write._sweep_once.cache_clear()
    atomic_write.write(tmp_path / "a.srt", "a", is_overwrite=False)
    assert not temporaries(tmp_path)
    assert (tmp_path / "a.srt").read_text() == "a"
    assert (tmp_path / ".qasr-notes.txt").exists()


def test_a_live_writer_s_file_is_left_alone(writer: subprocess.Popen[bytes], tmp_path: Path) -> None:
    (held,) = temporaries(tmp_path)
    dead = tmp_path / ".qasr-dead.tmp"
    dead.touch()
    (tmp_path / ".qasr-link.tmp").symlink_to("nowhere")
    atomic_write._sweep_once.cache_clear()
    atomic_write.write(tmp_path / "a.srt", "a", is_overwrite=False)
    assert held.exists()
    assert not dead.exists()
    writer.send_signal(signal.SIGCONT)
    deadline_s = time.monotonic() + 60
    while held.exists():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    assert writer.poll() is None  # it went on with the next one
    assert (tmp_path / "big.srt").stat().st_size == 30_000_000
