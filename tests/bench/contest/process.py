"""One child process, measured: CPU seconds, wall seconds and peak memory of it and all that it started."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

_MAX_OUTPUT_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Measured:
    """What a process took; the peak counts the pages of mapped files, too."""

    exit_code: int
    wall_s: float
    cpu_s: float
    peak_mb: float
    output: str
    errors: str


def run(command: list[str], environment: dict[str, str], folder: Path) -> Measured:
    """Run a command to its end."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        begun_s = time.monotonic()
        process = subprocess.Popen(
            command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=errors
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall_s = time.monotonic() - begun_s
        texts = []
        for file in (output, errors):
            file.seek(0)
            texts.append(file.read(_MAX_OUTPUT_BYTES).decode("utf-8", "replace"))
    cpu_s = usage.ru_utime + usage.ru_stime
    return Measured(process.returncode, wall_s, cpu_s, usage.ru_maxrss / 1024, texts[0], texts[1])
