"""The errors that only a server has.

Each says what a client may do: `retry_after_s` is the number of seconds after which it may ask again.
"""

from __future__ import annotations

from qasr_cli.errors import ExitCode, QasrError, printable
from qasr_cli.records import Source


class OverloadedError(QasrError):
    """More audio waits than the server accepts."""

    exit_code = ExitCode.TRY_AGAIN
    hint = "ask again after the time in Retry-After"
    retry_after_s: int = 1

    @classmethod
    def after(cls, seconds: int, message: str) -> OverloadedError:
        """Return the error with its time."""
        error = cls(message)
        error.retry_after_s = seconds
        return error


class DrainingError(OverloadedError):
    """The server is about to end."""

    hint = "ask again soon, or another server"
    retry_after_s = 5


class CancelledError(QasrError):
    """The job was cancelled, by its client or because its client is gone."""

    exit_code = ExitCode.TRY_AGAIN
    hint = "send the recording again"


class TooLargeError(QasrError):
    """A request is larger than the server accepts."""

    exit_code = ExitCode.DATA
    hint = "send less, or raise the limit of the server"


def of_client(error: QasrError, source: Source) -> QasrError:
    """Return an error with the client's name for the recording instead of a path of the server."""
    path = error.path
    if path is None or source.path.parent not in path.parents:
        return error
    reason = error.reason.replace(printable(str(path)), "its samples")  # "writing PATH: No space left"
    return type(error).about(source.relative, reason, error.hint)
