"""Media from stdin as a file: mp4 and others cannot be read forward only.

In goes a descriptor; out comes the path of a file, which the folder's owner removes. Never reads the content.
"""

from __future__ import annotations

import os
from pathlib import Path

from qasr_cli.errors import InputOutputError, NoInputError, UndecodableError, from_os_error

_BLOCK_BYTES = 1 << 20
_MAX_BYTES = 128 * 1024**3  # more than any disc of film holds; `yes | qasr -` must end


def spool_stdin(descriptor: int, folder: Path, max_bytes: int = _MAX_BYTES) -> Path:
    """Copy all bytes of a descriptor into a file in `folder`, and return its path.

    Raises:
        NoInputError: There were no bytes.
        UndecodableError: There were more than `max_bytes`.
        InputOutputError: The disk is full, or the descriptor cannot be read.
    """
    path = folder / "stdin"
    n_bytes = 0
    try:
        with path.open("wb") as file:
            while block := _read(descriptor):
                n_bytes += len(block)
                if n_bytes > max_bytes:
                    raise UndecodableError(f"stdin: over {max_bytes:,} bytes", "give the media as a file")
                file.write(block)
    except OSError as error:
        raise from_os_error(error, "storing stdin") from error
    if not n_bytes:
        raise NoInputError("stdin: no data", "pipe a media file into qasr")
    return path


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _BLOCK_BYTES)
    except OSError as error:  # closed, or a folder
        raise InputOutputError(f"reading stdin: {error.strerror}", "pipe a media file into qasr") from error
