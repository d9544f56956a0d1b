"""Atomic writes: a file gets a text whole or not at all.

In go paths and texts. A file appears under its name complete or not at all (temporary file in the same
folder, fsync, then a link or rename), and an existing one is replaced only if the caller allows it. What a
killed run left in the middle of this is removed by the next one that writes into the folder. A file under
another Unicode spelling of the name is the same file.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from qasr_cli.errors import CannotCreateError, from_os_error
from qasr_cli.operating_system import file_lease, files, refusals
from qasr_cli.operating_system.refusals import Refusal
from qasr_cli.runs.files import ownership
from qasr_cli.runs.files.spellings import other_spelling

_PREFIX, _SUFFIX = ".qasr-", ".tmp"
_NO_RENAME = {errno.EXDEV, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
_SHORTEST = 8  # characters of a name that are left of it in its backup's name


def write(path: Path, text: str, *, is_overwrite: bool, is_backup: bool = False) -> None:
    """Write `text` to `path` as UTF-8, all of it or nothing.

    Args:
        path: The file.
        text: Its whole content.
        is_overwrite: An existing file may be replaced.
        is_backup: A replaced file is renamed to `NAME.bak`, or `NAME.bak1` and so on where that exists.

    Raises:
        CannotCreateError: The file exists, even if only since a moment ago, or the folder is not writable.
        InputOutputError: The disk is full or fails.
    """
    folder = path.parent
    try:
        ownership.make_folder(folder)
        _sweep_once(folder)
        with temporary(folder) as (written, descriptor):
            with os.fdopen(descriptor, "wb", closefd=False) as file:
                file.write(encoded(text))
            _finish(descriptor, folder)
            twin = other_spelling(path)
            if not is_overwrite:
                if twin is not None:
                    raise FileExistsError(twin)
                _link(written, path)
            else:
                if is_backup:
                    _keep(twin or path)
                _move(written, path, is_overwrite=True)
                if twin is not None:
                    twin.unlink(missing_ok=True)
        refusals.sync_folder(folder)
    except FileExistsError as error:
        raise CannotCreateError(f"{path} already exists", path=path) from error
    except OSError as error:
        raise from_os_error(error, f"writing {path}", path=path) from error


def encoded(text: str) -> bytes:
    """Return the text as UTF-8; names in it that are not valid UTF-8 keep their bytes."""
    return text.encode("utf-8", "surrogateescape")


def remove(path: Path, *, is_backup: bool) -> None:
    """Remove a file that another one replaces; with `is_backup` it is renamed, as by `write`.

    Raises:
        QasrError: The disk fails, or the file may not be touched.
    """
    try:
        if is_backup:
            _keep(path)
        path.unlink(missing_ok=True)
    except OSError as error:
        raise from_os_error(error, f"removing {path}", path=path) from error


@contextlib.contextmanager
def temporary(folder: Path, chars: str = "") -> Iterator[tuple[Path, int]]:
    """Yield a new file, with these characters in its name, and its descriptor, which holds its lease."""
    path, descriptor = file_lease.make(lambda: _create(folder, chars))
    try:
        yield path, descriptor
    finally:
        # A mount that removes no file in use does not undo the result; the next run removes what is left.
        files.release_name(descriptor)
        with refusals.tolerated(Refusal.REMOVAL, folder):
            path.unlink(missing_ok=True)
        os.close(descriptor)


def _create(folder: Path, chars: str) -> tuple[Path, int]:
    # Not mkstemp: its mode 600 would hide the result from a media server where a mode cannot be changed.
    # The name is short and plain, so that it fits wherever the result's own name does.
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | files.CLOSE_ON_EXEC | files.BINARY
    path = folder / f"{_PREFIX}{os.urandom(8).hex()}{chars}{_SUFFIX}"  # no other process draws the same
    return path, os.open(path, flags, 0o666)


def _finish(descriptor: int, folder: Path) -> None:
    """Give the file its owner and mode, as far as the file system has these, and sync it."""
    ownership.give(descriptor, folder)
    refusals.set_mode(descriptor, 0o666 & ~_umask(), folder)
    refusals.sync(descriptor, folder)
    files.release_name(descriptor)


def _link(temporary: Path, path: Path) -> None:
    """Give the file its name only if the name is free: unlike a rename, a link never replaces."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        if not _is_linked(temporary, path):
            raise
    except OSError:  # a file system without hard links (FAT, some network mounts)
        if os.path.lexists(path):
            raise FileExistsError(path) from None
        _move(temporary, path, is_overwrite=False)


def _move(temporary: Path, path: Path, *, is_overwrite: bool) -> None:
    """Rename the file; where that is refused, copy it, which a kill may leave half done.

    Unions of file systems may have the two names on different disks, and some servers rename over no file.
    """
    try:
        temporary.replace(path)
    except OSError as error:
        if error.errno not in _NO_RENAME and not (is_overwrite and error.errno == errno.EEXIST):
            raise
        if is_overwrite:
            path.unlink(missing_ok=True)
        _copy(temporary, path)


def _copy(temporary: Path, path: Path) -> None:
    with temporary.open("rb") as source, path.open("xb") as copy:
        try:
            shutil.copyfileobj(source, copy)
            copy.flush()
            ownership.give(copy.fileno(), path.parent)
            refusals.sync(copy.fileno(), path.parent)
        except OSError:
            path.unlink(missing_ok=True)
            raise


def _is_linked(temporary: Path, path: Path) -> bool:
    """Whether the link is there although it was refused: NFS asks twice if the first answer is lost."""
    with contextlib.suppress(OSError):
        return temporary.lstat().st_nlink > 1 and temporary.samefile(path)
    return False


def _keep(path: Path) -> None:
    """Link the file at a path to a backup name, so that its content exists at every moment."""
    number, stem = 0, path.name
    while os.path.lexists(path):
        try:
            _keep_as(path, path.with_name(f"{stem}.bak{number or ''}"))
            return
        except FileExistsError:
            number += 1
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG or len(stem) < _SHORTEST:
                raise
            stem = stem[:-1]


def _keep_as(path: Path, backup: Path) -> None:
    try:
        backup.hardlink_to(path)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError as error:  # no hard links here
        if error.errno == errno.ENAMETOOLONG:
            raise
        if os.path.lexists(backup):
            raise FileExistsError(backup) from None
        with temporary(path.parent) as (copied, descriptor):
            # By the descriptor that holds the lease: on CIFS no other one may write while it does.
            with path.open("rb") as source, os.fdopen(descriptor, "wb", closefd=False) as copy:
                shutil.copyfileobj(source, copy)
            refusals.copy_status(path, copied)
            refusals.sync(descriptor, path.parent)
            files.release_name(descriptor)
            _link(copied, backup)


@functools.cache  # once a process is enough: what it leaves itself, it leaves by dying
def _sweep_once(folder: Path) -> None:
    """Remove the temporary files of killed runs from a folder."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX) and entry.name.endswith(_SUFFIX):
                with contextlib.suppress(OSError):
                    _remove_unused(Path(entry.path))


def _remove_unused(path: Path) -> None:
    with file_lease.taking(path, files.NO_BLOCK) as descriptor:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            path.unlink()


@functools.cache  # reading it means setting it for a moment, which other threads would notice
def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current
