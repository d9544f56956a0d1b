"""Logging set-up: qasr's messages as plain lines on stderr, those of libraries reduced.

In go a verbosity, and the path and form of an optional log file; nothing comes out. Configured here only; the
other packages call `logging.getLogger`. A log file is appended to and also records a run's events, whatever
stderr shows; if it cannot be written, that is reported once and never stops a run. Any thread may
log: the handlers of `logging` lock.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import stat
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from qasr_cli.errors import CannotCreateError, QasrError, UsageError, from_os_error, printable
from qasr_cli.operating_system import files
from qasr_cli.options import LOG_FORMATS
from qasr_cli.terminal.events import json_line, text_line

_QASR = "qasr_cli"
_EVENTS = logging.getLogger("qasr_events")  # events of a run; for the log file only
_EVENTS.propagate = False
_EVENTS.addHandler(logging.NullHandler())
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

_LATER: list[str] = []  # warnings from before `configure`

_MAKING_ROOM: list[Callable[[], None]] = []  # what removes text from the terminal that lines would run into

Line = Callable[[str, str, Mapping[str, object]], str]


class _Stderr(logging.StreamHandler[TextIO]):
    """stderr; text that a terminal shows below all lines goes away for a line."""

    def emit(self, record: logging.LogRecord) -> None:
        if self.stream.isatty():
            for make_room in _MAKING_ROOM:
                make_room()
        super().emit(record)


class _OneLine(logging.Formatter):
    """`qasr: message`; a traceback only with -vv."""

    def format(self, record: logging.LogRecord) -> str:
        level = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
        line = f"qasr: {level}{printable(record.getMessage())}"
        if not record.exc_info:
            return line
        return "\n".join((line, *map(printable, self.formatException(record.exc_info).splitlines())))


class _Event(logging.Formatter):
    """A line with time, level, event and fields; a log message is an event called `note`."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self.line = line

    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, "fields", None)
        level = record.levelname.lower()
        if fields is not None:
            return self.line(record.msg, level, fields)
        fields = {"text": printable(record.getMessage())}
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return self.line("note", level, fields)


class _LogFile(logging.FileHandler):
    """A log file that survives rotation: when its path leads to another file or none, it is reopened.

    It is written at its end wherever that is, so it may also be emptied in place. A failure is reported once
    and does not affect the run; each later record tries again.
    """

    has_failed = False
    _identity: tuple[int, int] | None = None  # of a regular file; a pipe or a device is never opened anew

    def _open(self) -> TextIOWrapper:
        path = Path(self.baseFilename)
        if _is_binary(path):
            raise FileExistsError(errno.EEXIST, "exists and is not a text file", str(path))
        # Without waiting: a FIFO without a reader is an error, and would hold up whoever logs.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | files.NO_BLOCK | files.CLOSE_ON_EXEC
        descriptor = os.open(path, flags, 0o666)
        files.wait_for_room(descriptor)
        status = os.fstat(descriptor)
        self._identity = (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None
        return open(descriptor, "a", encoding=self.encoding, errors=self.errors)  # noqa: PTH123

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self.stream is None or self._has_moved():
                self.reopen()
        except OSError:
            self.handleError(record)
        else:
            super().emit(record)

    def reopen(self) -> None:
        """Reopen the file.

        Raises:
            OSError: It cannot be opened; the next record tries again.
        """
        with self.lock or contextlib.nullcontext():
            if self.stream is not None:
                before, self.stream = self.stream, None
                with contextlib.suppress(OSError):  # what a full disk has not taken is lost
                    before.close()
            self.stream = self._open()

    def _has_moved(self) -> bool:
        if self._identity is None:
            return False
        try:
            status = Path(self.baseFilename).stat()
        except FileNotFoundError:
            return True
        except OSError:  # a folder that may not be searched for now: the open file still takes records
            return False
        return (status.st_dev, status.st_ino) != self._identity

    def handleError(self, record: logging.LogRecord) -> None:
        if not self.has_failed:
            self.has_failed = True
            error = sys.exc_info()[1]
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            sys.stderr.write(
                f"qasr: warning: {printable(self.baseFilename)}: {reason}; "
                "no events are logged until it can be written\n"
            )


def configure(verbosity: int, file: Path | None = None, form: str = "text") -> None:
    """Set levels: -1 errors only, 0 warnings, 1 qasr's progress notes, 2 all of qasr, 3 libraries too.

    The form is that of the log file, or of stderr without a log file.

    Raises:
        UsageError: The form is unknown, or the file is stdout.
        QasrError: The file cannot be opened.
    """
    if form not in LOG_FORMATS:
        raise UsageError(
            f"--log-format {form!r} is unknown", f"known: {', '.join(LOG_FORMATS)}", flag="--log-format"
        )
    event_form = _Event(json_line if form == "json" else text_line)
    stderr = _Stderr(sys.stderr)
    stderr.setFormatter(event_form if form == "json" and file is None else _OneLine())
    stderr_level = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO}.get(verbosity, logging.DEBUG)
    stderr.setLevel(stderr_level)
    handlers: list[logging.Handler] = [stderr]
    _EVENTS.handlers[:] = [logging.NullHandler()]
    _EVENTS.setLevel(logging.INFO)
    if file is not None:
        log_file = _open(file)
        log_file.setFormatter(event_form)
        handlers.append(log_file)
        _EVENTS.addHandler(log_file)
    root = logging.getLogger()
    root.handlers[:] = handlers
    root.setLevel(logging.DEBUG if verbosity >= 3 else logging.ERROR)
    own_level = min(stderr_level, logging.INFO) if file else stderr_level
    logging.getLogger(_QASR).setLevel(own_level)
    if verbosity < 3:
        warnings.simplefilter("ignore")  # libraries' advice to their own callers
    while _LATER:
        logging.getLogger(_QASR).warning("%s", _LATER.pop(0))


@contextlib.contextmanager
def making_room(make_room: Callable[[], None]) -> Iterator[None]:
    """Call a function before each line on a terminal, for the time of a block.

    Args:
        make_room: Removes the text at the cursor; called from any thread, and raises nothing.
    """
    _MAKING_ROOM.append(make_room)
    try:
        yield
    finally:
        _MAKING_ROOM.remove(make_room)


def warn_later(text: str) -> None:
    """Write a warning as soon as logging is configured, so that -q, a log file and its form count."""
    _LATER.append(text)


def _open(file: Path) -> _LogFile:
    if str(file) == "-":
        raise UsageError(
            "--log-file -: stdout is for results",
            "name a file; without --log-file, messages go to stderr",
            flag="--log-file",
        )
    if _is_binary(file):
        raise CannotCreateError(
            f"--log-file {file} exists and is not a text file",
            "choose another file",
            path=file,
            flag="--log-file",
        )
    try:
        return _LogFile(file, mode="a", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        failure = from_os_error(error, f"--log-file {file}", path=file, flag="--log-file")
        if isinstance(failure, CannotCreateError):
            # The usual hint of -o does not apply to a log file
            failure.hint = "check its folder and permissions"
        raise failure from error


def _is_binary(file: Path) -> bool:
    """Whether a file exists that is not text, such as a film: no log is appended to it."""
    with contextlib.suppress(OSError):
        if os.path.isfile(file):
            with file.open("rb") as opened:
                return b"\0" in opened.read(4096)  # media has a zero byte there, text in UTF-8 has none
    return False


def reopen() -> None:
    """Reopen the log file, if there is one.

    Raises:
        OSError: It cannot be opened; the next record tries again.
    """
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _LogFile):
            handler.reopen()


def is_stderr_json() -> bool:
    """Whether stderr is JSON."""
    return any(
        isinstance(handler, logging.StreamHandler)
        and not isinstance(handler, logging.FileHandler)
        and isinstance(handler.formatter, _Event)
        for handler in logging.getLogger().handlers
    )


def record(event: str, level: str, fields: Mapping[str, object]) -> None:
    """Write an event into the log file, if there is one."""
    _EVENTS.log(_LEVELS[level], event, extra={"fields": fields})


def plain_line(text: str) -> str:
    """Return a note as a line for stderr, in the form that stderr has."""
    return json_line("note", "info", {"text": text}) if is_stderr_json() else f"qasr: {text}"


def error_line(error: QasrError) -> str:
    """Return the line for the user: what is wrong, and the next step."""
    return f"qasr: error: {error.message}; {error.hint}"


def report_error(error: QasrError) -> None:
    """Write one line to stderr and the log file: what is wrong, and the next step."""
    fields = {"text": error.message, "next_step": error.hint, "exit_code": int(error.exit_code)}
    record("error", "error", fields)
    sys.stderr.write((json_line("error", "error", fields) if is_stderr_json() else error_line(error)) + "\n")
    sys.stderr.flush()


def report_crash(error: Exception) -> None:
    """Print one line about an unexpected error; -vv adds the traceback."""
    logging.getLogger(_QASR).debug("unexpected error", exc_info=error)
    report_error(QasrError(f"unexpected {type(error).__name__}: {error}"))
