"""Whether a media file is still the one that was transcribed.

In go paths; out come sizes, times and digests. Of a large file only three short stretches are read.
"""

from __future__ import annotations

import functools
import hashlib
import io
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from qasr_cli.operating_system.files import open_regular

_WHOLE_BYTES = 16 * 1024**2  # up to here all is read: an output may be edited anywhere
_STRETCH_BYTES = 64 * 1024  # of a film, from its begin, middle and end: another cut or encoding changes these


@dataclass(frozen=True, slots=True)
class Identity:
    """A file's state. The digest is of its content, or its begin, middle and end: 16 hex digits."""

    size_bytes: int
    mtime_ns: int
    digest: str

    def is_of(self, path: Path) -> bool:
        """Whether the file is unchanged: by its time or, since copying changes that, by its content."""
        try:
            status = path.stat()
            if status.st_size != self.size_bytes or not stat.S_ISREG(status.st_mode):
                return False
            return status.st_mtime_ns == self.mtime_ns or _digest(path, status.st_size) == self.digest
        except OSError:
            return False


def identify(path: Path) -> Identity | None:
    """Return a file's identity; None if it is not a regular file or cannot be read."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return None
        return Identity(status.st_size, status.st_mtime_ns, _digest(path, status.st_size))
    except OSError:
        return None


def identify_once(path: Path) -> Identity | None:
    """Return the same; a file of which size and time are as before is not read again."""
    try:
        status = path.stat()
        return _known(path, status.st_ino, status.st_size, status.st_mtime_ns)
    except OSError:
        return None


@functools.lru_cache(maxsize=200_000)
def _known(path: Path, inode: int, size_bytes: int, mtime_ns: int) -> Identity | None:
    del inode, size_bytes, mtime_ns  # they tell a file from an earlier one of its name
    return identify(path)


def foreseen(content: bytes) -> Identity:
    """Return the identity of a file that is to be written; its time is not known yet."""
    return Identity(len(content), 0, _digest_of(io.BytesIO(content), len(content)))


def _digest(path: Path, size_bytes: int) -> str:
    with os.fdopen(open_regular(path), "rb") as file:  # it may have become a FIFO since it was looked at
        return _digest_of(file, size_bytes)


def _digest_of(file: BinaryIO, size_bytes: int) -> str:
    digest = hashlib.sha256()
    if size_bytes <= _WHOLE_BYTES:
        digest.update(file.read(_WHOLE_BYTES))
    else:
        for place in (0, (size_bytes - _STRETCH_BYTES) // 2, size_bytes - _STRETCH_BYTES):
            file.seek(place)
            digest.update(file.read(_STRETCH_BYTES))
    return digest.hexdigest()[:16]
