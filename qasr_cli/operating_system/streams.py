"""Inputs that can be read once: stdin, descriptors, pipes, under the names that users and shells give them.

In go paths; out come descriptors and bytes. A shell writes `/dev/fd/63` for `<(command)`, and `/dev/stdin`
is stdin, even where it is a file: the process reads what it has open, and opens nothing by such a name.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

from qasr_cli.errors import UsageError

STDIN = Path("-")
_NAMED = re.compile(r"/dev/fd/(\d+)|/proc/(?:self|thread-self|(?P<process>\d+))/fd/(\d+)")


def descriptor_of(path: Path) -> int | None:
    """Return the descriptor of this process that a path stands for; None for any other path."""
    if path in {STDIN, Path("/dev/stdin")}:
        return 0
    named = _NAMED.fullmatch(str(path))
    if named is None or (named["process"] and int(named["process"]) != os.getpid()):
        return None
    number = int(named[1] or named[3])
    return number if number < 2**31 else None


def is_stream(path: Path) -> bool:
    """Whether a path stands for stdin or another open descriptor, by its name alone."""
    return descriptor_of(path) is not None


def refuse_twice(paths: Iterable[Path]) -> None:
    """Refuse a descriptor that is named twice: the second time there would be nothing left to read.

    Raises:
        UsageError: Two paths stand for one descriptor.
    """
    named: set[int] = set()
    for path in paths:
        descriptor = descriptor_of(path)
        if descriptor in named:
            raise UsageError(f"{shown(path)} cannot be read twice", "name it once")
        if descriptor is not None:
            named.add(descriptor)


def is_pipe(path: Path) -> bool:
    """Whether a path is a named pipe, which can be read once, too."""
    try:
        return stat.S_ISFIFO(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def shown(path: Path) -> str:
    """Return the name of an input for people."""
    return "stdin" if descriptor_of(path) == 0 else str(path)


def stem(number: int) -> str:
    """Return the name that results of the n-th stream have, counted from 0: `stdin`, `stdin-2` and so on."""
    return "stdin" if number == 0 else f"stdin-{number + 1}"


def opened(path: Path) -> int:
    """Return a new descriptor of a stream, or of any other file, for reading.

    Raises:
        OSError: The descriptor is not open, or the file cannot be opened.
    """
    descriptor = descriptor_of(path)
    return (
        os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0)) if descriptor is None else os.dup(descriptor)
    )


def read(path: Path, max_bytes: int = -1) -> bytes:
    """Return the bytes of a stream or any other file, at most `max_bytes` of them; -1 reads all.

    Raises:
        OSError: As `opened`; or a read fails.
    """
    with os.fdopen(opened(path), "rb") as file:
        return file.read(max_bytes)
