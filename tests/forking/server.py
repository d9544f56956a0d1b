"""The program that forks: `python -m tests.forking.server SOCKET MODULE ...` imports, and waits for requests.

A request is one message on a connection: what the process gets, as JSON, and its three streams as
descriptors. The answers are its number at once and its exit code at its end, as `subprocess` counts them. The
server ends with its own stdin, which whoever started it holds.

What is forked is a process of its own: streams, folder, environment, limits, signals as the interpreter sets
them, `sys.argv`, `python -m qasr_cli` from its first line, and the interpreter's own end. Nothing of qasr has
been run before, only imported. What remains of the server: its modules and the seed of its hashes.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import resource
import runpy
import select
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAX_REQUEST_BYTES = 180_000  # what one message may have, with Linux's default buffers


@dataclass(frozen=True, slots=True)
class Request:
    """What a process is to be: as in the message, and its streams."""

    arguments: list[str]
    folder: str
    env: dict[str, str]
    file_limit: int | None
    is_session_leader: bool


class Server:
    """Forks until its stdin ends. One thread; each child is watched by a descriptor of its own."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._poll = select.poll()
        self._poll.register(listener, select.POLLIN)
        self._poll.register(0, select.POLLIN | select.POLLHUP)
        self._running: dict[int, tuple[int, socket.socket]] = {}  # by pidfd: the child and who asked for it

    def serve(self) -> Request | None:
        """Answer requests; returns a request in the child that is to be it, and None at the server's end."""
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor == 0:
                    return None
                if descriptor in self._running:
                    self._report(descriptor)
                elif (request := self._accept()) is not None:
                    return request

    def _accept(self) -> Request | None:
        connection, _ = self._listener.accept()
        message, streams, _, _ = socket.recv_fds(connection, MAX_REQUEST_BYTES, 3)
        if not message:  # asked whether anybody listens
            connection.close()
            return None
        pid = os.fork()
        if pid == 0:
            connection.close()
            self._forget(streams)
            return Request(**json.loads(message))
        for stream in streams:
            os.close(stream)
        watched = os.pidfd_open(pid)
        self._running[watched] = (pid, connection)
        self._poll.register(watched, select.POLLIN)
        with contextlib.suppress(OSError):
            connection.send(str(pid).encode())
        return None

    def _report(self, watched: int) -> None:
        pid, connection = self._running.pop(watched)
        self._poll.unregister(watched)
        os.close(watched)
        _, status = os.waitpid(pid, 0)
        with contextlib.suppress(OSError):  # whoever asked may be gone
            connection.send(str(os.waitstatus_to_exitcode(status)).encode())
        connection.close()

    def _forget(self, streams: Sequence[int]) -> None:
        """In the child: keep nothing open but the three streams, in their places."""
        self._listener.close()
        for watched, (_, connection) in self._running.items():
            os.close(watched)
            connection.close()
        for place, stream in enumerate(streams):
            os.dup2(stream, place)
            os.close(stream)


def become(request: Request) -> None:
    """Make this process what `python -m qasr_cli ARGUMENTS` is at its start."""
    if request.is_session_leader:
        os.setsid()
    coerced = os.environ.get("LC_CTYPE")  # the interpreter sets it for everything that it starts
    os.environ.clear()
    os.environ.update(request.env)
    if coerced is not None:
        os.environ.setdefault("LC_CTYPE", coerced)
    os.chdir(request.folder)
    if request.file_limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request.file_limit, request.file_limit))
    for place, name in enumerate(("stdin", "stdout", "stderr")):
        stream = _open(place, getattr(sys, name))
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    sys.argv = ["qasr", *request.arguments]
    sys.path[0] = request.folder  # as for any program that is started with -m


def _open(place: int, before: Any) -> io.TextIOWrapper:
    is_read = place == 0
    raw = io.FileIO(place, "r" if is_read else "w", closefd=False)
    buffered: Any = io.BufferedReader(raw) if is_read else io.BufferedWriter(raw)
    is_line = place == 2 or raw.isatty()
    return io.TextIOWrapper(buffered, before.encoding, before.errors, line_buffering=is_line)


def main() -> None:
    """Import, listen, and become each process that is asked for."""
    path, *modules = sys.argv[1:]
    for name in modules:
        with contextlib.suppress(ModuleNotFoundError):  # what a library uses only where it is installed
            importlib.import_module(name)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(path)
    listener.listen(64)
    gc.collect()
    gc.freeze()  # or the first collection of each child would copy all that was imported
    request = Server(listener).serve()
    if request is None:
        Path(path).unlink(missing_ok=True)
        return
    become(request)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    runpy.run_module("qasr_cli", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
