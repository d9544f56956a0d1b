"""The engine `tests.forking.probe:engine` writes down what its process is, and then works like the echo.

The text goes into `probe.json` of the folder that the process runs in.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from qasr_cli.options import EngineOptions
from qasr_cli.speech.inference.protocols import Engines
from tests import fakes


def engine(options: EngineOptions) -> Engines:
    """Write all that a process has from whoever started it, and return engines that work."""
    Path("probe.json").write_text(json.dumps(_describe(), default=str))
    return fakes.echo(options)


def _describe() -> dict[str, Any]:
    main = sys.modules["__main__"]
    return {
        "main": getattr(main, "__file__", None),
        "package": getattr(main, "__package__", None),
        "arguments": sys.argv,
        "path": sys.path,
        "flags": list(sys.flags),
        "environment": dict(os.environ),
        "folder": os.getcwd(),  # noqa: PTH109 - as the system has it
        "streams": [_stream(getattr(sys, name)) for name in ("stdin", "stdout", "stderr")],
        "originals": [_stream(getattr(sys, f"__{name}__")) for name in ("stdin", "stdout", "stderr")],
        "kinds": [os.fstat(descriptor).st_mode for descriptor in range(3)],
        "signals": [[number, signal.getsignal(number)] for number in signal.valid_signals() if number < 32],
        "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        "limits": [resource.getrlimit(one) for one in range(16)],
        "group": os.getpgrp(),
        "session": os.getsid(0),
        "umask": _umask(),
        "nice": os.nice(0),
        "collector": [gc.isenabled(), gc.get_threshold()],
        "main thread": threading.main_thread() in threading.enumerate(),
    }


def _stream(stream: Any) -> list[Any]:
    return [type(stream).__name__, stream.fileno(), stream.encoding, stream.errors, stream.line_buffering]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
