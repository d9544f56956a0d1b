"""Names on the disk whose Unicode spelling differs from the one that is asked for.

In go paths; out come the paths under which the files exist. Lists a folder only if a name is not ASCII and
does not exist as it is spelt. See `name_keys` for the reason.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from qasr_cli.runs.files.name_keys import name_key

_MAX_CHARS = 4_096  # no system takes a longer path, and a line of a list may have a million parts


def spelt(path: Path) -> Path:
    """Return a path as its parts are spelt on the disk; parts that do not exist stay as they are."""
    if str(path).isascii() or len(str(path)) > _MAX_CHARS:
        return path
    found, names = path, []
    while not (str(found).isascii() or os.path.lexists(found)):
        names.append(found.name)
        found = found.parent
    for name in reversed(names):
        found = other_spelling(found / name) or found / name
    return found


def other_spelling(path: Path) -> Path | None:
    """Return the path of another spelling of a file's name in its folder.

    None if the name is ASCII or exists as it is spelt, or if no spelling exists.
    """
    if path.name.isascii() or os.path.lexists(path):
        return None
    key = name_key(path.name)
    with contextlib.suppress(OSError, ValueError), os.scandir(path.parent) as entries:
        return next((path.parent / entry.name for entry in entries if _is_key(entry.name, key)), None)
    return None


def exists(path: Path) -> bool:
    """Whether a file exists under any spelling of its path; a link counts, wherever it leads."""
    return os.path.lexists(path) or (not str(path).isascii() and os.path.lexists(spelt(path)))


def _is_key(name: str, key: str) -> bool:
    return not name.isascii() and name_key(name) == key
