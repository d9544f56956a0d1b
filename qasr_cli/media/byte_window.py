"""A part of a file, read by offset: for headers with the place and the amount of sound.

In go a path and an extent; out come bytes. Reads never more than is asked for; a file that
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
# A film of a day in fragments of a tenth of a second has a million headers. A crafted file could have so
# many, or so much to search behind each, that it took days.
_MAX_READS = 3_000_000
_PAGE_BYTES = 4096
_MAX_PASSES = 16  # over the whole file
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


class _File:
    """An open file, and how much may still be read of it: a limit for all windows together."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = os.fstat(file.fileno()).st_size
        self._n_left = _MAX_READS + _MAX_PASSES * self.size // _PAGE_BYTES

    def read(self, at: int, n_bytes: int) -> bytes:
        self._n_left -= 1 + n_bytes // _PAGE_BYTES
        if self._n_left < 0:
            return b""
        self._file.seek(at)
        return self._file.read(n_bytes)


class Window:
    """The bytes of an extent; offsets count from its start.

    After some millions of reads of its file it gives no more bytes, as if the file ended.
    """

    def __init__(self, file: _File, extent: Extent) -> None:
        self._file = file
        self._start = extent.start
        self.size = extent.end - extent.start

    def read(self, at: int, n_bytes: int) -> bytes:
        """Return up to `n_bytes` from offset `at` on; fewer at the end of the window."""
        n_bytes = min(n_bytes, self.size - at)
        if n_bytes <= 0 or at < 0:
            return b""
        return self._file.read(self._start + at, n_bytes)

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
        limited = _File(file)
        yield Window(limited, extent or Extent(0, limited.size))
