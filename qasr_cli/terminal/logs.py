"""Logging set-up: qasr's messages as plain lines on stderr, those of libraries reduced.

In go a verbosity, and the path and form of an optional log file; nothing comes out. Configured here only; the
other packages call `logging.getLogger`. A log file is appended to and also records a run's events, whatever
stderr shows; if it cannot be written any more, that is reported once and never stops a run. Any thread may
log: the handlers of `logging` lock.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

from qasr_cli.errors import CannotCreateError, QasrError, UsageError, from_os_error, printable
from qasr_cli.options import LOG_FORMATS
from qasr_cli.terminal.events import json_line, text_line

_QASR = "qasr_cli"
_EVENTS = logging.getLogger("qasr_events")  # events of a run; for the log file only
_EVENTS.propagate = False
_EVENTS.addHandler(logging.NullHandler())
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

_LATER: list[str] = []  # warnings from before `configure`

Line = Callable[[str, str, Mapping[str, object]], str]


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
    """A log file; a failure to write it is reported once and does not affect the run."""

    has_failed = False

    def handleError(self, record: logging.LogRecord) -> None:
        if not self.has_failed:
            self.has_failed = True
            reason = printable(f"{self.baseFilename}: {sys.exc_info()[1]}")
            sys.stderr.write(f"qasr: warning: {reason}; nothing more is logged\n")


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
    stderr = logging.StreamHandler(sys.stderr)
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
        if file.is_file():
            with file.open("rb") as opened:
                return b"\0" in opened.read(4096)  # media has a zero byte there, text in UTF-8 has none
    return False


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
