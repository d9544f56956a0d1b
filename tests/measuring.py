"""Wall time, CPU time and peak memory of one program and everything it starts."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# Linux counts the memory of whoever forks a process into that process's own peak, so it is started from a
# small program that reports, and not from a test run or benchmark with torch in it.
_LAUNCHER = """
import json, os, subprocess, sys, time
begun = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), time.perf_counter() - begun,
                  usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))
"""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a program took."""

    exit_code: int
    wall_s: float
    cpu_s: float
    peak_mb: float
    errors: str


def measure_qasr(*arguments: object, folder: Path, env: dict[str, str] | None = None) -> Usage:
    """Run `qasr ARGUMENTS` in a folder and return what it took."""
    return measure_python("-m", "qasr_cli", *arguments, folder=folder, env=env)


def measure_python(*arguments: object, folder: Path, env: dict[str, str] | None = None) -> Usage:
    """Run `python ARGUMENTS` in a folder and return what it took."""
    command = [sys.executable, "-c", _LAUNCHER, sys.executable, *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=True)
    exit_code, wall_s, cpu_s, peak_mb = json.loads(done.stdout)
    return Usage(exit_code, wall_s, cpu_s, peak_mb, done.stderr)
