"""Logging set-up: qasr's own messages as plain lines on stderr, everybody else's kept down.

In goes a verbosity; nothing comes out. Configured here only; the other rooms call `logging.getLogger`.
"""

from __future__ import annotations

import logging
import sys
import warnings

from qasr_cli.errors import QasrError, printable

_QASR = "qasr_cli"


class _OneLine(logging.Formatter):
    """`qasr: message`; a traceback only where -vv asked for one."""

    def format(self, record: logging.LogRecord) -> str:
        level = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
        line = f"qasr: {level}{printable(record.getMessage())}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure(verbosity: int) -> None:
    """Set levels: -1 errors only, 0 warnings, 1 qasr's progress notes, 2 all of qasr, 3 libraries too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if verbosity >= 3 else logging.ERROR)
    own = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO}
    logging.getLogger(_QASR).setLevel(own.get(verbosity, logging.DEBUG))
    if verbosity < 3:
        warnings.simplefilter("ignore")  # libraries' advice to their own callers


def error_line(error: QasrError) -> str:
    """Return the one line that the user sees: what is wrong, and the next step."""
    return f"qasr: error: {error.message}; {error.hint}"


def report_error(error: QasrError) -> None:
    """Print an error's one line on stderr."""
    sys.stderr.write(error_line(error) + "\n")
    sys.stderr.flush()


def report_crash(error: Exception) -> None:
    """Print one line about an error that nobody foresaw; the traceback comes with -vv."""
    logging.getLogger(_QASR).debug("unexpected error", exc_info=error)
    report_error(QasrError(f"unexpected {type(error).__name__}: {error}"))
