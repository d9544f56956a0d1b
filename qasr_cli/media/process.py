"""Child processes: the only module that starts a program other than the user's hooks.

In goes a program with its arguments; out come its bytes. Never a shell; never the caller's environment or
stdin, unless `Terms` names them; a child is its own process group and has ended when its context ends, in
every case.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from qasr_cli.operating_system import processes

_STDERR_BYTES = 64 * 1024  # of a child's stderr: its first and its last part
_LINE_BYTES = 8 * 1024  # of one line; the rest of a longer one is dropped
_SILENCE_S = 60.0  # a decoder without output for so long is stuck
_STOPPED_S = 5.0  # the watchdog wakes up so much too late only if the whole process was stopped
# CPU time, not wall time: a slow reader is not the child's fault.
_CPU_S = 6 * 3600
_OPEN_FILES = 64
# ffmpeg needs 80 MB for the audio of an hour of film, and a few hundred for the index of a day. Private
# memory and not address space: allocators reserve much more address space than they use.
_DATA_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class StderrFilter:
    """Selects lines of a child's stderr.

    Attributes:
        keep: Lines that do not match are dropped at once; a film's chapters can be a megabyte of them.
        until: Pattern of the line that `Child.stderr_until_match` waits for.
    """

    keep: re.Pattern[bytes] = re.compile(b"")
    until: re.Pattern[bytes] | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a child gets of its surroundings, and when it is stuck.

    Attributes:
        silence_s: It is killed when a read takes longer; None for what is usual.
        environment: Variables beside the search path and the locale.
        stdin: A descriptor for it to read; None for an empty stdin.
        is_limited: Its memory, CPU time and files are limited: it decodes foreign media.
    """

    silence_s: float | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: int | None = None
    is_limited: bool = True


_DECODER = Terms()


class Watchdog:
    """One thread that calls `on_timeout` when a read takes too long; it ends with `stop`.

    The reading thread wraps a read in `watching`; the time between two reads does not count, because a slow
    reader is not the child's fault. Both threads share the deadline under one condition.

    Args:
        on_timeout: Called in the watchdog's thread, once at most.
        silence_s: How long a read may take; None for what is usual.
    """

    def __init__(self, on_timeout: Callable[[], None], silence_s: float | None = None) -> None:
        self._on_timeout = on_timeout
        self._silence_s = _SILENCE_S if silence_s is None else silence_s
        self._condition = threading.Condition()
        self._deadline_s: float | None = None  # of the read in progress; None between two
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
        """Limit the duration of the block.

        The thread is not woken for it: it sleeps until a deadline that was set earlier, or for as long as a
        read may last, and so never past this one.
        """
        with self._condition:
            self._deadline_s = time.monotonic() + self._silence_s
        try:
            yield
        finally:
            with self._condition:
                self._deadline_s = None

    def _watch(self) -> None:
        with self._condition:
            while not self._is_stopped:
                now_s = time.monotonic()
                wakes_s = now_s + self._silence_s if self._deadline_s is None else self._deadline_s
                if wakes_s <= now_s:
                    break
                self._condition.wait(wakes_s - now_s)
                is_late = time.monotonic() > wakes_s + _STOPPED_S
                if is_late and self._deadline_s is not None:  # Ctrl-Z: nobody has read, whatever came
                    self._deadline_s = time.monotonic() + self._silence_s
            if not self._is_stopped:
                self._on_timeout()


@dataclass(slots=True)
class Child:
    """A running program whose stdout is read in blocks.

    One thread reads it at a time; its stderr is drained by a thread of its own, and a third, the watchdog,
    kills it. `stop` may come from any thread. `condition` guards what the threads share.

    Attributes:
        command: Its argument list.
        terms: When it is stuck.
        source: The child whose stdout is its stdin, if there is one. It ends together with this one, its
            failure counts for both, and its stderr comes first.
        was_stuck: It was killed because it wrote nothing for too long.
        head: The first part of its stderr.
        tail: The last part, if there was more.
        condition: Guards both parts and the next two attributes; notified when one of these becomes true.
        has_matched: The awaited line has arrived.
        is_drained: Its stderr is at its end.
    """

    command: Sequence[str]
    process: subprocess.Popen[bytes]
    terms: Terms = _DECODER
    source: Child | None = None
    was_stuck: bool = False
    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    condition: threading.Condition = field(default_factory=threading.Condition)
    has_matched: bool = False
    is_drained: bool = False
    watchdog: Watchdog = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Create its watchdog."""
        self.watchdog = Watchdog(self._kill_stuck, self.terms.silence_s)

    def read(self, n_bytes: int) -> bytes:
        """Return exactly `n_bytes` of its stdout, fewer at its end; kills it if it is stuck."""
        stdout = self.process.stdout
        assert stdout is not None  # noqa: S101 - started with a pipe, below
        with self.watchdog.watching():
            return stdout.read(n_bytes)

    def read_available(self, n_bytes: int) -> bytes:
        """Return 1 to `n_bytes` of its stdout as soon as there are any, none at its end."""
        stdout = self.process.stdout
        assert isinstance(stdout, io.BufferedReader)  # noqa: S101 - started with a pipe, below
        with self.watchdog.watching():
            return stdout.read1(n_bytes)

    def finish(self) -> int:
        """Return its exit status, negative for a signal, once both of its streams are at their end."""
        with self.condition:
            self.condition.wait_for(lambda: self.is_drained, _SILENCE_S)
        try:
            status = self.process.wait(_SILENCE_S)
        except subprocess.TimeoutExpired:
            self._kill_stuck()
            status = self.process.wait()
        if self.source is None or self.was_stuck or status < 0:  # a source without a reader is stopped
            return status
        status = self.source.finish() or status
        self.was_stuck = self.source.was_stuck
        return status

    def stop(self) -> None:
        """Kill it and its children, if it still runs."""
        processes.kill_group(self.process)
        self.process.wait()
        processes.leave_group(self.process)

    @property
    def stderr_text(self) -> str:
        """The filtered lines of its stderr so far."""
        before = self.source.stderr_text if self.source else ""
        with self.condition:
            return before + (self.head + self.tail).decode("utf-8", "backslashreplace")

    def stderr_until_match(self) -> str:
        """Wait for the awaited line or the end of stderr, and return the text: stderr and stdout race."""
        with self.condition:
            self.condition.wait_for(lambda: self.is_drained or self.has_matched, _SILENCE_S)
        return self.stderr_text

    def drain_stderr(self, stream: IO[bytes], stderr_filter: StderrFilter) -> None:
        """Read its stderr to the end, in a thread of its own, so that a full pipe never stops the child."""
        is_start = True  # the rest of a long line may be a title, and must not be taken for a message
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
        processes.kill_group(self.process)


@contextlib.contextmanager
def running(
    command: Sequence[str],
    stderr_filter: StderrFilter | None = None,
    source: Sequence[str] | None = None,
    terms: Terms = _DECODER,
) -> Iterator[Child]:
    """Run a program for as long as the context lasts.

    Args:
        command: The program with its arguments.
        stderr_filter: Selects lines of its stderr; None selects all, within a size limit.
        source: Another program, whose stdout it reads.
        terms: Its surroundings, and when it is stuck; the source has the usual ones.

    Raises:
        OSError: It cannot be started.
    """
    with contextlib.ExitStack() as stack:
        feeding = stack.enter_context(_running(source, stderr_filter, None, _DECODER)) if source else None
        yield stack.enter_context(_running(command, stderr_filter, feeding, terms))


@contextlib.contextmanager
def _running(
    command: Sequence[str], stderr_filter: StderrFilter | None, source: Child | None, terms: Terms
) -> Iterator[Child]:
    child = Child(command, _start(command, source, terms), terms, source)
    streams = (child.process.stdout, child.process.stderr)
    drain = threading.Thread(
        target=child.drain_stderr,
        args=(streams[1], stderr_filter or StderrFilter()),
        name="stderr",
        daemon=True,
    )
    processes.enter_group(child.process)
    try:
        if terms.is_limited:
            limit_decoder(child.process.pid)
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
    """Run a short program and return its stdout."""
    with running(command) as child:
        return child.read(1 << 20).decode("utf-8", "backslashreplace")


def _start(command: Sequence[str], source: Child | None, terms: Terms) -> subprocess.Popen[bytes]:
    if source is None:
        return _popen(command, subprocess.DEVNULL if terms.stdin is None else terms.stdin, terms)
    stream = source.process.stdout
    assert stream is not None  # noqa: S101 - started with a pipe, below
    with stream:  # an open copy would hide from the source that its reader is gone
        return _popen(command, stream, terms)


def _popen(command: Sequence[str], stdin: int | IO[bytes], terms: Terms) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**terms.environment, "PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
        start_new_session=True,
    )


def limit_decoder(pid: int) -> None:
    """Limit the resources of a decoder, which a crafted file may exploit; it can write to a pipe only.

    The limits are set from outside: code between fork and exec is not safe in a program with threads.
    """
    limits = {"CPU": _CPU_S, "DATA": _DATA_BYTES, "FSIZE": 0, "CORE": 0, "NOFILE": _OPEN_FILES}
    processes.limit(pid, limits)
