"""Files and folders that are in use as long as somebody holds a lock on them, which a killed run does not.

In go ways to make one and paths; out come descriptors. Without locks, on some network mounts, nothing is ever
taken away.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path


def make(create: Callable[[], tuple[Path, int]]) -> tuple[Path, int]:
    """Return what `create` made, held by its open descriptor.

    Another run may find it, and take it away, before it is locked; then it is made once more.
    """
    while True:
        with contextlib.suppress(FileNotFoundError):
            path, descriptor = create()
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.path.lexists(path):
                return path, descriptor
            os.close(descriptor)


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
