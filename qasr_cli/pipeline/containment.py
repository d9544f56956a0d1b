"""Which failures stay with a piece of work, and which end everything.

In goes work; out comes what it returns, or a `QasrError` in its place. This is one of the two places that
catch every `Exception`: a bad file must not stop the others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from qasr_cli.errors import DeviceLostError, QasrError, RemoteError, from_os_error
from qasr_cli.terminal.stdio import ReaderGone

logger = logging.getLogger(__name__)

Value = TypeVar("Value")


def attempt(path: Path | None, work: Callable[[], Value]) -> Value | QasrError:
    """Return what `work` returns, or the error that it ended with.

    Args:
        path: The source, for errors that do not name one; None for engine work on several sources.
        work: May raise anything.

    Raises:
        ReaderGone: The reader of stdout has closed it, which ends the run and not the source.
        RemoteError: The servers cannot do the work: the next source would fail in the same way.
    """
    try:
        return work()
    except (ReaderGone, RemoteError):
        raise
    except QasrError as error:
        return error
    except OSError as error:
        return from_os_error(error, "" if path else "the engine", path=path)
    except Exception as error:
        logger.debug("%s failed", path or "the engine", exc_info=True)
        reason = f"unexpected {type(error).__name__}: {error}"
        return QasrError.about(path, reason) if path else QasrError(f"the engine: {reason}")


def failure_of(work: Callable[[], object]) -> QasrError | None:
    """Return the error that work ended with, whatever it is: for a thread that others wait for.

    Args:
        work: May raise anything.
    """
    try:
        result = attempt(None, work)
    except QasrError as error:  # of servers
        return error
    return result if isinstance(result, QasrError) else None


def contain(work: Callable[[], Value], path: Path | None = None) -> Value | QasrError:
    """Return the result of work on a device, or its error: what there is without it stays.

    Args:
        work: May raise anything.
        path: As in `attempt`.

    Raises:
        DeviceLostError: The device cannot compute anything more.
        RemoteError: The servers cannot do the work.
    """
    result = attempt(path, work)
    if isinstance(result, DeviceLostError):
        raise result
    return result
