"""Checks of a media file as a file: it is there, can be read, and ffmpeg was not stopped half way.

In go a path and a child process; out comes nothing, or an error that tells a fault of the machine from a
fault of the media. Decodes nothing.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

from qasr_cli.errors import InputOutputError, UndecodableError, from_read_error
from qasr_cli.media.failure_reason import failure_reason, kill_reason
from qasr_cli.media.process import Child
from qasr_cli.operating_system.files import open_at_once

_BLOCK_BYTES = 1 << 16


def check_file(path: Path) -> None:
    """Raise if the path is not a regular file: ffmpeg would wait for ever at a pipe."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UndecodableError.about(path, "not a regular file", "give a media file, or - for stdin")
        os.close(open_at_once(path, os.O_RDONLY))  # it may have become a pipe just now
    except OSError as error:
        if error.errno == errno.ELOOP:  # a link has replaced it since it was found
            raise InputOutputError.about(path, error.strerror or "a loop of links") from error
        raise from_read_error(error, path) from error
    if status.st_size == 0:
        raise UndecodableError.about(path, "the file is empty")


def refuse_unfinished(path: Path, child: Child) -> None:
    """Raise if ffmpeg did not end by itself."""
    if killed := kill_reason(child):
        raise InputOutputError.about(
            path,
            f"{killed} before it was done",
            "run the same command again; a system without free memory kills programs",
        )
    if child.was_stuck:
        raise UndecodableError.about(
            path, failure_reason(path, child), "check the file with a media player, and its disk"
        )


def refuse_unread(path: Path) -> None:
    """Raise if the file cannot be read to its end: it may seem damaged and not be."""
    try:
        with path.open("rb", buffering=0) as file:
            while file.read(_BLOCK_BYTES):
                pass
    except FileNotFoundError:
        pass  # deleted, but ffmpeg had it open and read all of it
    except OSError as error:
        raise failing(path, error.strerror or "it cannot be read") from error


def failing(path: Path, reason: str) -> InputOutputError:
    """Return the error for a file whose disk fails."""
    return InputOutputError.about(path, reason, "check its disk or network, then run the same command again")


def changed(path: Path) -> InputOutputError:
    """Return the error for a file that another program writes at the same time."""
    return InputOutputError.about(
        path, "changed while it was read", "run the same command again once it is whole"
    )


def too_long(path: Path, max_hours: float) -> UndecodableError:
    """Return the error for sound that is longer than the user allows."""
    return UndecodableError.about(path, f"decodes to over {max_hours:g} hours", "raise --max-hours")


def size_bytes(path: Path) -> int | None:
    """Return a file's size; None if it was deleted, which does not affect a process that has it open."""
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return None
