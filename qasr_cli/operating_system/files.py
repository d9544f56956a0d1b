"""Files of strangers: regular files only, and never more bytes than the caller can use.

In go paths; out come descriptors and bytes. A FIFO, a device or a folder in place of a file is refused before
anything is read from it, so it neither blocks nor fills the memory.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

# Windows has none of them: there, links need a privilege, and FIFOs are no files.
_NO_BLOCK: int = getattr(os, "O_NONBLOCK", 0)
_NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)
_CLOSE: int = getattr(os, "O_CLOEXEC", 0)
_BINARY: int = getattr(os, "O_BINARY", 0)


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


def open_at_once(path: Path, flags: int, mode: int = 0o666) -> int:
    """Open a file as `os.open` does, without waiting for the other end of a FIFO.

    Raises:
        OSError: As `os.open`.
    """
    flags |= _CLOSE | _BINARY
    try:
        return os.open(path, flags | _NO_BLOCK, mode)
    except OSError as error:
        if error.errno not in _NO_SUCH_FLAG or not stat.S_ISREG(path.stat().st_mode):
            raise
    return os.open(path, flags, mode)


def open_regular(path: Path, *, is_following_links: bool = True) -> int:
    """Open a regular file for reading; return its descriptor.

    Args:
        path: The file.
        is_following_links: False refuses a symbolic link as the last part of the path.

    Raises:
        NotRegularError: Something else than a regular file.
        OSError: It does not exist, may not be read, or is a link that may not be followed (ELOOP).
    """
    descriptor = open_at_once(path, os.O_RDONLY | (0 if is_following_links else _NO_LINK))
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
