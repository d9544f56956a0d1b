"""What a child process of ours may do, and what is left of it: nothing."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest

from qasr_cli.media import microphones, probe, process


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


def test_a_child_gets_the_variables_that_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_SERVER", "unix:/run/pulse")
    monkeypatch.setenv("QASR_KEY", "secret")
    terms = process.Terms(environment=microphones.environment())
    with process.running([sys.executable, "-c", "import os; print(dict(os.environ))"], terms=terms) as child:
        said = child.read(1 << 16).decode()
    assert "unix:/run/pulse" in said
    assert "secret" not in said


def test_a_child_that_goes_on_is_read_as_it_writes_and_ended_when_it_stops() -> None:
    says = "import sys, time; sys.stdout.write('ab'); sys.stdout.flush(); time.sleep(60)"
    with process.running([sys.executable, "-c", says], terms=process.Terms(silence_s=1)) as child:
        assert child.read_available(1_000) == b"ab"
        assert child.read_available(1_000) == b""
        assert child.was_stuck


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
