"""qasr's own cache: measurements and packed weights, which can be made again at any time.

In go names and bytes; out come bytes, or None. The folder is `QASR_CACHE`, else `$XDG_CACHE_HOME/qasr`, else
`~/.cache/qasr`. What is in it is read as a foreign file: one of another user, or that others may write to,
does not count. Nothing here fails: a cache that cannot be read or written costs time and no more.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from qasr_cli import bounded_json
from qasr_cli.operating_system import files, user_folders

logger = logging.getLogger(__name__)

_MAX_JSON_BYTES = 1_000_000
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_TEMPORARY = ".part"


def folder() -> Path | None:
    """Return the cache's folder, which need not exist; None if no variable leads to one.

    A relative path would lead into the working folder, so it does not count (XDG base directories 0.8).
    """
    own = Path(os.environ.get("QASR_CACHE", ""))
    if own.is_absolute():
        return own
    base = user_folders.xdg("XDG_CACHE_HOME", ".cache")
    return None if base is None else base / "qasr"


@contextlib.contextmanager
def opened(name: str) -> Iterator[BinaryIO | None]:
    """Yield a file of the cache, open for reading; None if there is none that counts."""
    with contextlib.ExitStack() as stack:
        yield _open(name, stack)


def _open(name: str, stack: contextlib.ExitStack) -> BinaryIO | None:
    place = folder()
    if place is None:
        return None
    try:
        file = stack.enter_context(os.fdopen(files.open_regular(place / name), "rb"))
        if _is_own(os.fstat(file.fileno())):
            return file
        logger.warning("%s is another user's, or others may write to it; it is not used", place / name)
    except FileNotFoundError:
        pass
    except OSError as error:
        logger.debug("%s cannot be read: %s", place / name, error)
    return None


def _is_own(status: os.stat_result) -> bool:
    """Whether nobody but this user and root can have written a file."""
    user = files.user_id()
    return user is None or (status.st_uid in {user, 0} and not status.st_mode & _WRITABLE_BY_OTHERS)


def read_json(name: str) -> Any:
    """Return the JSON in a file of the cache; None if it is missing, foreign or damaged."""
    with opened(name) as file:
        if file is None:
            return None
        try:
            content = file.read(_MAX_JSON_BYTES + 1)
            return bounded_json.loads(content) if len(content) <= _MAX_JSON_BYTES else None
        except (OSError, ValueError) as error:
            logger.debug("%s in the cache is damaged: %s", name, error)
            return None


def write_json(name: str, value: Any) -> bool:
    """Write a value into a file of the cache; see `write`."""
    content = json.dumps(value).encode() + b"\n"
    return write(name, lambda file: file.write(content))


def write(name: str, fill: Callable[[BinaryIO], object]) -> bool:
    """Write a file of the cache, whole or not at all, and return whether it is there.

    Two processes that write the same file have a temporary one each; the later one stays.

    Args:
        name: The file.
        fill: Writes its content. An `OSError` of it counts as a file that cannot be written.
    """
    place = folder()
    if place is None:
        logger.debug("no cache: neither QASR_CACHE, XDG_CACHE_HOME nor HOME is an absolute path")
        return False
    temporary = place / f".{name}.{os.urandom(6).hex()}{_TEMPORARY}"
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_left(place)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | files.CLOSE_ON_EXEC | files.BINARY
        try:
            with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
                _hold(file.fileno())
                fill(file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(place / name)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        logger.debug("%s cannot be written: %s", place / name, error)
        return False
    return True


def _remove_left(place: Path) -> None:
    """Remove the temporary files that nobody holds: those of killed processes."""
    for path in place.glob(f".*{_TEMPORARY}"):
        with contextlib.suppress(OSError), os.fdopen(files.open_regular(path), "rb") as file:
            files.lock_exclusive(file.fileno(), is_waiting=False)
            path.unlink()


def _hold(descriptor: int) -> None:
    """Lock a temporary file against `_remove_left`, where there are locks."""
    with contextlib.suppress(OSError):
        files.lock_exclusive(descriptor, is_waiting=False)


def remove_others(pattern: str, keep: str) -> None:
    """Remove the files of a pattern but one: those of older versions. Who has one open keeps it."""
    place = folder()
    if place is None:
        return
    with contextlib.suppress(OSError):
        for path in place.glob(pattern):
            if path.name != keep and os.path.isfile(path):
                path.unlink(missing_ok=True)
