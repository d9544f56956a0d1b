"""File leases: a file or folder is in use as long as a process holds a lock on it. A killed run holds none.

In go functions that create one, and paths; out come descriptors. Without locks, on some network mounts,
nothing is ever removed.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from qasr_cli.operating_system import files

_MAX_TRIES = 100


def make(create: Callable[[], tuple[Path, int]]) -> tuple[Path, int]:
    """Return what `create` made, leased by its open descriptor.

    Another run may remove it, or its folder, before it is locked; then it is made once more.

    Raises:
        OSError: It cannot be made, even in several attempts.
    """
    for n_left in reversed(range(_MAX_TRIES)):
        try:
            path, descriptor = create()
        except FileNotFoundError:
            if n_left:
                continue
            raise  # there is no folder, and none can be made: the working folder is deleted, say
        with contextlib.suppress(OSError):
            files.lock_exclusive(descriptor, is_waiting=True)
        if os.path.lexists(path):
            return path, descriptor
        os.close(descriptor)
    raise FileNotFoundError(errno.ENOENT, "removed as soon as it is created")


@contextlib.contextmanager
def taking(path: Path, flags: int = 0) -> Iterator[int]:
    """Yield the descriptor of a file or folder without a lease, locked for as long as the block runs.

    Args:
        path: File or folder; a symbolic link is not followed.
        flags: Further flags of `os.open`.

    Raises:
        OSError: Another process holds it, or it does not exist.
    """
    descriptor = os.open(path, os.O_RDONLY | files.NO_LINK | files.CLOSE_ON_EXEC | flags)
    try:
        files.lock_exclusive(descriptor, is_waiting=False)
        yield descriptor
    finally:
        os.close(descriptor)
