"""What a run tells, to whom: progress on stderr, a log file, a report; the flags and what opens them.

In go flags; out come a reporter, and logging that is set up. Whatever cannot be written fails here, before
any work is done.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from qasr_cli import __version__
from qasr_cli.cli import flags
from qasr_cli.cli.flag import flag
from qasr_cli.errors import UsageError
from qasr_cli.options import LogOptions
from qasr_cli.terminal import logs

if TYPE_CHECKING:
    from qasr_cli.terminal.events import Reporter

_RUN = "How it runs"
LogFile = Annotated[
    str,
    flag(
        _RUN,
        "Append what happens to a file, each line with its time, whatever stderr shows.",
        "--log-file",
        metavar="FILE",
        show_default=False,
    ),
]
LogFormat = Annotated[
    str,
    flag(
        _RUN,
        "text or json (an object a line): of the log file; without one, of everything on stderr.",
        "--log-format",
        metavar="FORM",
    ),
]

ReportFile = Annotated[
    Path | None,
    flag(
        _RUN,
        "Write what came of the run, also of one that is ended: FILE.json, or FILE.html with plots of where "
        "the time went and of what to listen to.",
        "--report",
        metavar="FILE",
        show_default=False,
    ),
]


@dataclass(frozen=True, slots=True)
class Telling:
    """How a run speaks; "" is no log file."""

    progress: flags.Progress = "auto"
    log_file: LogFile = ""
    log_format: LogFormat = "text"
    quiet: flags.Quiet = False
    verbose: flags.Verbose = 0

    def options(self) -> LogOptions:
        """Return what is reported, and where."""
        return LogOptions(self.progress, self.log_file, self.log_format, self.quiet, self.verbose)


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
        raise UsageError(f"{flag_name} {file} is an input, too", "name a file of its own")
