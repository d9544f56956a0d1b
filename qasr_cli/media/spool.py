"""Media from stdin as a file: mp4 and others cannot be read forward only."""

from __future__ import annotations

import os
from pathlib import Path

from qasr_cli.errors import NoInputError, from_os_error

_BLOCK_BYTES = 1 << 20


def spool_stdin(descriptor: int, folder: Path) -> Path:
    """Copy everything that comes from a descriptor into a file in `folder`, and return it.

    Raises:
        NoInputError: Nothing came.
        InputOutputError: The disk is full.
    """
    path = folder / "stdin"
    try:
        with path.open("wb") as file:
            while block := os.read(descriptor, _BLOCK_BYTES):
                file.write(block)
    except OSError as error:
        raise from_os_error(error, "reading stdin") from error
    if path.stat().st_size == 0:
        raise NoInputError("stdin: nothing came", "pipe a media file into qasr")
    return path
