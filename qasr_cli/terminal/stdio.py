"""The three standard streams: always open, and stdout reserved for data.

After `begin()` all three exist. A failing write to stdout is a `QasrError`. A failing write to stderr is
dropped: missing progress messages are no reason to stop the work.

After `guard()` all prints (of Python, a C library, a child process) go to stderr; only text that is written
to the returned `DataStream` reaches stdout. This works on file descriptors, because a C library's `printf`
does not go through Python.

A terminal never gets a control or direction character of a foreign text (`escapes`): of escape sequences,
only colours and movements of the cursor pass. Pipes and files get every byte.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from qasr_cli import escapes
from qasr_cli.errors import InputOutputError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class ReaderGone(Exception):
    """The reader of stdout has closed it, so that further results have no reader."""


class DataStream:
    """The real stdout, as it was before the guard."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._is_terminal = os.isatty(descriptor)

    def size(self) -> tuple[int, int]:
        """Return the columns and rows of the terminal; 80 and 24 where there is none."""
        try:
            columns, rows = os.get_terminal_size(self._descriptor)
        except OSError:
            columns, rows = 0, 0
        return columns or 80, rows or 24

    def write(self, text: str) -> None:
        """Write all of `text` as UTF-8 at once; on a terminal, control characters are escaped.

        Raises:
            ReaderGone: The pipe is closed; the command line ends quietly.
            InputOutputError: Any other failure, such as a full disk or a closed stdout.
        """
        self._write(escapes.for_terminal(text) if self._is_terminal else text)

    def write_page(self, text: str) -> None:
        """Write a `tables.Page`, which has colours of its own.

        Raises:
            ReaderGone: The pipe is closed; the command line ends quietly.
            InputOutputError: Any other failure, such as a full disk or a closed stdout.
        """
        self._write(escapes.styled(text) if self._is_terminal else text)

    def _write(self, text: str) -> None:
        rest = memoryview(text.encode("utf-8", "surrogateescape"))
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except OSError as error:
                raise _unwritten(error) from error


class _StdoutFile(io.FileIO):
    """stdout before the guard, for help and tables; a failure is reported once."""

    _has_failed = False

    def write(self, data: ReadableBuffer, /) -> int:
        if not self._has_failed:  # the interpreter tries the buffered rest again at its end
            try:
                return super().write(data)
            except OSError as error:
                self._has_failed = True
                raise _unwritten(error) from error
        return memoryview(data).nbytes


class _StderrFile(io.FileIO):
    """stderr that ignores a full disk and a missing reader."""

    def write(self, data: ReadableBuffer, /) -> int:
        n_bytes = memoryview(data).nbytes
        with contextlib.suppress(OSError):
            return super().write(data) or n_bytes  # None means a full non-blocking pipe
        return n_bytes


class _TerminalText(io.TextIOWrapper):
    """Text for a terminal: whoever writes it, foreign control characters do not get there."""

    def write(self, text: str, /) -> int:
        super().write(escapes.styled(text))
        return len(text)


def begin() -> None:
    """Open those of the three streams that are closed, and replace Python's writers of stdout and stderr.

    Call it before any file is opened: a file with the number of a closed stream would receive all prints.
    """
    # A closed stdout stays unwritable, so that results for it are not lost silently.
    for descriptor, mode in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        _open_closed(descriptor, mode)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - as long as qasr
    if sys.stdout is sys.__stdout__:
        sys.stdout = _text(_StdoutFile(1, "w", closefd=False), sys.stdout)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _text(_StderrFile(2, "w", closefd=False), sys.stderr)


def guard() -> DataStream:
    """Redirect stdout to stderr, and return the only stream that still writes to the real stdout."""
    sys.stdout.flush()
    real_stdout = os.dup(1)
    os.dup2(2, 1)
    # Prints of a library are never taken for results, even if they cannot be written.
    sys.stdout = sys.stderr
    return DataStream(real_stdout)


def _open_closed(descriptor: int, mode: int) -> None:
    try:
        os.fstat(descriptor)
    except OSError:
        os.open(os.devnull, mode)  # has the lowest free number, which is this one
        os.set_inheritable(descriptor, True)


def _text(raw: io.FileIO, before: TextIO | None) -> TextIO:
    kind = _TerminalText if raw.isatty() else io.TextIOWrapper
    errors = before.errors if before else "backslashreplace"
    return kind(
        io.BufferedWriter(raw),
        encoding=before.encoding if before else "utf-8",
        # A path that is not UTF-8 goes out as its bytes, in every locale.
        errors="surrogateescape" if errors == "strict" else errors,
        line_buffering=True,
    )


def _unwritten(error: OSError) -> Exception:
    if isinstance(error, BrokenPipeError):
        return ReaderGone()
    if error.errno == errno.EBADF:
        return InputOutputError("stdout is closed", "open it, or write files with -o DIR")
    return InputOutputError(f"stdout: {error.strerror}")
