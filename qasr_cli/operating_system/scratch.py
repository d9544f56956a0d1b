"""The scratch folder of a run or a server; folders that killed processes left are removed.

Out comes a path. Its lease shows whether it is still in use, see `file_lease`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from qasr_cli.errors import InputOutputError
from qasr_cli.operating_system import file_lease, files

_PREFIX = "qasr-scratch-"
_OURS = ("*.s16le", "stdin*", "upload-*")  # all that is ever put there, and all that is taken from there


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """Yield an empty folder, which is removed at the end of the block.

    Raises:
        InputOutputError: It cannot be created.
    """
    with _placing():
        place = Path(tempfile.gettempdir())
    _sweep(place)
    path, descriptor = file_lease.make(_create)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(descriptor)


def _create() -> tuple[Path, int]:
    with _placing():
        path = Path(tempfile.mkdtemp(prefix=_PREFIX))
    return path, os.open(path, os.O_RDONLY | files.CLOSE_ON_EXEC)


@contextlib.contextmanager
def _placing() -> Iterator[None]:
    # Whatever the reason, ENOENT included, a later run may find room: never a fault of the output's folder.
    try:
        yield
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise InputOutputError(f"temporary files: {why}", "free some space, or set TMPDIR") from error


def _sweep(place: Path) -> None:
    for path in place.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if path.lstat().st_uid == files.user_id():
                _remove_unused(path)


def _remove_unused(path: Path) -> None:
    with file_lease.taking(path, files.FOLDER):
        for pattern in _OURS:
            for file in path.glob(pattern):
                file.unlink()
        path.rmdir()
