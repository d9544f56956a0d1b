"""Which names are names of one file.

In go paths and their status; out come keys that the names of one file share. A union mount may give different
files one inode number, so device and inode alone prove nothing: names are one file's if they lead to one path
through links, or if the file has several links and size and time agree.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Hashable, Sequence
from pathlib import Path

from qasr_cli.runs.files.name_keys import name_key

_Inode = tuple[int, int]


def file_keys(files: Sequence[tuple[Path, os.stat_result]]) -> list[Hashable]:
    """Return a key for each name; the names of one file have the same.

    Args:
        files: Path and status of each name. Where inode numbers are unique no file system call is made.
    """
    n_names = Counter(_inode(status) for _, status in files)
    first: dict[str, os.stat_result] = {}
    return [
        _shared_key(path, status, first) if n_names[_inode(status)] > 1 else _inode(status)
        for path, status in files
    ]


def is_same_file(path: Path, other: Path) -> bool:
    """Whether two paths name one file; False if one of them does not exist."""
    try:
        files = [(one, one.stat()) for one in (path, other)]
    except OSError:
        return False
    return len(set(file_keys(files))) == 1


def _inode(status: os.stat_result) -> _Inode:
    return status.st_dev, status.st_ino


def _shared_key(path: Path, status: os.stat_result, first: dict[str, os.stat_result]) -> Hashable:
    """Return the key of a name whose inode number occurs again.

    The status of a path's first occurrence counts, since the file may grow between two.
    """
    real = os.path.realpath(path)
    status = first.setdefault(real, status)
    # Without further links, only another spelling of the path is the same file: on a file system that ignores
    # case, or that decomposes accents.
    spelling = "" if status.st_nlink > 1 else name_key(real).casefold()
    return (*_inode(status), status.st_size, status.st_mtime, spelling)
