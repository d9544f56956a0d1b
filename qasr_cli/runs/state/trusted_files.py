"""The door to a state folder: whose state counts, and its files, which somebody else may have put there.

In go a folder and names in it; out come descriptors and lines. A state folder and its files count if they
belong to the user, to root or to the owner of the folder that they are in: where many may write, such as in
/tmp, anybody could leave a ledger that has files skipped or replaced. No link is followed, only regular files
are opened, and no more is read than a state can have. Every step starts from the descriptor of the step
before, so that nobody can exchange a folder after it was checked.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import logging
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qasr_cli.errors import CannotCreateError, QasrError, from_os_error, printable
from qasr_cli.operating_system import files
from qasr_cli.operating_system.files import NotRegularError, TooLargeError

logger = logging.getLogger(__name__)

FOLDER_NAME = ".qasr"


class StrangerError(OSError):
    """A state folder or one of its files belongs to somebody whose state does not count."""

    def __init__(self, path: Path, uid: int) -> None:
        super().__init__(errno.EPERM, f"belongs to {_user(uid)}, so it does not count", str(path))


class LinkError(OSError):
    """A state folder or one of its files is a link, which could lead anywhere."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.ELOOP, "is a link, so not from qasr, and is not followed", str(path))


@dataclass(frozen=True, slots=True)
class TrustedFolder:
    """An open state folder, or a folder in it.

    Attributes:
        path: For messages.
        descriptor: Open as long as the block of `opened` runs; None on a system that opens no folders.
        owners: The user ids whose files count in it.
    """

    path: Path
    descriptor: int | None
    owners: frozenset[int]

    def names(self) -> list[str]:
        """Return the names in the folder, sorted."""
        return sorted(os.listdir(self.path if self.descriptor is None else self.descriptor))  # noqa: PTH208

    def open(self, name: str, flags: int = os.O_RDONLY) -> int:
        """Open a file, or with `O_CREAT` create it; return its descriptor.

        Raises:
            StrangerError: It belongs to somebody whose state does not count.
            LinkError: It is a link, or has a second name.
            NotRegularError: It is a folder, FIFO or device.
            OSError: It does not exist or cannot be opened.
        """
        path = self.path / name
        try:
            place = path if self.descriptor is None else name
            descriptor = files.open_at_once(place, flags | files.NO_LINK, folder=self.descriptor)
        except OSError as error:
            self._refuse_stranger(name)
            if error.errno == errno.ELOOP:
                raise LinkError(path) from error
            raise
        try:
            status = os.fstat(descriptor)
            if status.st_uid not in self.owners:
                raise StrangerError(path, status.st_uid)
            if not stat.S_ISREG(status.st_mode):
                raise NotRegularError(path)
            if status.st_nlink > 1:
                raise LinkError(path)
            if flags & os.O_CREAT and not status.st_size:
                self._give(descriptor)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def _refuse_stranger(self, name: str) -> None:
        """Raise the error of another user's file where it could not be opened, for whatever reason."""
        if self.descriptor is None:
            return
        try:
            uid = os.stat(name, dir_fd=self.descriptor, follow_symlinks=False).st_uid
        except OSError:
            return
        if uid not in self.owners:
            raise StrangerError(self.path / name, uid)

    def lines(self, name: str, max_file_bytes: int, max_line_bytes: int) -> Iterator[bytes]:
        """Yield the lines of a file with their ends; of a line that is too long, the part that may be read.

        Raises:
            TooLargeError: The file has more bytes than such a file ever has.
            OSError: See `open`; or a read fails.
        """
        with os.fdopen(self.open(name), "rb") as file:
            if os.fstat(file.fileno()).st_size > max_file_bytes:
                raise TooLargeError(self.path / name, max_file_bytes)
            n_left = max_file_bytes  # another run may be adding to it
            while n_left > 0 and (line := file.readline(max_line_bytes)):
                n_left -= len(line)
                yield line
                while len(line) == max_line_bytes and not line.endswith(b"\n"):
                    line = file.readline(max_line_bytes)
                    n_left -= len(line)

    def append(self, name: str, line: bytes) -> None:
        """Append a line to a file in one write, after the end of a cut-off line if there is one.

        Raises:
            OSError: See `open`; or the disk is full or fails.
        """
        descriptor = self.open(name, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        try:
            size_bytes = os.fstat(descriptor).st_size
            is_torn = size_bytes > 0 and files.read_at(descriptor, 1, size_bytes - 1) != b"\n"
            os.write(descriptor, (b"\n" if is_torn else b"") + line + b"\n")
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def folder(self, name: str, *, is_making: bool = False) -> Iterator[TrustedFolder]:
        """Yield a folder in it.

        Raises:
            OSError: As `opened`.
        """
        if is_making:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, dir_fd=self.descriptor)
                self._liken(name)
        with _entered(self.path / name, name, self.descriptor, self.owners) as inner:
            yield inner

    def _liken(self, name: str) -> None:
        """Give a new folder the owner and mode of this one, if qasr runs as root."""
        if self.descriptor is None or not files.is_root():
            return
        status = os.fstat(self.descriptor)
        with (
            contextlib.suppress(OSError),
            _entered(self.path / name, name, self.descriptor, self.owners) as inner,
        ):
            if inner.descriptor is not None:
                files.set_owner(inner.descriptor, status.st_uid, status.st_gid)
                files.set_mode(inner.descriptor, stat.S_IMODE(status.st_mode))

    def _give(self, descriptor: int) -> None:
        """Give a new file to the folder's owner, if qasr runs as root and the file system has owners."""
        if files.is_root() and self.descriptor is not None:
            status = os.fstat(self.descriptor)
            with contextlib.suppress(OSError):
                files.set_owner(descriptor, status.st_uid, status.st_gid)


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[TrustedFolder]:
    """Yield an existing state folder.

    A folder that `--state` names may be a link, and its owner counts: the user chose it. `.qasr` is found, so
    it is not followed, and no owner counts but that of the folder that it is in.

    Raises:
        StrangerError: It belongs to somebody whose state does not count.
        LinkError: It is a link.
        OSError: It is not a folder, or cannot be opened.
    """
    with _entered(folder, folder, None, None) as entered:
        yield entered


@contextlib.contextmanager
def _entered(
    path: Path, name: Path | str, parent: int | None, owners: frozenset[int] | None
) -> Iterator[TrustedFolder]:
    is_found = parent is not None or path.name == FOLDER_NAME
    if not files.OPENS_FOLDERS:
        if is_found and os.path.islink(path):
            raise LinkError(path)
        yield TrustedFolder(path, None, frozenset({0}))  # files have no owners there
        return
    flags = os.O_RDONLY | files.FOLDER | files.CLOSE_ON_EXEC | (files.NO_LINK if is_found else 0)
    try:
        descriptor = os.open(name, flags, dir_fd=parent)
    except OSError as error:
        # Systems disagree about the error of a link that should be a folder.
        if error.errno in {errno.ELOOP, errno.ENOTDIR} and is_found and os.path.islink(path):
            raise LinkError(path) from error
        raise
    try:
        uid = os.fstat(descriptor).st_uid
        if owners is None:
            owner = os.stat("..", dir_fd=descriptor).st_uid if is_found else uid
            owners = frozenset({files.user_id() or 0, 0, owner})
        if uid not in owners:
            raise StrangerError(path, uid)
        yield TrustedFolder(path, descriptor, owners)
    finally:
        os.close(descriptor)


def counts(folder: Path) -> bool:
    """Whether the state in a folder counts; it need not exist. If it does not count, a warning says why."""
    try:
        with opened(folder):
            return True
    except (StrangerError, LinkError) as error:
        remedy = "remove it; " if isinstance(error, LinkError) else ""
        warn_once(f"{folder}: {error.strerror}; {remedy}--state DIR keeps the state elsewhere")
        return False
    except OSError:  # it does not exist, or is no folder, which creating it reports
        return True


def pass_over(path: Path, error: OSError) -> None:
    """Warn that a file of a state folder is passed over."""
    warn_once(f"{path}: {error.strerror or type(error).__name__}; it is passed over")


def failure(error: OSError, doing: str, path: Path) -> QasrError:
    """Return the error of a file in a state folder that cannot be written, as `from_os_error`.

    What is in its place and not from qasr has to go; no other disk would help.
    """
    if isinstance(error, LinkError | NotRegularError | StrangerError | IsADirectoryError):
        hint = "remove it, or keep the state elsewhere with --state DIR"
        return CannotCreateError.about(path, error.strerror or type(error).__name__, hint)
    return from_os_error(error, doing, path=path)


@functools.cache  # a watch reads its state at every pass
def warn_once(message: str) -> None:
    """Log a warning, the first time only."""
    logger.warning("%s", printable(message))


def _user(uid: int) -> str:
    name = files.user_name(uid)
    return f"user {uid} ({name})" if name else f"user {uid}"
