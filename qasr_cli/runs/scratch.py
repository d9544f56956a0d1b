"""A folder for what a run has on disk while it works; what killed runs left there is taken away.

Out comes a path. A folder is in use as long as somebody holds a lock on it, which a killed run does not.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "qasr-scratch-"
_OURS = ("*.s16le", "stdin")  # all that is ever put there, and all that is taken from there


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """Yield an empty folder, which goes with the block."""
    _sweep(Path(tempfile.gettempdir()))
    path, descriptor = _make()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(descriptor)


def _make() -> tuple[Path, int]:
    """Return a new folder and the descriptor that holds it."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        with contextlib.suppress(FileNotFoundError):  # another run may find it before it is locked
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            with contextlib.suppress(OSError):  # without locks nobody takes anything away either
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if path.exists():
                return path, descriptor
            os.close(descriptor)


def _sweep(place: Path) -> None:
    for path in place.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if path.lstat().st_uid == os.geteuid():
                _remove_unused(path)


def _remove_unused(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for pattern in _OURS:
            for file in path.glob(pattern):
                file.unlink()
        path.rmdir()
    finally:
        os.close(descriptor)
