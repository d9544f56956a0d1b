"""Options of progress and logging. None changes a result."""

from __future__ import annotations

from dataclasses import dataclass

from qasr_cli.options.flag import LOGGING, option, require

PROGRESS_STYLES = ("auto", "bar", "plain", "json", "none")
LOG_FORMATS = ("text", "json")


@dataclass(frozen=True, slots=True)
class LogOptions:
    """Progress and logging of a run.

    Attributes:
        progress: auto, bar, plain, json or none.
        log_file: File to append to; "" for none.
        log_format: text or json: format of the log file, or of stderr without one.
        quiet: Errors only.
        verbose: 1 for more, 2 for tracebacks.
    """

    progress: str = option(
        "auto",
        LOGGING,
        "Progress on stderr: auto, bar, plain (one line per file), json or none.",
        "--progress",
        metavar="STYLE",
        harmless=True,
    )
    log_file: str = option(
        "",
        LOGGING,
        "Append events with timestamps to a file, independent of what stderr shows.",
        "--log-file",
        metavar="FILE",
        is_path=True,
    )
    log_format: str = option(
        "text",
        LOGGING,
        "Format of the log file, or of stderr without a log file: text or json (one object per line).",
        "--log-format",
        metavar="FORMAT",
        harmless=True,
    )
    quiet: bool = option(False, LOGGING, "Print errors only.", "--quiet", "-q")
    verbose: int = option(
        0, LOGGING, "Print more; -vv adds tracebacks.", "--verbose", "-v", is_counted=True, harmless=True
    )

    def __post_init__(self) -> None:
        for flag, value, choices in (
            ("--progress", self.progress, PROGRESS_STYLES),
            ("--log-format", self.log_format, LOG_FORMATS),
        ):
            require(value in choices, f"{flag} {value!r} is unknown", flag, f"known: {', '.join(choices)}")

    @property
    def verbosity(self) -> int:
        """The verbosity for `terminal.logs.configure`."""
        return -1 if self.quiet else self.verbose
