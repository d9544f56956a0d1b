"""What a cluster costs beside a plain run: `make cluster-overhead`.

The same folder with the demo pair on this machine, plainly and with `--cluster auto`: wall time, and CPU
seconds of qasr and all processes of Ray. Those of each process of the namespace are read five times a second,
since Ray lets the system reap its workers, which loses what they have used. Shorter ones are not counted.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.cluster import nodes, speech
from tests.forking.processes import environment

_SIZES = (1, 12, 48)  # files of about 26 s
_N_CLIPS = 8
_SAMPLE_S = 0.2
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print a table."""
    assert os.getpid() == 1, "run `make cluster-overhead`"
    assert nodes.interfaces() == {"lo"}
    print("| files | run | wall, s | CPU, s |\n|---|---|---|---|")  # noqa: T201 - a program
    with tempfile.TemporaryDirectory() as folder:
        env = environment(HOME=folder, QASR_CACHE=f"{folder}/cache")
        for n_files in (0, *_SIZES):  # the first run measures the CPU for itself, and is not counted
            media = Path(folder, f"media-{n_files}")
            speech.write(media, n_files or 1, _N_CLIPS)
            for name, more in (("plain", ()), ("--cluster auto", ("--cluster", "auto"))):
                arguments = ("-r", "--model", "demo", "--srt", "--overwrite", "-q", *more)
                wall_s, cpu_s = _measured(("transcribe", media, *arguments), env)
                if n_files:
                    print(f"| {n_files} | {name} | {wall_s:.1f} | {cpu_s:.1f} |", flush=True)  # noqa: T201


def _measured(arguments: tuple[object, ...], env: dict[str, str]) -> tuple[float, float]:
    """Run qasr; return its wall seconds, and the CPU seconds of all processes until Ray has ended."""
    begun_s = time.monotonic()
    command = [sys.executable, "-m", "qasr_cli", *map(str, arguments)]
    used: dict[tuple[int, str], float] = {}
    with subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            used.update(_used_s())
            time.sleep(_SAMPLE_S)
        wall_s = time.monotonic() - begun_s
    assert process.returncode == 0
    while nodes.ray_processes():
        used.update(_used_s())
        time.sleep(_SAMPLE_S)
    return wall_s, sum(used.values())


def _used_s() -> dict[tuple[int, str], float]:
    """Return the CPU seconds of each process but this one, by its number and start."""
    used = {}
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(folder.name) != os.getpid():
                used[int(folder.name), fields[19]] = (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
    return used


if __name__ == "__main__":
    main()
