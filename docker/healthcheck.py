"""The container's health check: asks `qasr serve` for /health; other commands are healthy while they run.

In comes nothing but the processes of the container; out comes exit code 0 (healthy) or 1, and one line that
`docker inspect` shows. It needs the standard library alone and starts within 0.1 s.
"""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

_TIMEOUT_S = 5.0
_DEFAULT_PORT = "8000"
_ANYWHERE = {"0.0.0.0", "::", "[::]"}  # noqa: S104 - addresses that a server listens on, asked through loopback


def command_lines() -> Iterator[list[str]]:
    """Yield the arguments of each process of the container."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                text = (folder / "cmdline").read_bytes().decode(errors="replace")
            except OSError:  # the process has ended
                continue
            yield text.rstrip("\0").split("\0")


def server_arguments(line: list[str]) -> list[str] | None:
    """Return what stands behind `serve` in a command line of qasr, and None for any other."""
    for place, word in enumerate(line[:3]):
        if word.rpartition("/")[2] == "qasr":
            rest = line[place + 1 :]
            return rest[rest.index("serve") + 1 :] if "serve" in rest else None
    return None


def value(arguments: list[str], flag: str, default: str) -> str:
    """Return the value of a flag, its QASR_ variable's without one, or the default; the last one counts."""
    found = os.environ.get("QASR_" + flag.removeprefix("--").upper()) or default
    for place, word in enumerate(arguments):
        if word == flag and place + 1 < len(arguments):
            found = arguments[place + 1]
        elif word.startswith(f"{flag}="):
            found = word.partition("=")[2]
    return found


def address(arguments: list[str]) -> str:
    """Return where a server with these arguments tells of its health."""
    host = value(arguments, "--host", "127.0.0.1")
    host = "127.0.0.1" if host in _ANYWHERE else host
    return f"http://{host}:{value(arguments, '--port', _DEFAULT_PORT)}/health"


def main() -> int:
    """Ask, print one line, return the exit code."""
    servers = [found for line in command_lines() if (found := server_arguments(line)) is not None]
    if not servers:
        print("no server in this container")
        return 0
    try:
        with urllib.request.urlopen(address(servers[0]), timeout=_TIMEOUT_S) as answer:  # noqa: S310 - http above
            print(f"healthy: {answer.status}")
            return 0
    except urllib.error.HTTPError as error:
        print(f"not ready: {error.code}")
    except OSError as error:
        print(f"no answer: {error}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
