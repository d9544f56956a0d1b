"""Trust in a qasr.toml of a folder: which settings files the user has looked at and allowed.

In go the place and the bytes of a settings file; out comes whether they were trusted. Trust holds for one
place and one content, as with direnv: a changed or moved file has to be trusted again. Each trust is a small
file in the user's state folder ($XDG_STATE_HOME/qasr/trusted, usually ~/.local/state/qasr/trusted). These
files are read as foreign ones; one of another user, or that others may write to, does not count.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from qasr_cli.errors import CannotCreateError, from_os_error
from qasr_cli.operating_system import files, refusals, user_folders

_FOLDER, _SUFFIX = ("qasr", "trusted"), ".json"
_MAX_RECORD_BYTES = 64_000  # a path has at most 4,096 bytes, of which JSON may make six each
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class Trust(Enum):
    """Whether a settings file is trusted; the value says why not."""

    YES = ""
    CHANGED = "changed since the folder was trusted"
    NO = "this folder is not trusted"


@dataclass(frozen=True, slots=True)
class TrustedFile:
    """A settings file that was trusted, and the SHA-256 of its content at that time, in hex digits."""

    file: Path
    digest: str


def place_of(file: Path) -> Path:
    """Return the place of a settings file, for which trust holds: its folder without links, and its name.

    If the file is a link, where it leads may change, and then the content does.
    """
    return files.real_path(file.parent) / file.name


def state_of(file: Path, content: bytes) -> Trust:
    """Return whether a settings file with this content is trusted."""
    place = place_of(file)
    folder = _store()
    record = _read(folder / _name(place)) if folder else None
    if record is None or record.file != place:
        return Trust.NO
    return Trust.YES if record.digest == _digest(content) else Trust.CHANGED


def trust(file: Path, content: bytes) -> None:
    """Trust a settings file with this content.

    Raises:
        QasrError: There is no state folder, it cannot be written, or others may write to what is in it.
    """
    folder, place = _store(), place_of(file)
    if folder is None:
        raise CannotCreateError(
            "trust cannot be recorded: neither HOME nor XDG_STATE_HOME is set",
            "set one of them to a folder of your own, or name the file with --config",
        )
    path = folder / _name(place)
    record = {"file": str(place), "sha256": _digest(content)}
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, json.dumps(record).encode() + b"\n")
    except OSError as error:
        raise from_os_error(error, f"writing {path}", path=path) from error
    if state_of(file, content) is not Trust.YES:  # a file system without owners or modes
        raise CannotCreateError.about(
            path, "others may write to it, so it does not count", "set XDG_STATE_HOME to a folder of your own"
        )


def forget(file: Path) -> bool:
    """Withdraw the trust in a settings file, which need not exist; return whether it was trusted.

    Raises:
        QasrError: The state folder cannot be written.
    """
    folder = _store()
    if folder is None:
        return False
    path = folder / _name(place_of(file))
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise from_os_error(error, f"removing {path}", path=path) from error
    return True


def every() -> Iterator[TrustedFile]:
    """Yield every trusted settings file, by path."""
    folder = _store()
    if folder is None:
        return
    try:
        paths = [path for path in folder.iterdir() if path.suffix == _SUFFIX]
    except OSError:  # nothing was ever trusted
        return
    found = (_read(path) for path in paths)
    yield from sorted((record for record in found if record), key=lambda record: record.file)


def _store() -> Path | None:
    base = user_folders.xdg("XDG_STATE_HOME", ".local", "state")
    return base.joinpath(*_FOLDER) if base else None


def _name(place: Path) -> str:
    return hashlib.sha256(os.fsencode(place)).hexdigest()[:32] + _SUFFIX


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read(path: Path) -> TrustedFile | None:
    """Return the record in a file of the store; None if it is not one that qasr wrote for this user."""
    try:
        descriptor = files.open_regular(path, is_following_links=False)
        with os.fdopen(descriptor, "rb") as opened:
            if not _is_own(os.fstat(descriptor)):
                return None
            record = json.loads(opened.read(_MAX_RECORD_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(record, dict):
        return None
    file, digest = record.get("file"), record.get("sha256")
    if not isinstance(file, str) or not isinstance(digest, str) or not _is_path(file):
        return None
    return TrustedFile(Path(file), digest)


def _is_path(text: str) -> bool:
    """Whether the system takes a text for a path: JSON can have half a character, or a zero byte."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def _is_own(status: os.stat_result) -> bool:
    user = files.user_id()
    if user is None:  # Windows: a profile's folders are its user's
        return True
    return status.st_uid in {user, 0} and not status.st_mode & _WRITABLE_BY_OTHERS


def _write(path: Path, content: bytes) -> None:
    """Write a file of mode 600 whole or not at all."""
    from qasr_cli.runs.files import atomic_write  # only `qasr config trust` needs it

    with atomic_write.temporary(path.parent) as (temporary, descriptor):
        refusals.set_mode(descriptor, 0o600, path.parent)
        with os.fdopen(descriptor, "wb", closefd=False) as opened:
            opened.write(content)
        refusals.sync(descriptor, path.parent)
        files.release_name(descriptor)
        temporary.replace(path)
