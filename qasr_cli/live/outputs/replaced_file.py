"""Small files that are replaced as a whole: a reader finds the old text or the new one, never a part.

In go paths and texts; out come files. Nothing is synced: each is replaced again soon.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from qasr_cli.errors import from_os_error
from qasr_cli.operating_system import files


def replace(path: Path, text: str, flag: str) -> None:
    """Give a file a new text.

    Args:
        path: The file.
        text: All of it.
        flag: The flag that names the file, for errors.

    Raises:
        CannotCreateError: The folder is gone or not writable.
        InputOutputError: The disk is full or fails.
    """
    written = path.with_name(f".qasr-{os.urandom(8).hex()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | files.CLOSE_ON_EXEC | files.BINARY
    try:
        try:
            with os.fdopen(os.open(written, flags, 0o666), "wb") as file:
                file.write(text.encode("utf-8", "surrogateescape"))
            written.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                written.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise from_os_error(error, f"writing {path}", path=path, flag=flag) from error
