"""A part of a file, read by offset: for headers that tell where sound is and how much of it.

In go a path and an extent; out come bytes. Reads what it is asked for and never more than that; a file that
becomes shorter meanwhile gives fewer bytes and no error.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from qasr_cli.operating_system.files import open_regular

_BLOCK_BYTES = 4 << 20
_MAX_FINDS = 100_000  # a day of mp3 has a hundred places that look like a tag


@dataclass(frozen=True, slots=True)
class Extent:
    """The bytes of one recording in a file.

    Attributes:
        start: Offset of its first byte.
        end: Offset behind its last byte.
        is_length_wrong: Its header gives a length of its samples that is too small; they last until its end.
    """

    start: int
    end: int
    is_length_wrong: bool = False


class Window:
    """The bytes of an extent; offsets count from its start."""

    def __init__(self, file: BinaryIO, extent: Extent) -> None:
        self._file = file
        self._start = extent.start
        self.size = extent.end - extent.start

    def read(self, at: int, n_bytes: int) -> bytes:
        """Return up to `n_bytes` from offset `at` on; fewer at the end of the window."""
        n_bytes = min(n_bytes, self.size - at)
        if n_bytes <= 0 or at < 0:
            return b""
        self._file.seek(self._start + at)
        return self._file.read(n_bytes)

    def find(self, pattern: bytes, at: int) -> Iterator[int]:
        """Yield the offsets from `at` on at which `pattern` is, in order; of very many the first ones."""
        n_left = _MAX_FINDS
        while at < self.size:
            block = self.read(at, _BLOCK_BYTES + len(pattern) - 1)
            if len(block) < len(pattern):
                return
            found = block.find(pattern)
            while found >= 0 and n_left:
                n_left -= 1
                yield at + found
                found = block.find(pattern, found + 1)
            at += _BLOCK_BYTES if n_left else self.size

    def behind(self, at: int) -> Window:
        """Return the window from offset `at` to the same end."""
        return Window(self._file, Extent(self._start + at, self._start + self.size))

    def until(self, at: int) -> Window:
        """Return the window from the same start to offset `at`."""
        return Window(self._file, Extent(self._start, self._start + at))


@contextlib.contextmanager
def opened(path: Path, extent: Extent | None = None) -> Iterator[Window]:
    """Open a file's window; without an extent that is the whole file.

    Raises:
        OSError: It is not a regular file, or cannot be read.
    """
    with os.fdopen(open_regular(path), "rb", buffering=4096) as file:
        yield Window(file, extent or Extent(0, os.fstat(file.fileno()).st_size))
