"""The door to the system's files: foreign files, locks, owners, modes and flags of `os.open`.

In go paths and descriptors; out come descriptors and bytes. A FIFO, a device or a folder in place of a file
is refused before anything is read from it, so it neither blocks nor fills the memory. What only POSIX systems
have is here and nowhere else; elsewhere there are no locks and no owners, and modes stay as they are.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
from pathlib import Path

try:
    import fcntl
    import pwd
except ImportError:  # Windows
    fcntl = pwd = None  # type: ignore[assignment]

# Flags of `os.open`. Windows has none of them: there, links need a privilege, and FIFOs are no files.
NO_BLOCK: int = getattr(os, "O_NONBLOCK", 0)
NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)
FOLDER: int = getattr(os, "O_DIRECTORY", 0)
CLOSE_ON_EXEC: int = getattr(os, "O_CLOEXEC", 0)
BINARY: int = getattr(os, "O_BINARY", 0)  # of Windows alone: line ends stay as they are

OPENS_FOLDERS: bool = os.open in os.supports_dir_fd  # Windows opens no folders, and nothing from a folder
_IS_RENAMING_OPEN = os.name != "nt"  # Windows neither renames nor removes an open file
_offset = threading.Lock()  # a descriptor's offset, where there are no reads at a place


class NotRegularError(OSError):
    """A path is a folder, FIFO, socket or device where a regular file is needed."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.EINVAL, "is not a regular file", str(path))


class TooLargeError(OSError):
    """A file has more bytes than its kind ever needs."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        super().__init__(errno.EFBIG, f"is larger than {max_bytes / 1e6:.0f} MB", str(path))


# A file that a client of this machine's Samba has leased (EAGAIN), or a file system without the flag.
_NO_SUCH_FLAG = {errno.EAGAIN, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}


def open_at_once(path: Path | str, flags: int, *, folder: int | None = None) -> int:
    """Open or create a file as `os.open` does, without waiting for the other end of a FIFO.

    Args:
        path: The file; a name if `folder` is given.
        flags: Those of `os.open`.
        folder: Descriptor of the folder that the file is in.

    Raises:
        OSError: As `os.open`.
    """
    flags |= CLOSE_ON_EXEC | BINARY
    try:
        return os.open(path, flags | NO_BLOCK, 0o666, dir_fd=folder)
    except OSError as error:
        if error.errno not in _NO_SUCH_FLAG or not stat.S_ISREG(os.stat(path, dir_fd=folder).st_mode):
            raise
    return os.open(path, flags, 0o666, dir_fd=folder)


def open_regular(path: Path, *, is_following_links: bool = True) -> int:
    """Open a regular file for reading; return its descriptor.

    Args:
        path: The file.
        is_following_links: False refuses a symbolic link as the last part of the path.

    Raises:
        NotRegularError: Something else than a regular file.
        OSError: It does not exist, may not be read, or is a link that may not be followed (ELOOP).
    """
    descriptor = open_at_once(path, os.O_RDONLY | (0 if is_following_links else NO_LINK))
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise NotRegularError(path)


def read_regular(path: Path, max_bytes: int, *, is_following_links: bool = True) -> bytes:
    """Return the content of a regular file of at most `max_bytes` bytes.

    Raises:
        NotRegularError: Something else than a regular file.
        TooLargeError: The file has more bytes.
        OSError: See `open_regular`; or a read fails.
    """
    with os.fdopen(open_regular(path, is_following_links=is_following_links), "rb") as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise TooLargeError(path, max_bytes)
    return content


def real_path(path: Path) -> Path:
    """Return a path without links; a loop of links, for which `Path.resolve` raises, stays as it is."""
    return Path(os.path.realpath(path))


def lock_exclusive(descriptor: int, *, is_waiting: bool) -> None:
    """Lock an open file for this process alone; the lock ends with the descriptor, however the process ends.

    Raises:
        BlockingIOError: Another process holds a lock, and this one does not wait.
        OSError: The file system or the operating system has no locks (ENOLCK, EOPNOTSUPP, ENOSYS).
    """
    _lock(descriptor, is_exclusive=True, is_waiting=is_waiting)


def lock_shared(descriptor: int, *, is_waiting: bool) -> None:
    """Lock an open file, which others may lock as well, but none alone.

    Raises:
        OSError: See `lock_exclusive`.
    """
    _lock(descriptor, is_exclusive=False, is_waiting=is_waiting)


def _lock(descriptor: int, *, is_exclusive: bool, is_waiting: bool) -> None:
    if fcntl is None:
        raise OSError(errno.ENOSYS, "this operating system has no file locks")
    kind = fcntl.LOCK_EX if is_exclusive else fcntl.LOCK_SH
    fcntl.flock(descriptor, kind if is_waiting else kind | fcntl.LOCK_NB)


def read_at(descriptor: int, n_bytes: int, offset: int) -> bytes:
    """Return up to `n_bytes` from a place in a file."""
    if hasattr(os, "pread"):
        return os.pread(descriptor, n_bytes, offset)
    with _offset:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, n_bytes)


def write_at(descriptor: int, content: bytes, offset: int) -> None:
    """Write at a place in a file."""
    if hasattr(os, "pwrite"):
        os.pwrite(descriptor, content, offset)
        return
    with _offset:
        os.lseek(descriptor, offset, os.SEEK_SET)
        os.write(descriptor, content)


def user_id() -> int | None:
    """Return the user whose rights this process has; None where users have no numbers."""
    return os.geteuid() if hasattr(os, "geteuid") else None


def is_root() -> bool:
    """Whether this process may give files away."""
    return user_id() == 0


def user_name(user: int) -> str | None:
    """Return the name of a user, if there is one."""
    try:
        return pwd.getpwuid(user).pw_name
    except (KeyError, AttributeError):  # no such user, or users have no numbers
        return None


def set_owner(descriptor: int, user: int, group: int) -> None:
    """Give an open file to another user and group, where files have owners.

    Raises:
        OSError: It is not allowed, or the file system has no owners.
    """
    if hasattr(os, "fchown"):
        os.fchown(descriptor, user, group)


def set_mode(descriptor: int, mode: int) -> None:
    """Set the permissions of an open file, where it has any.

    Raises:
        OSError: It is not allowed, or the file system has no permissions.
    """
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, mode)


def release_name(descriptor: int) -> None:
    """Let a file be renamed and removed; where that needs it closed, the descriptor leads nowhere from here.

    The descriptor itself stays open, and its number valid.
    """
    if _IS_RENAMING_OPEN:
        return
    nowhere = os.open(os.devnull, os.O_RDWR)
    try:
        os.dup2(nowhere, descriptor, inheritable=False)
    finally:
        os.close(nowhere)


def wait_for_room(descriptor: int) -> None:
    """Make writes to a descriptor opened with `NO_BLOCK` wait, as writes usually do."""
    with contextlib.suppress(OSError, AttributeError):
        os.set_blocking(descriptor, True)


def do_not_wait(descriptor: int) -> None:
    """Make reads and writes fail instead of waiting."""
    os.set_blocking(descriptor, False)


def longest_name_bytes(folder: Path) -> int | None:
    """Return how long a name may be in a folder; None where the system does not report it."""
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except (AttributeError, ValueError, OSError):  # not every file system has this figure
        return None
