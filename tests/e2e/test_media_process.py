"""What a child process of ours may do, and what is left of it: nothing."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest

from qasr_cli.media import probe, process


def test_the_middle_of_a_long_line_is_not_taken_for_a_line() -> None:
    """A title can be as long as it likes, and can say what ffmpeg says from any place on."""
    says = (
        "import sys; w = sys.stderr.write; n = 8 * 1024\n"
        "w('[info]   title: '.ljust(n) + '[info] Output #0, x\\n')\n"
        "w('[error] ' + 'x' * n + '\\n[info] Input #0, wav, from y\\n')\n"
    )
    with process.running([sys.executable, "-c", says], probe.STDERR_FILTER) as child:
        child.finish()
        assert not child.has_matched
        assert probe.read(child.stderr_text).formats == "wav"


def test_a_child_cannot_take_all_memory() -> None:
    if not hasattr(resource, "prlimit"):
        pytest.skip("limits are set on Linux only")
    takes = (  # asked for, and never touched
        "import mmap, sys\nsys.stdin.read()\n"
        "print(len(mmap.mmap(-1, 3 * 1024**3, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)))"
    )
    outside = subprocess.run(
        [sys.executable, "-c", takes], stdin=subprocess.DEVNULL, capture_output=True, check=True
    )
    assert int(outside.stdout) == 3 * 1024**3
    assert process.capture([sys.executable, "-c", takes]) == ""


def test_nothing_is_left_running_when_starting_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    def fail(pid: int) -> None:
        started.append(pid)
        raise KeyboardInterrupt

    monkeypatch.setattr(process, "limit_decoder", fail)
    with pytest.raises(KeyboardInterrupt), process.running(["cat", "/dev/zero"]):
        pass
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], 0)
