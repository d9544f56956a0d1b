"""The one place in qasr that starts a process that the user did not name.

In goes a program with its arguments; out come its bytes. Never a shell, never the caller's environment or
stdin; a child is its own process group and is gone when its context ends, whatever ended it.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

_STDERR_BYTES = 64 * 1024  # of what a child says: the first so many and the latest so many
_LINE_BYTES = 8 * 1024  # of one line; the rest of a longer one is forgotten
_SILENCE_S = 60.0  # a decoder that gives nothing for so long is stuck
# Of the processor's time, not of the clock on the wall: a reader may be slow without any fault of the child.
_CPU_S = 6 * 3600
_OPEN_FILES = 64
# ffmpeg decoding the sound of an hour of film holds 80 MB; an index of a day of film a few hundred. Private
# memory and not address space: allocators reserve much more of that than they use.
_DATA_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class StderrFilter:
    """Which lines of a child's stderr matter.

    Attributes:
        keep: Lines that do not match are forgotten at once; a film's chapters can be a megabyte of them.
        until: The line that `Child.said_so_far` waits for.
    """

    keep: re.Pattern[bytes] = re.compile(b"")
    until: re.Pattern[bytes] | None = None


@dataclass(slots=True)
class Child:
    """A running program whose stdout is read in blocks.

    Attributes:
        command: What was started.
        source: The program whose stdout is its stdin, if there is one. It ends with it, its failure counts
            as one of both, and what it said is said first.
        was_stuck: It was killed because nothing came for too long.
        head: The first part of what it said on stderr.
        tail: The last part, if it said more.
        heard: Guards both, and what follows; told when either becomes true.
        has_said_enough: The line that is waited for has come.
        is_silent: It will say no more.
    """

    command: Sequence[str]
    process: subprocess.Popen[bytes]
    source: Child | None = None
    was_stuck: bool = False
    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    heard: threading.Condition = field(default_factory=threading.Condition)
    has_said_enough: bool = False
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
        """Return its exit status, negative for a signal; its stdout is at an end and it has said all."""
        with self.heard:
            self.heard.wait_for(lambda: self.is_silent, _SILENCE_S)
        try:
            status = self.process.wait(_SILENCE_S)
        except subprocess.TimeoutExpired:
            self._give_up()
            status = self.process.wait()
        if self.source is None or self.was_stuck or status < 0:  # whoever reads no more stops its source
            return status
        status = self.source.finish() or status
        self.was_stuck = self.source.was_stuck
        return status

    def stop(self) -> None:
        """Kill it with all it started, if it still runs."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    @property
    def said(self) -> str:
        """What it said on stderr so far, of what is kept."""
        before = self.source.said if self.source else ""
        with self.heard:
            return before + (self.head + self.tail).decode("utf-8", "backslashreplace")

    @property
    def said_so_far(self) -> str:
        """The same once the line that is waited for has come, or all: stderr and stdout race."""
        with self.heard:
            self.heard.wait_for(lambda: self.is_silent or self.has_said_enough, _SILENCE_S)
        return self.said

    def listen(self, stream: IO[bytes], ears: StderrFilter) -> None:
        """Hear it out; runs in a thread of its own, so that a full pipe never stops the child."""
        is_start = True  # what comes later in a line may be a title, and must not pass for the child's words
        with contextlib.suppress(ValueError):  # closed while reading: the context has ended
            while line := stream.readline(_LINE_BYTES):
                if is_start and ears.keep.search(line):
                    is_enough = ears.until is not None and ears.until.search(line) is not None
                    self._hear(line.rstrip(b"\n") + b"\n", is_enough)
                is_start = line.endswith(b"\n")
        with self.heard:
            self.is_silent = True
            self.heard.notify_all()

    def _hear(self, line: bytes, is_enough: bool) -> None:
        with self.heard:
            room = max(0, _STDERR_BYTES - len(self.head))
            self.head += line[:room]
            self.tail += line[room:]
            del self.tail[:-_STDERR_BYTES]
            if is_enough:
                self.has_said_enough = True
                self.heard.notify_all()

    def _give_up(self) -> None:
        self.was_stuck = True
        if self.source:
            self.source._give_up()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


@contextlib.contextmanager
def running(
    command: Sequence[str], ears: StderrFilter | None = None, source: Sequence[str] | None = None
) -> Iterator[Child]:
    """Run a program for as long as the context lasts.

    Args:
        command: The program with its arguments.
        ears: None keeps all that it says, within bounds.
        source: Another program, whose stdout it reads.

    Raises:
        OSError: It cannot be started.
    """
    with contextlib.ExitStack() as stack:
        feeding = stack.enter_context(_running(source, ears, None)) if source else None
        yield stack.enter_context(_running(command, ears, feeding))


@contextlib.contextmanager
def _running(command: Sequence[str], ears: StderrFilter | None, source: Child | None) -> Iterator[Child]:
    child = Child(command, _start(command, source), source)
    streams = (child.process.stdout, child.process.stderr)
    listener = threading.Thread(target=child.listen, args=(streams[1], ears or StderrFilter()), daemon=True)
    try:
        _limit(child.process.pid)
        listener.start()
        yield child
    finally:
        child.stop()
        if listener.ident is not None:
            listener.join(timeout=5)
        for stream in streams:
            if stream is not None:
                stream.close()


def capture(command: Sequence[str]) -> str:
    """Return what a short-lived program writes to stdout."""
    with running(command) as child:
        return child.read(1 << 20).decode("utf-8", "backslashreplace")


def _start(command: Sequence[str], source: Child | None) -> subprocess.Popen[bytes]:
    if source is None:
        return _popen(command, subprocess.DEVNULL)
    stream = source.process.stdout
    assert stream is not None  # noqa: S101 - started with a pipe, below
    with stream:  # nobody else may hold it, or the source would not notice that its reader is gone
        return _popen(command, stream)


def _popen(command: Sequence[str], stdin: int | IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
        start_new_session=True,
    )


def _limit(pid: int) -> None:
    """Bound what a decoder that a crafted file has got the better of can use; it writes to a pipe only.

    Set from outside: code between fork and exec is not safe in a program with threads.
    """
    if not hasattr(resource, "prlimit"):  # not Linux
        return
    limits = {
        resource.RLIMIT_CPU: _CPU_S,
        resource.RLIMIT_DATA: _DATA_BYTES,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
    }
    for kind, value in limits.items():
        with contextlib.suppress(OSError, ValueError):  # gone already, or a lower limit is in force
            resource.prlimit(pid, kind, (value, value))
