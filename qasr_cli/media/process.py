"""The one place in qasr that starts a process.

In goes a program with its arguments; out come its bytes. Never a shell, never the caller's environment or
stdin; a child is its own process group and is gone when its context ends, whatever ended it.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

_STDERR_BYTES = 64 * 1024  # of what a child says: the banner first, then the latest
_SILENCE_S = 60.0  # a decoder that gives nothing for so long is stuck
_CPU_S = 6 * 3600
_OPEN_FILES = 64
_NEVER_SAID = "\0"


@dataclass(slots=True)
class Child:
    """A running program whose stdout is read in blocks.

    Attributes:
        head: The first part of what it said on stderr.
        tail: The last part, if it said more.
        heard: Guards both; told of everything new.
        is_silent: It will say no more.
    """

    process: subprocess.Popen[bytes]
    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    was_stuck: bool = False
    heard: threading.Condition = field(default_factory=threading.Condition)
    is_silent: bool = False

    def read(self, n_bytes: int) -> bytes:
        """Return exactly `n_bytes` of its stdout, fewer at its end; kills it when it is stuck."""
        stdout = self.process.stdout
        assert stdout is not None  # noqa: S101 - started with a pipe, below
        watchdog = threading.Timer(_SILENCE_S, self._give_up)
        watchdog.daemon = True
        watchdog.start()
        try:
            return stdout.read(n_bytes)
        finally:
            watchdog.cancel()

    def finish(self) -> int:
        """Return its exit status once it has ended by itself and said its last; its stdout is at an end."""
        self.said_until(_NEVER_SAID)
        return self.process.wait()

    def stop(self) -> None:
        """Kill it with all it started, if it still runs."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    @property
    def said(self) -> str:
        """What it said on stderr so far."""
        with self.heard:
            return (self.head + self.tail).decode("utf-8", "backslashreplace")

    def said_until(self, marker: str) -> str:
        """Return what it said up to now, waiting until that holds `marker` or is all: pipes race."""
        with self.heard:
            self.heard.wait_for(lambda: self.is_silent or marker.encode() in self.head, _SILENCE_S)
        return self.said

    def _give_up(self) -> None:
        self.was_stuck = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


@contextlib.contextmanager
def running(command: Sequence[str]) -> Iterator[Child]:
    """Run a program for as long as the context lasts.

    Raises:
        OSError: It cannot be started.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
        start_new_session=True,
    )
    _limit(process.pid)
    child = Child(process)
    assert process.stderr is not None  # noqa: S101 - a pipe, above
    listener = threading.Thread(target=_listen, args=(process.stderr, child), daemon=True)
    listener.start()
    try:
        yield child
    finally:
        child.stop()
        listener.join(timeout=5)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def capture(command: Sequence[str]) -> str:
    """Return what a short-lived program writes to stdout."""
    with running(command) as child:
        return child.read(1 << 20).decode("utf-8", "backslashreplace")


def _limit(pid: int) -> None:
    """Bound what a decoder that a crafted file has got the better of can use; it writes to a pipe only."""
    if not hasattr(resource, "prlimit"):  # not Linux
        return
    limits = {
        resource.RLIMIT_CPU: _CPU_S,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
    }
    for kind, value in limits.items():
        with contextlib.suppress(OSError, ValueError):  # gone already, or a lower limit is in force
            resource.prlimit(pid, kind, (value, value))


def _listen(stream: IO[bytes], child: Child) -> None:
    with contextlib.suppress(ValueError):  # closed while reading: the context has ended
        while block := stream.read1(4096):  # type: ignore[attr-defined] # a pipe's reader is buffered
            with child.heard:
                room = _STDERR_BYTES - len(child.head)
                child.head += block[:room]
                child.tail += block[room:]
                del child.tail[:-_STDERR_BYTES]
                child.heard.notify_all()
    with child.heard:
        child.is_silent = True
        child.heard.notify_all()
