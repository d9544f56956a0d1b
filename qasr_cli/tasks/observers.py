"""Logging and progress reporters of a run: stderr and a log file.

In go log options; out come configured logging and reporters. A file that cannot be written is an error here,
before any work is done. Call it after `stdio.guard()`, so that not even /dev/stdout leads into the results.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from qasr_cli.errors import UsageError
from qasr_cli.options import LogOptions
from qasr_cli.runs.files.same_file import is_same_file
from qasr_cli.runs.reports.arguments import shown_arguments
from qasr_cli.terminal import logs
from qasr_cli.terminal.events import Reporter
from qasr_cli.terminal.progress import Both, LogReporter, make_reporter
from qasr_cli.version import __version__


def set_up(log: LogOptions, inputs: Sequence[Path]) -> Callable[[], Reporter]:
    """Set up logging and return a function that makes a reporter for each run.

    Raises:
        UsageError: The style or form is unknown, or the log file is an input.
        QasrError: The log file cannot be opened.
    """
    log_file = Path(log.log_file) if log.log_file else None
    refuse_inputs("--log-file", log_file, inputs)
    logs.configure(log.verbosity, log_file, log.log_format)
    style = "json" if logs.is_stderr_json() and log.progress == "auto" else log.progress
    make_reporter(style, log.verbosity)  # an unknown style is refused now
    if log_file is None:
        return lambda: make_reporter(style, log.verbosity)
    fields = {
        "version": __version__,
        "folder": str(Path.cwd()),
        "arguments": list(shown_arguments(sys.argv[1:])),
    }
    logs.record("start", "info", fields)
    return lambda: Both(make_reporter(style, log.verbosity), LogReporter())


def chattier(log: LogOptions) -> LogOptions:
    """Return log options that show what happens: a server or a live session has no other progress."""
    return log if log.quiet else replace(log, verbose=log.verbose + 1)


def refuse_inputs(flag: str, file: Path | None, inputs: Sequence[Path]) -> None:
    """Refuse to write a log or a report into one of the inputs.

    Raises:
        UsageError: `file` is an input.
    """
    if file and any(os.path.isfile(path) and is_same_file(path, file) for path in inputs):
        raise UsageError(f"{flag} {file} is an input, too", "name another file", path=file, flag=flag)
