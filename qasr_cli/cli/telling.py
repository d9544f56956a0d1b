"""What a run reports while it works: progress on stderr, a log file, a report.

In go flags; out come `LogOptions`. The task itself sets logging up (`tasks.observers`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from qasr_cli.cli import flags
from qasr_cli.cli.flag import flag
from qasr_cli.options import LogOptions

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
