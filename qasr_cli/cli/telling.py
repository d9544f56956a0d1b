"""Where a run reports to: progress on stderr, a log file, a report.

In go options; out come a reporter, and logging that is set up. Whatever cannot be written fails here, before
any work is done.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qasr_cli import __version__
from qasr_cli.errors import UsageError
from qasr_cli.options import LogOptions
from qasr_cli.terminal import logs

if TYPE_CHECKING:
    from qasr_cli.terminal.progress import Reporter


def begin(log: LogOptions, inputs: Sequence[Path]) -> Callable[[], Reporter]:
    """Set logging up and return what makes a reporter, one for each run.

    Call it behind `stdio.guard()`, so that not even /dev/stdout leads into the results.

    Raises:
        UsageError: No such style or form, or the log would go into an input.
        QasrError: The log file cannot be opened.
    """
    from qasr_cli.terminal.progress import Both, LogReporter, make_reporter

    log_file = Path(log.log_file) if log.log_file else None
    refuse_inputs("--log-file", log_file, inputs)
    logs.configure(log.verbosity, log_file, log.log_format)
    progress = "json" if logs.is_stderr_json() and log.progress == "auto" else log.progress
    make_reporter(progress, log.verbosity)  # an unknown style is refused now
    if log_file is None:
        return lambda: make_reporter(progress, log.verbosity)
    from qasr_cli.hooks.address import without_secrets

    told = {
        "version": __version__,
        "folder": str(Path.cwd()),
        "arguments": [without_secrets(one) for one in sys.argv[1:]],
    }
    logs.record("start", "info", told)
    return lambda: Both(make_reporter(progress, log.verbosity), LogReporter())


def refuse_inputs(flag_name: str, file: Path | None, inputs: Sequence[Path]) -> None:
    """Refuse to write what a run tells into one of the files that it reads.

    Raises:
        UsageError: `file` is an input.
    """
    if file and any(path.is_file() and file.exists() and path.samefile(file) for path in inputs):
        raise UsageError(f"{flag_name} {file} is an input, too", "name another file", flag=flag_name)
