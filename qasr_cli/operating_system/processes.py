"""The door to the system's processes: groups of children, their limits, signals, the machine's memory.

In go process numbers and names of signals; out come facts about the system. What only POSIX systems have is
here and nowhere else; elsewhere a child is ended without its own children, and has no limits.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import platform
import signal
from collections.abc import Callable, Mapping
from typing import Protocol

from qasr_cli.errors import UnavailableError

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_at_stop: list[Callable[[], None]] = []
_running: set[int] = set()  # groups of children; adding and removing are atomic

IS_POSIX = hasattr(os, "killpg") and hasattr(resource, "RLIMIT_CPU")


def require_posix() -> None:
    """Refuse work where a decoder cannot be limited, nor ended with its children.

    Raises:
        UnavailableError: This is Windows.
    """
    if not IS_POSIX:
        raise UnavailableError(
            "transcription needs Linux or macOS, or WSL on Windows",
            "install WSL (wsl --install) and run qasr in it; render, check, config and models work without",
        )


class Process(Protocol):
    """What is needed of a `subprocess.Popen`."""

    @property
    def pid(self) -> int:
        """Its number; that of its group too, since each child leads its own."""

    def terminate(self) -> None:
        """End it."""


def enter_group(process: Process) -> None:
    """Remember a child that leads its own group, for `kill_groups`."""
    _running.add(process.pid)


def leave_group(process: Process) -> None:
    """Forget a child that has ended: its number may be another process's soon."""
    _running.discard(process.pid)


def kill_groups() -> None:
    """End all children that were entered at once, with their children: this process ends now."""
    for pid in list(_running):
        with contextlib.suppress(OSError, AttributeError):
            os.killpg(pid, signal.SIGKILL)


def at_stop(call: Callable[[], None]) -> None:
    """Call a function, in a thread of its own, when this process ends without its `finally` blocks."""
    _at_stop.append(call)


def run_at_stop(limit_s: float) -> None:
    """Call what `at_stop` was given, for so many seconds at most: the main thread may hold its locks."""
    if not _at_stop:
        return
    done = _thread.allocate_lock()
    done.acquire()

    def run() -> None:
        for call in _at_stop:
            with contextlib.suppress(Exception):
                call()
        done.release()

    _thread.start_new_thread(run, ())
    done.acquire(timeout=limit_s)


def kill_group(process: Process) -> None:
    """End a child that leads its own group at once, with all its children; nothing if it has ended."""
    with contextlib.suppress(ProcessLookupError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.terminate()  # which kills on Windows


def limit(pid: int, limits: Mapping[str, int]) -> None:
    """Limit the resources of another process, on Linux; a limit that cannot be set is left out.

    Args:
        pid: The process.
        limits: By the names of `resource`, without `RLIMIT_`.
    """
    if not hasattr(resource, "prlimit"):
        return
    for name, value in limits.items():
        with contextlib.suppress(OSError, ValueError):  # it has ended, or a lower limit is in force
            resource.prlimit(pid, getattr(resource, f"RLIMIT_{name}"), (value, value))


def raise_file_limit(most: int = 65_536) -> int:
    """Let this process open as many files and connections as it may, up to `most`; return how many."""
    if not hasattr(resource, "RLIMIT_NOFILE"):
        return 512  # what Windows' C library opens
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most if hard == resource.RLIM_INFINITY else min(hard, most)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return most if soft == resource.RLIM_INFINITY else int(soft)
    with contextlib.suppress(OSError, ValueError):  # macOS refuses more than OPEN_MAX
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return int(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def signals(*names: str) -> tuple[signal.Signals, ...]:
    """Return those of the named signals (`SIGHUP`) that this system has."""
    return tuple(getattr(signal, name) for name in names if hasattr(signal, name))


def is_ignored(number: int) -> bool:
    """Whether a signal is ignored: as under `nohup` and a shell's `&`."""
    return signal.getsignal(number) is signal.SIG_IGN


def peak_memory_bytes() -> int | None:
    """Return the most memory that this process has held; None where the system does not report it."""
    if not hasattr(resource, "getrusage"):
        return None
    peak: int = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024  # bytes there, KiB elsewhere


def cpu_seconds() -> float:
    """Return the CPU time of this process, and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def memory_bytes() -> int | None:
    """Return the machine's memory; None where the system does not report it."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def n_usable_cores() -> int:
    """Return how many cores this process may run on: those of its affinity, where the system has one."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def has_terminal() -> bool:
    """Whether this process has a terminal that controls it; none is left once its window is closed."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | getattr(os, "O_NOCTTY", 0)))
    except OSError:
        return False
    return True
