"""What a file system refuses although the result is complete: a warning once a run, never a failure.

In go descriptors, folders and what to set; nothing comes out but a warning for each kind of refusal.
CIFS, vfat, FUSE and Windows' own mounts refuse owners, modes, times, locks, or `fsync`: none of them is the
content. A disk that fails or is full is an error all the same.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import threading
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from qasr_cli.operating_system import files

logger = logging.getLogger(__name__)


class Refusal(Enum):
    """A kind of refusal: what the file system does not do, and what follows."""

    MODE = ("does not set the mode of files", "they keep the one that it gives them")
    OWNER = ("does not set the owner of files", "they belong to the user of this process")
    TIMES = ("does not set the times of files", "copies have the time of copying")
    SYNC = ("does not sync files", "a power cut may destroy the newest ones")
    FOLDER_SYNC = ("does not sync folders", "a power cut may undo the newest files")
    REMOVAL = ("does not remove a temporary file", "remove it by hand, or leave it to the next run")
    LOCKS = ("has no locks", "do not start a second run here")


# The errors of a system that cannot sync; EIO, ENOSPC and EDQUOT mean that bytes are lost.
_NO_SYNC = frozenset(
    {
        *(errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOTTY),
        *(errno.EPERM, errno.EACCES, errno.EROFS),
    }
)
# The errors of `flock` where there are no locks.
NO_LOCKS = frozenset(
    {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL, errno.EPERM},
)
_said: set[Refusal] = set()
_saying = threading.Lock()


def note(refusal: Refusal, folder: Path, error: OSError) -> None:
    """Warn of a refusal, the first time that one of its kind comes."""
    with _saying:
        if refusal in _said:
            return
        _said.add(refusal)
    what, effect = refusal.value
    reason = error.strerror or type(error).__name__
    logger.warning("%s: the file system %s (%s); %s", folder, what, reason, effect)


@contextlib.contextmanager
def tolerated(refusal: Refusal, folder: Path) -> Iterator[None]:
    """Turn an `OSError` of the block into a warning: for what the result does not need."""
    try:
        yield
    except OSError as error:
        note(refusal, folder, error)


def set_mode(descriptor: int, mode: int, folder: Path) -> None:
    """Set the mode of an open file in a folder, if the file system has modes."""
    with tolerated(Refusal.MODE, folder):
        files.set_mode(descriptor, mode)


def set_owner(descriptor: int, user: int, group: int, folder: Path) -> None:
    """Set the owner of an open file in a folder, if the file system has owners."""
    with tolerated(Refusal.OWNER, folder):
        files.set_owner(descriptor, user, group)


def copy_status(source: Path, copy: Path) -> None:
    """Give a copy the times and the mode of its original, as far as the file system has them."""
    with tolerated(Refusal.TIMES, copy.parent):
        status = source.stat()
        os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
    with tolerated(Refusal.MODE, copy.parent):
        shutil.copymode(source, copy)


def sync(descriptor: int, folder: Path) -> None:
    """Sync an open file in a folder to its disk, if the file system can.

    Raises:
        OSError: The disk fails or is full: the content may be lost.
    """
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
        note(Refusal.SYNC, folder, error)


def sync_folder(folder: Path) -> None:
    """Sync a folder, so that the names in it survive a power cut, if the file system can."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # a folder that may be written and not read, or a system that opens no folders
        return
    try:
        with tolerated(Refusal.FOLDER_SYNC, folder):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
