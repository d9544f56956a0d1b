"""One run at a time in one place.

In goes a state folder; a lock is held while a block runs. Locks are those of `flock`, so that a killed run
leaves none. The shards of a run share the folder's lock, and each holds the lock of its shard alone.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from qasr_cli.errors import LockedError, from_os_error
from qasr_cli.operating_system import files, refusals
from qasr_cli.operating_system.files import NotRegularError
from qasr_cli.operating_system.refusals import Refusal
from qasr_cli.runs.state import trusted_files
from qasr_cli.runs.state.trusted_files import StrangerError

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
        places = [("lock", not (part or is_shared))]
        places += [(f"lock{part}", True)] if part else []
        for name, is_exclusive in places:
            try:
                descriptor = _open(folder, name)
            except StrangerError as error:  # whoever put it there could hold it for ever
                trusted_files.warn_once(f"{folder / name}: {error.strerror}; nothing is locked")
                continue
            if descriptor is None:
                continue
            descriptors.callback(os.close, descriptor)
            lock = files.lock_exclusive if is_exclusive else files.lock_shared
            _take(descriptor, lock, folder / name, is_waiting=is_waiting, notify=notify)
            if is_exclusive:
                _sign(descriptor)
        yield


def _open(folder: Path, name: str) -> int | None:
    """Open or create a lock file; return None where no file can be changed in place.

    Raises:
        StrangerError: It belongs to somebody whose state does not count.
        QasrError: It cannot be opened.
    """
    path = folder / name
    try:
        with trusted_files.opened(folder) as state:
            descriptor = state.open(name, os.O_RDWR | os.O_CREAT)
    except StrangerError:
        raise
    except OSError as error:
        if error.errno in refusals.NO_LOCKS - {errno.EPERM} and not isinstance(error, NotRegularError):
            refusals.note(Refusal.LOCKS, path.parent, error)
            return None
        raise trusted_files.failure(error, f"opening {path}", path) from error
    mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
    if mode & 0o006 == 0o004:  # whoever may read a file may lock it: not those who may not write it
        with contextlib.suppress(OSError):
            files.set_mode(descriptor, mode & ~0o004)
    return descriptor


def _take(
    descriptor: int, lock: Callable[..., None], path: Path, *, is_waiting: bool, notify: Callable[[str], None]
) -> None:
    is_notified = False
    while True:
        try:
            lock(descriptor, is_waiting=False)
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
        files.write_at(descriptor, text.encode(), 0)


def _holder(descriptor: int) -> str:
    holder = ""
    with contextlib.suppress(OSError):  # where locks are mandatory, a locked file cannot be read
        holder = files.read_at(descriptor, 200, 0).decode("utf-8", "replace").strip()
    return f"another qasr process ({holder})" if holder else "another qasr process"
