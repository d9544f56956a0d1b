"""One child process that decodes many short FLAC files, in place of a process of ffmpeg for each.

In go descriptors of open files; out come samples, or None where ffmpeg has to decode: the file is damaged,
the child crashed or got stuck, or there is none. It has ffmpeg's limits, gets no names of files, and ends
with its context or with this process. libsndfile decodes in it; nothing of it is loaded here.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from qasr_cli.media.process import limit_decoder
from qasr_cli.operating_system import processes

_PROGRAM = Path(__file__).with_name("flac_child.py")
_LIBRARIES = ("soundfile", "_soundfile", "_cffi_backend", "numpy", "typing_extensions")
_SILENCE_S = 60.0  # as long as ffmpeg may be silent
_MAX_FAILURES = 3
_WORTH_FILES = 10  # its start takes as long as nine processes of ffmpeg


class FlacServer:
    """The child, started when it is first needed, and again after a crash. Threads take turns."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._starting = threading.Lock()  # guards the next three
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._is_closed = False
        self._n_failures = 0
        self._owner = os.getpid()

    @property
    def is_own(self) -> bool:
        """Whether this process has started it, and not one that this was forked from."""
        return self._owner == os.getpid()

    def decode(self, descriptor: int, n_bytes: int) -> bytes | None:
        """Return the samples of an open file, interleaved 16-bit integers; None unless they are `n_bytes`."""
        with self._turn:
            if self._n_failures >= _MAX_FAILURES:
                return None
            try:
                return self._ask(self._connection(), descriptor, n_bytes)
            except (OSError, EOFError):
                self._n_failures += 1
                self._stop()
                return None

    def close(self) -> None:
        """End the child, from any thread; whoever waits for samples gets None."""
        with self._starting:
            self._is_closed = True
        self._stop()

    def _ask(self, connection: socket.socket, descriptor: int, n_bytes: int) -> bytes | None:
        socket.send_fds(connection, [b"d"], [descriptor])
        (length,) = struct.unpack("<q", _received(connection, 8))
        if length == -1:
            return None
        if length != n_bytes:  # not the file that it was a moment ago, or it is being taken over
            raise EOFError
        return _received(connection, n_bytes)

    def _connection(self) -> socket.socket:
        """Return the way to the child.

        Raises:
            OSError: It does not start.
            EOFError: This is closed.
        """
        with self._starting:
            if self._is_closed:
                raise EOFError
            if self._socket is None:
                self._start()
            assert self._socket is not None  # noqa: S101 - started in the line above
            return self._socket

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", str(_PROGRAM), *_library_folders()],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"},
                start_new_session=True,
            )
        processes.enter_group(self._process)
        limit_decoder(self._process.pid)
        ours.settimeout(_SILENCE_S)
        self._socket = ours

    def _stop(self) -> None:
        with self._starting:
            process, self._process = self._process, None
            connection, self._socket = self._socket, None
        if process is not None:
            processes.kill_group(process)
            process.wait()
            processes.leave_group(process)
        if connection is not None:
            connection.close()


_active: FlacServer | None = None


@contextlib.contextmanager
def serving(n_files: int) -> Iterator[None]:
    """Let FLAC be decoded by a child for as long as the context lasts, if there are enough files for it."""
    global _active  # noqa: PLW0603 - lanes of one process share it, as they share its memory
    if n_files < _WORTH_FILES or active() is not None or not _is_possible():
        yield
        return
    _active = server = FlacServer()
    try:
        yield
    finally:
        _active = None
        server.close()


def active() -> FlacServer | None:
    """Return the server of the run in progress; None if ffmpeg is to decode all."""
    return _active if _active is not None and _active.is_own else None


def _is_possible() -> bool:
    is_program = bool(sys.executable) and not getattr(sys, "frozen", False)  # else it is qasr itself
    return (
        is_program and hasattr(socket, "send_fds") and bool(_library_folders()) and os.path.isfile(_PROGRAM)
    )


def _library_folders() -> list[str]:
    """Return where the child finds its libraries, without importing them; empty if one is missing."""
    folders: list[str] = []
    for name in _LIBRARIES:
        spec = find_spec(name)
        if spec is None or spec.origin is None or not spec.has_location:  # built in: its origin is no path
            return []
        origin = Path(spec.origin)
        folders.append(str(origin.parent.parent if spec.submodule_search_locations else origin.parent))
    return list(dict.fromkeys(folders))


def _received(connection: socket.socket, n_bytes: int) -> bytes:
    """Return so many bytes.

    Raises:
        OSError: None came for too long.
        EOFError: The child has ended.
    """
    received = bytearray(n_bytes)
    view, at = memoryview(received), 0
    while at < n_bytes:
        n_more = connection.recv_into(view[at:])
        if not n_more:
            raise EOFError
        at += n_more
    return bytes(received)
