"""The owner of new files and folders: when qasr runs as root, the owner of the folder that they are in.

Otherwise a container or a cron job of root would leave subtitles that a media server can neither rename nor
delete. Other users keep their own files, and the file system decides the group.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

from qasr_cli.operating_system import files, refusals


def give(descriptor: int, folder: Path) -> None:
    """Give an open file to its folder's owner, if qasr runs as root and the file system has owners."""
    if not files.is_root():
        return
    with contextlib.suppress(OSError):
        status = folder.stat()
        refusals.set_owner(descriptor, status.st_uid, status.st_gid, folder)


def make_folder(folder: Path) -> None:
    """Create a folder and its parents if they are missing; as root, each has the owner of its parent.

    Raises:
        OSError: It cannot be created.
    """
    missing = []
    while not os.path.isdir(folder):  # no recursion: a path may have more parts than Python has calls
        missing.append(folder)
        if folder.parent == folder:
            break
        folder = folder.parent
    for one in reversed(missing):
        _make(one)


def _make(folder: Path) -> None:
    """Create a folder in one that exists."""
    try:
        folder.mkdir()
    except FileExistsError as error:
        if os.path.isdir(folder):  # another run was quicker
            return
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), os.fspath(folder)) from error
    if files.is_root():
        with contextlib.suppress(OSError):
            _liken(folder)


def _liken(folder: Path) -> None:
    """Give a new folder the owner and mode of its parent.

    By descriptor: a user who may write there could put a link in its place and get the link's target. A
    parent that everybody may write to, such as /tmp, is not copied.
    """
    status = folder.parent.stat()
    descriptor = os.open(folder, os.O_RDONLY | files.FOLDER | files.NO_LINK | files.CLOSE_ON_EXEC)
    try:
        if not status.st_mode & stat.S_ISVTX:
            refusals.set_owner(descriptor, status.st_uid, status.st_gid, folder)
            refusals.set_mode(descriptor, stat.S_IMODE(status.st_mode), folder)
    finally:
        os.close(descriptor)
