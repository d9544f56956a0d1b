"""Which names a folder's file system takes, found out with a temporary file.

In go folders and names; out come reasons. FAT, NTFS and Windows shares refuse some characters and take
`Film.srt` and `film.srt` for one file, whichever system they are mounted on; no system call reports it.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from qasr_cli.errors import windows_chars
from qasr_cli.runs.files import atomic_write


def complaint(folder: Path, name: str) -> str:
    """Return why the file system refuses the characters of a name, in its words; "" if it takes them.

    A folder in which nothing can be created complains later, for its own reason.
    """
    chars = windows_chars(name)
    if not chars:
        return ""
    with contextlib.suppress(OSError):
        _try(folder, "")
        try:
            _try(folder, chars)
        except OSError as error:
            return error.strerror or type(error).__name__
    return ""


def is_ignoring_case(folder: Path) -> bool:
    """Whether the file system takes names in capitals and small letters for one; False if unknown."""
    with contextlib.suppress(OSError), atomic_write.temporary(folder) as (path, _):
        return os.path.lexists(path.with_name(path.name.upper()))
    return False


def _try(folder: Path, chars: str) -> None:
    with atomic_write.temporary(folder, chars):
        pass
