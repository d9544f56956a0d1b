"""The guard that keeps stdout for data.

From `guard()` on, whatever anybody prints (Python, a C library, a child process) lands on stderr; only what
is written to the returned `DataStream` reaches the pipe. Done on file descriptors, because a library's
`printf` does not ask Python.
"""

from __future__ import annotations

import os
import sys

from qasr_cli.errors import InputOutputError


class ReaderGone(Exception):
    """Whoever read our stdout has closed it; there is nobody left to work for."""


class DataStream:
    """The real stdout, as it was before the guard."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, text: str) -> None:
        """Write all of `text` as UTF-8 at once.

        Raises:
            ReaderGone: The pipe is closed; the command line ends quietly.
            InputOutputError: Anything else, such as a full disk.
        """
        rest = memoryview(text.encode("utf-8", "surrogateescape"))
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BrokenPipeError as error:
                raise ReaderGone from error
            except OSError as error:
                raise InputOutputError(f"stdout: {error.strerror}") from error


def guard() -> DataStream:
    """Point stdout at stderr for everybody, and return the only way that is left to the real one."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    return DataStream(kept)
