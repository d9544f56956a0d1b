"""The three standard streams: there whatever the program was started with, and stdout kept for data.

From `begin()` on there are all three. What stdout cannot take is an error of qasr's own. What stderr cannot
take is dropped: that nobody can be told how the work goes is no reason to stop it.

From `guard()` on, whatever anybody prints (Python, a C library, a child process) lands on stderr; only what
is written to the returned `DataStream` reaches the pipe. Done on file descriptors, because a library's
`printf` does not ask Python.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from qasr_cli.errors import InputOutputError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


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
            InputOutputError: Anything else, such as a full disk, or no stdout at all.
        """
        rest = memoryview(text.encode("utf-8", "surrogateescape"))
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except OSError as error:
                raise _unwritten(error) from error


class _StdoutFile(io.FileIO):
    """stdout before the guard, for help and tables; trouble with it is reported once."""

    _has_failed = False

    def write(self, data: ReadableBuffer, /) -> int:
        if not self._has_failed:  # what is still buffered then is tried again when the interpreter ends
            try:
                return super().write(data)
            except OSError as error:
                self._has_failed = True
                raise _unwritten(error) from error
        return memoryview(data).nbytes


class _StderrFile(io.FileIO):
    """stderr, on a full disk and without a reader, too."""

    def write(self, data: ReadableBuffer, /) -> int:
        n_bytes = memoryview(data).nbytes
        with contextlib.suppress(OSError):
            return super().write(data) or n_bytes  # None is a pipe that is full and does not wait
        return n_bytes


def begin() -> None:
    """Open what of the three streams is closed, and have qasr's own ways of writing to the other two.

    Call it before any file is opened: one that got the number of a closed stream would take what is printed.
    """
    # A closed stdout stays one that cannot be written to, so that results for it are not lost unsaid.
    for descriptor, mode in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        _open_closed(descriptor, mode)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - as long as qasr
    if sys.stdout is sys.__stdout__:
        sys.stdout = _text(_StdoutFile(1, "w", closefd=False), sys.stdout)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _text(_StderrFile(2, "w", closefd=False), sys.stderr)


def guard() -> DataStream:
    """Point stdout at stderr for everybody, and return the only way that is left to the real one."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr  # so that what a library prints is no result, also when it cannot be written
    return DataStream(kept)


def _open_closed(descriptor: int, mode: int) -> None:
    try:
        os.fstat(descriptor)
    except OSError:
        os.open(os.devnull, mode)  # gets the lowest number that is free, which is this one
        os.set_inheritable(descriptor, True)


def _text(raw: io.FileIO, before: TextIO | None) -> TextIO:
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=before.encoding if before else "utf-8",
        errors=before.errors if before else "backslashreplace",
        line_buffering=True,
    )


def _unwritten(error: OSError) -> Exception:
    if isinstance(error, BrokenPipeError):
        return ReaderGone()
    if error.errno == errno.EBADF:
        return InputOutputError("stdout is closed", "open it, or name a folder with -o where there are files")
    return InputOutputError(f"stdout: {error.strerror}")
