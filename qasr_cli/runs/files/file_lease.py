"""Files and folders that are in use as long as somebody holds a lock on them, which a killed run does not.

In go ways to make one and paths; out come descriptors. Without locks, on some network mounts, nothing is ever
taken away.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

_MAX_TRIES = 100


def make(create: Callable[[], tuple[Path, int]]) -> tuple[Path, int]:
    """Return what `create` made, held by its open descriptor.

    Another run may find it, or its folder, and take it away before it is locked; then it is made once more.

    Raises:
        OSError: It cannot be made, however often it is tried.
    """
    for n_left in reversed(range(_MAX_TRIES)):
        try:
            path, descriptor = create()
        except FileNotFoundError:
            if n_left:
                continue
            raise  # there is no folder, and none can be made: the working folder is deleted, say
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.path.lexists(path):
            return path, descriptor
        os.close(descriptor)
    raise FileNotFoundError(errno.ENOENT, "taken away as soon as it is made")


@contextlib.contextmanager
def taking(path: Path, flags: int = 0) -> Iterator[int]:
    """Yield the descriptor of what nobody holds, locked for as long as the block runs.

    Args:
        path: Of a file, or of a folder; never followed where it is a link.
        flags: More of `os.open`'s.

    Raises:
        OSError: Somebody holds it, or it is gone.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield descriptor
    finally:
        os.close(descriptor)
