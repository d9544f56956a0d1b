"""What a cluster costs beside a plain run: `make cluster-overhead`.

The same folder with the demo pair on this machine, plainly and with `--cluster auto`: wall time, and CPU
seconds of qasr and all processes of Ray. It is the first process of its namespace, so that every process that
ends is its child in the end, and counted.
"""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.cluster import nodes, speech
from tests.forking.processes import environment

_SIZES = (1, 12, 48)  # files of about 26 s
_N_CLIPS = 8


def main() -> None:
    """Measure and print a table."""
    assert os.getpid() == 1, "run `make cluster-overhead`"
    assert nodes.interfaces() == {"lo"}
    print("| files | run | wall, s | CPU, s |\n|---|---|---|---|")  # noqa: T201 - a program
    with tempfile.TemporaryDirectory() as folder:
        env = environment(HOME=folder, QASR_CACHE=f"{folder}/cache")
        for n_files in _SIZES:
            media = Path(folder, f"media-{n_files}")
            speech.write(media, n_files, _N_CLIPS)
            for name, more in (("plain", ()), ("--cluster auto", ("--cluster", "auto"))):
                arguments = ("-r", "--model", "demo", "--srt", "--overwrite", "-q", *more)
                wall_s, cpu_s = _measured(("transcribe", media, *arguments), env)
                print(f"| {n_files} | {name} | {wall_s:.1f} | {cpu_s:.1f} |", flush=True)  # noqa: T201


def _measured(arguments: tuple[object, ...], env: dict[str, str]) -> tuple[float, float]:
    begun_s, before_s = time.monotonic(), _cpu_s()
    command = [sys.executable, "-m", "qasr_cli", *map(str, arguments)]
    subprocess.run(command, env=env, check=True, stderr=subprocess.DEVNULL)
    wall_s = time.monotonic() - begun_s
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    return wall_s, _cpu_s() - before_s


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
