"""Whose new files and folders are: as root, whoever's the folder is that they come into.

A container or a cron job of root's would else leave subtitles among a media server's files that it can
neither rename nor delete. Anybody else's files are their own, and the group is the file system's business.
"""

from __future__ import annotations

import contextlib
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
