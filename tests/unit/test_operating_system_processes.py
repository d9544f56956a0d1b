"""Children, signals and figures of the system, with and without what POSIX has."""

from __future__ import annotations

import os
import signal
import time

import pytest

from qasr_cli.errors import UnavailableError
from qasr_cli.operating_system import processes


class Child:
    pid = 2**22 + 1  # above what Linux gives, so there is no such group
    n_terminated = 0

    def terminate(self) -> None:
        self.n_terminated += 1


def test_a_group_that_has_ended_is_no_error() -> None:
    child = Child()
    processes.kill_group(child)
    assert child.n_terminated == 0


def test_without_groups_a_child_is_ended_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "killpg")
    child = Child()
    processes.kill_group(child)
    assert child.n_terminated == 1


def test_without_limits_nothing_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "resource", None)
    processes.limit(os.getpid(), {"NOFILE": 0})
    assert os.open(os.devnull, os.O_RDONLY) > 0


def test_signals_that_this_system_has_not_are_left_out() -> None:
    assert processes.signals("SIGTERM", "SIGNONE", "SIGHUP") == (signal.SIGTERM, signal.SIGHUP)


def test_memory_is_unknown_where_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (processes.memory_bytes() or 0) > 10**8
    monkeypatch.delattr(os, "sysconf")
    assert processes.memory_bytes() is None


def test_what_needs_posix_names_wsl(monkeypatch: pytest.MonkeyPatch) -> None:
    processes.require_posix()
    monkeypatch.setattr(processes, "IS_POSIX", False)
    with pytest.raises(UnavailableError, match="WSL"):
        processes.require_posix()


def test_what_is_called_at_the_end_has_a_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[int] = []
    monkeypatch.setattr(processes, "_at_stop", [])
    processes.at_stop(lambda: called.append(1 // 0))
    processes.at_stop(lambda: called.append(1))
    processes.run_at_stop(10)
    assert called == [1]
    processes.at_stop(lambda: time.sleep(1))
    begun_s = time.monotonic()
    processes.run_at_stop(0.1)
    assert time.monotonic() - begun_s < 0.9
