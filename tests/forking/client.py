"""Asks a server for a process. Run as a program, it is a `qasr` for shells: `client.py SERVERS ARGUMENT ...`.

Imports little, because a shell's `qasr` has to start faster than the real one.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping

IS_AVAILABLE = hasattr(os, "pidfd_open")  # Linux
# What has been imported: all but the engines; torch, too; the engines with transformers and the hub, too.
LIGHT, TORCH, HEAVY = "light", "torch", "heavy"
_WITH_ENGINES = {"transcribe", "watch", "align", "models", "doctor"}
_WITHOUT = {"--help", "-h", "--dry-run"}
# What qasr and its libraries read when they need it, and not once while they are imported.
_READ_LATE = {
    "PATH", "TMPDIR", "COLUMNS", "TERM", "NO_COLOR", "COMP_WORDS", "COMP_CWORD", "http_proxy", "ALL_PROXY"
}  # fmt: skip
_OURS = "QASR_"  # and not _QASR_COMPLETE: how a shell waits for it is a matter of the start
_READ_BY_ENGINES = ("HF_", "HOME", "XDG_")  # while the hub's library is imported, and late by everything else


def choose(arguments: list[str], env: dict[str, str], base: dict[str, str]) -> str | None:
    """Return which server may fork for it; None where only a process of its own gets what it is given.

    Args:
        arguments: qasr's.
        env: All that the process gets.
        base: What the servers were started with.
    """
    differing = {name for name, value in env.items() if base.get(name) != value} | (base.keys() - env.keys())
    early = {name for name in differing if not name.startswith(_OURS)} - _READ_LATE
    if not IS_AVAILABLE or not all(name.startswith(_READ_BY_ENGINES) for name in early):
        return None
    engines = [value for flag, value in itertools.pairwise(arguments) if flag == "--engine"]
    engines.append(env.get("QASR_ENGINE", ""))
    has_no_torch = ":" in "".join(engines)  # those of tests are named as MODULE:FACTORY
    if has_no_torch or not _WITH_ENGINES & set(arguments[:3]) or _WITHOUT & set(arguments):
        return LIGHT
    return TORCH if early else HEAVY


def ask(path: str, request: Mapping[str, object], streams: tuple[int, int, int]) -> tuple[int, socket.socket]:
    """Return the number of a new process, and the connection on which its exit code will come."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(path)
    socket.send_fds(connection, [json.dumps(request).encode()], streams)
    answer = connection.recv(64)
    if not answer:
        raise EOFError("the server has ended")
    return int(answer), connection


def main() -> None:
    """Be `qasr`: the same streams, folder and environment, its exit code, and signals passed on."""
    sockets, base = json.loads(os.environ.pop("TESTS_FORKING"))
    arguments, env = sys.argv[1:], dict(os.environ)
    if env.get("LC_CTYPE") == "C.UTF-8":
        del env["LC_CTYPE"]  # what an interpreter sets where there is no locale, as the next one does
    kind = choose(arguments, env, base)
    if kind is None:
        os.execve(sys.executable, [sys.executable, "-m", "qasr_cli", *arguments], env)
    request = {
        "arguments": arguments, "folder": os.getcwd(), "env": env,  # noqa: PTH109 - no pathlib: it takes time
        "file_limit": None, "is_session_leader": False,
    }  # fmt: skip
    pid, connection = ask(sockets[kind], request, (0, 1, 2))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: os.kill(pid, number))
    for stream in (0, 1, 2):
        os.close(stream)  # or a reader would wait for ours
    code = int(connection.recv(64))
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()
