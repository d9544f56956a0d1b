"""Whose new files and folders are: as root, whoever's the folder is that they come into.

A container or a cron job of root's would else leave subtitles among a media server's files that it can
neither rename nor delete. Anybody else's files are their own, and the group is the file system's business.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path


def give(descriptor: int, folder: Path) -> None:
    """Make an open file its folder's owner's, if we are root and the file system knows owners."""
    if os.geteuid() != 0:
        return
    with contextlib.suppress(OSError):
        status = folder.stat()
        os.fchown(descriptor, status.st_uid, status.st_gid)


def open_own(path: Path, flags: int) -> int:
    """Open or make a file of ours that is written to in place, in a folder which may be somebody else's.

    Whoever may write there could put a link in its place: root would empty what
    that leads to, and give it away.

    Raises:
        OSError: It cannot be opened, or is a link or no file.
    """
    new = flags | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, new, 0o666)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _foreign(path) from error
        raise
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        os.close(descriptor)
        raise _foreign(path)
    if not status.st_size:
        give(descriptor, path.parent)
    return descriptor


def _foreign(path: Path) -> OSError:
    return OSError(errno.ELOOP, "is a link or no file, and none of qasr's; remove it", str(path))


def make_folder(folder: Path) -> None:
    """Make a folder where there is none, and those above it; as root each is like the one it lies in.

    Raises:
        OSError: There cannot be one.
    """
    if folder.is_dir():
        return
    if folder.parent != folder:
        make_folder(folder.parent)
    try:
        folder.mkdir()
    except FileExistsError:
        if folder.is_dir():  # another run was quicker
            return
        raise
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):
            _liken(folder)


def _liken(folder: Path) -> None:
    """Give a new folder the owner and mode of the one it lies in.

    By descriptor: whoever may write there could put a link in its place, and get what that leads to. A place
    that everybody may write to, such as /tmp, is no model.
    """
    status = folder.parent.stat()
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not status.st_mode & stat.S_ISVTX:
            os.fchown(descriptor, status.st_uid, status.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(status.st_mode))
    finally:
        os.close(descriptor)
