"""Handlers of SIGINT and SIGTERM: both keep finished files and clean up; a second Ctrl-C stops at once.

Nothing goes in; handlers are installed for the process.
"""

from __future__ import annotations

import contextlib
import os
import signal
from types import FrameType

from qasr_cli.errors import ExitCode


def install() -> None:
    """Install the handlers; call it in the main thread."""
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a shell's `&` ignores SIGINT
        signal.signal(signal.SIGINT, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, _stop_at_once)
    raise KeyboardInterrupt


def _stop_at_once(number: int, frame: FrameType | None) -> None:
    # Files in progress have no name yet, and the next run removes the scratch folder. The message is written
    # to the descriptor, since the signal may have interrupted a write to sys.stderr.
    cursor = b"\x1b[?25h" if os.isatty(2) else b""
    with contextlib.suppress(OSError):
        os.write(2, cursor + b"qasr: stopped at once\n")
    os._exit(ExitCode.INTERRUPTED)


def _terminate(number: int, frame: FrameType | None) -> None:
    # Without this, `finally` blocks do not run on SIGTERM and temporary files stay.
    raise SystemExit(128 + number)
