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
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

_STDERR_BYTES = 64 * 1024  # of a child's stderr: the first so many and the latest so many
_LINE_BYTES = 8 * 1024  # of one line; the rest of a longer one is dropped
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
        keep: Lines that do not match are dropped at once; a film's chapters can be a megabyte of them.
        until: The line that `Child.stderr_until_match` waits for.
    """

    keep: re.Pattern[bytes] = re.compile(b"")
    until: re.Pattern[bytes] | None = None


class Watchdog:
    """One thread that calls `on_timeout` when a read takes too long; it ends with `stop`.

    The reading thread opens and closes a read with `watching`; between two reads nothing is timed, because a
    slow reader is no fault of the child. Both threads share the deadline under one condition.

    Args:
        on_timeout: Called in the watchdog's thread, once at most.
    """

    def __init__(self, on_timeout: Callable[[], None]) -> None:
        self._on_timeout = on_timeout
        self._condition = threading.Condition()
        self._deadline_s: float | None = None  # of the read under way; None between two
        self._is_stopped = False
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, if it was started."""
        with self._condition:
            self._is_stopped = True
            self._condition.notify()
        if self._thread.ident is not None:
            self._thread.join()

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Time what happens in the context.

        The thread is not woken for it: it sleeps until a deadline that was set earlier, or for as long as a
        read may last, and so never past this one.
        """
        with self._condition:
            self._deadline_s = time.monotonic() + _SILENCE_S
        try:
            yield
        finally:
            with self._condition:
                self._deadline_s = None

    def _watch(self) -> None:
        with self._condition:
            while not self._is_stopped:
                now_s = time.monotonic()
                wakes_s = now_s + _SILENCE_S if self._deadline_s is None else self._deadline_s
                if wakes_s <= now_s:
                    break
                self._condition.wait(wakes_s - now_s)
            if not self._is_stopped:
                self._on_timeout()


@dataclass(slots=True)
class Child:
    """A running program whose stdout is read in blocks.

    One thread reads it at a time; its stderr is drained by a thread of its own, and a third, the watchdog,
    kills it. `stop` may come from any thread. `condition` guards what the threads share.

    Attributes:
        command: What was started.
        source: The program whose stdout is its stdin, if there is one. It ends with it, its failure counts
            as one of both, and its stderr comes before this one's.
        was_stuck: It was killed because nothing came for too long.
        head: The first part of its stderr.
        tail: The last part, if there was more.
        condition: Guards both, and what follows; notified when either becomes true.
        has_matched: The line that is waited for has come.
        is_drained: Its stderr is at its end.
    """

    command: Sequence[str]
    process: subprocess.Popen[bytes]
    source: Child | None = None
    was_stuck: bool = False
    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    condition: threading.Condition = field(default_factory=threading.Condition)
    has_matched: bool = False
    is_drained: bool = False
    watchdog: Watchdog = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Give it the watchdog that kills it."""
        self.watchdog = Watchdog(self._kill_stuck)

    def read(self, n_bytes: int) -> bytes:
        """Return exactly `n_bytes` of its stdout, fewer at its end; kills it when it is stuck."""
        stdout = self.process.stdout
        assert stdout is not None  # noqa: S101 - started with a pipe, below
        with self.watchdog.watching():
            return stdout.read(n_bytes)

    def finish(self) -> int:
        """Return its exit status, negative for a signal, once both of its streams are at their end."""
        with self.condition:
            self.condition.wait_for(lambda: self.is_drained, _SILENCE_S)
        try:
            status = self.process.wait(_SILENCE_S)
        except subprocess.TimeoutExpired:
            self._kill_stuck()
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
    def stderr_text(self) -> str:
        """Its stderr so far, of what the filter keeps."""
        before = self.source.stderr_text if self.source else ""
        with self.condition:
            return before + (self.head + self.tail).decode("utf-8", "backslashreplace")

    def stderr_until_match(self) -> str:
        """Return the same once the line that is waited for has come, or all: stderr and stdout race."""
        with self.condition:
            self.condition.wait_for(lambda: self.is_drained or self.has_matched, _SILENCE_S)
        return self.stderr_text

    def drain_stderr(self, stream: IO[bytes], stderr_filter: StderrFilter) -> None:
        """Read its stderr to the end, in a thread of its own, so that a full pipe never stops the child."""
        is_start = True  # what comes later in a line may be a title, and must not pass for the child's words
        with contextlib.suppress(ValueError):  # closed while reading: the context has ended
            while line := stream.readline(_LINE_BYTES):
                if is_start and stderr_filter.keep.search(line):
                    is_match = bool(stderr_filter.until and stderr_filter.until.search(line))
                    self._keep(line.rstrip(b"\n") + b"\n", is_match)
                is_start = line.endswith(b"\n")
        with self.condition:
            self.is_drained = True
            self.condition.notify_all()

    def _keep(self, line: bytes, is_match: bool) -> None:
        with self.condition:
            room = max(0, _STDERR_BYTES - len(self.head))
            self.head += line[:room]
            self.tail += line[room:]
            del self.tail[:-_STDERR_BYTES]
            if is_match:
                self.has_matched = True
                self.condition.notify_all()

    def _kill_stuck(self) -> None:
        self.was_stuck = True
        if self.source:
            self.source._kill_stuck()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


@contextlib.contextmanager
def running(
    command: Sequence[str], stderr_filter: StderrFilter | None = None, source: Sequence[str] | None = None
) -> Iterator[Child]:
    """Run a program for as long as the context lasts.

    Args:
        command: The program with its arguments.
        stderr_filter: None keeps all of its stderr, within bounds.
        source: Another program, whose stdout it reads.

    Raises:
        OSError: It cannot be started.
    """
    with contextlib.ExitStack() as stack:
        feeding = stack.enter_context(_running(source, stderr_filter, None)) if source else None
        yield stack.enter_context(_running(command, stderr_filter, feeding))


@contextlib.contextmanager
def _running(
    command: Sequence[str], stderr_filter: StderrFilter | None, source: Child | None
) -> Iterator[Child]:
    child = Child(command, _start(command, source), source)
    streams = (child.process.stdout, child.process.stderr)
    drain = threading.Thread(
        target=child.drain_stderr,
        args=(streams[1], stderr_filter or StderrFilter()),
        name="stderr",
        daemon=True,
    )
    try:
        _limit(child.process.pid)
        drain.start()
        child.watchdog.start()
        yield child
    finally:
        child.stop()
        child.watchdog.stop()
        if drain.ident is not None:
            drain.join(timeout=5)
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
