"""One run at a time in one place.

In goes a state folder; a lock is held while a block runs. Locks are those of `flock`, so that a killed run
leaves none. The shards of a run share the folder's lock, and each holds the lock of its shard alone.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from qasr_cli.errors import LockedError, from_os_error
from qasr_cli.operating_system import refusals
from qasr_cli.operating_system.refusals import Refusal
from qasr_cli.runs.files import ownership

_POLL_S = 0.5
_HELD = {errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES}  # EACCES on CIFS


@contextlib.contextmanager
def holding(
    folder: Path, part: str, *, is_waiting: bool, notify: Callable[[str], None], is_shared: bool = False
) -> Iterator[None]:
    """Lock a state folder, or one shard of it, for as long as the block runs.

    Args:
        folder: An existing state folder.
        part: Name of a shard, or "" for the whole folder.
        is_shared: Other shards may hold it too; no run may hold the whole folder.
        is_waiting: Wait for another run instead of raising.
        notify: Called once with a line when the run waits for another one.

    Raises:
        LockedError: Another run holds it.
        QasrError: The lock file cannot be created.
    """
    with contextlib.ExitStack() as descriptors:
        places = [("lock", fcntl.LOCK_SH if part or is_shared else fcntl.LOCK_EX)]
        places += [(f"lock{part}", fcntl.LOCK_EX)] if part else []
        for name, kind in places:
            descriptor = _open(folder / name)
            if descriptor is None:
                continue
            descriptors.callback(os.close, descriptor)
            _take(descriptor, kind, folder / name, is_waiting=is_waiting, notify=notify)
            if kind == fcntl.LOCK_EX:
                _sign(descriptor)
        yield


def _open(path: Path) -> int | None:
    """Return the lock file's descriptor; None where no file can be changed in place."""
    try:
        return ownership.open_own(path, os.O_RDWR)
    except OSError as error:
        if error.errno in refusals.NO_LOCKS - {errno.EPERM}:
            refusals.note(Refusal.LOCKS, path.parent, error)
            return None
        raise from_os_error(error, f"opening {path}", path=path) from error


def _take(descriptor: int, kind: int, path: Path, *, is_waiting: bool, notify: Callable[[str], None]) -> None:
    is_notified = False
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in refusals.NO_LOCKS:
                refusals.note(Refusal.LOCKS, path.parent, error)
                return
            if error.errno not in _HELD:
                raise from_os_error(error, f"locking {path}", path=path) from error
            who = _holder(descriptor)
            if not is_waiting:
                folder = path.parent.parent
                raise LockedError(f"{folder} is locked by {who}", path=folder) from error
            if not is_notified:
                notify(f"{path.parent.parent} is locked by {who}; waiting for it")
            is_notified = True
            time.sleep(_POLL_S)  # and not in flock itself, so that a signal ends the waiting at once
        else:
            return


def _sign(descriptor: int) -> None:
    """Write the holder's process into the lock file; it is valid only as long as the lock is held."""
    text = f"pid {os.getpid()} on {socket.gethostname()}, since {time.strftime('%Y-%m-%d %H:%M')}\n"
    with contextlib.suppress(OSError):  # a full disk, say: the lock holds all the same
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)


def _holder(descriptor: int) -> str:
    holder = ""
    with contextlib.suppress(OSError):  # where locks are mandatory, a locked file cannot be read
        holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip()
    return f"another qasr process ({holder})" if holder else "another qasr process"
