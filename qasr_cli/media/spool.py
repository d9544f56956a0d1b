"""Media from stdin or another stream as a file: mp4 and others cannot be read forward only.

In goes a descriptor; out comes the path of a file, which the folder's owner removes. Never reads the content.
"""

from __future__ import annotations

import os
from pathlib import Path

from qasr_cli.errors import InputOutputError, NoInputError, UndecodableError, from_os_error
from qasr_cli.operating_system import streams

_BLOCK_BYTES = 1 << 20
_MAX_BYTES = 128 * 1024**3  # more than any disc of film holds; `yes | qasr -` must end


def spool(stream: Path, folder: Path, name: str) -> Path:
    """Copy all bytes of a stream (`-`, `/dev/fd/63`, a pipe) into a file of this name in `folder`.

    Raises:
        QasrError: As `spool_stdin`.
    """
    shown = streams.shown(stream)
    try:
        descriptor = streams.opened(stream)
    except OSError as error:
        raise _unreadable(shown, error) from error
    try:
        return spool_stdin(descriptor, folder, name=name, shown=shown)
    finally:
        os.close(descriptor)


def spool_stdin(
    descriptor: int, folder: Path, max_bytes: int = _MAX_BYTES, *, name: str = "stdin", shown: str = "stdin"
) -> Path:
    """Copy all bytes of a descriptor into a file in `folder`, and return its path.

    Raises:
        NoInputError: There were no bytes.
        UndecodableError: There were more than `max_bytes`.
        InputOutputError: The disk is full, or the descriptor cannot be read.
    """
    path = folder / name
    n_bytes = 0
    try:
        with path.open("wb") as file:
            while block := _read(descriptor, shown):
                n_bytes += len(block)
                if n_bytes > max_bytes:
                    raise UndecodableError(f"{shown}: over {max_bytes:,} bytes", "give the media as a file")
                file.write(block)
    except OSError as error:
        raise from_os_error(error, f"storing {shown}") from error
    if not n_bytes:
        raise NoInputError(f"{shown}: no data", "pipe a media file into qasr")
    return path


def _read(descriptor: int, shown: str) -> bytes:
    try:
        return os.read(descriptor, _BLOCK_BYTES)
    except OSError as error:  # closed, or a folder
        raise _unreadable(shown, error) from error


def _unreadable(shown: str, error: OSError) -> InputOutputError:
    return InputOutputError(f"reading {shown}: {error.strerror}", "pipe a media file into qasr")
