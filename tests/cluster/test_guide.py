"""The commands of docs/how-to/clusters.md, as they stand there but for addresses and the media's place."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.cluster import nodes
from tests.cluster.nodes import wait_until
from tests.forking.processes import ROOT

PAGE = ROOT / "docs/how-to/clusters.md"
N_COMMANDS = 8
STEADY = "tests.fakes:echo"


def commands() -> list[str]:
    """Return the page's commands in their order, without comments."""
    blocks = re.findall(r"```text\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def test_the_commands_run(tmp_path: Path, clips: Path, env: dict[str, str]) -> None:
    assert nodes.ray_processes() == []  # a module before those with nodes, as `auto` would find them
    shown = commands()
    assert len(shown) == N_COMMANDS
    place = tempfile.mkdtemp(prefix="qr-")  # short: paths of sockets have 107 bytes
    own = {name: value for name, value in env.items() if not name.startswith("RAY_AUTH")}
    path = f"{Path(sys.executable).parent}:{env['PATH']}"
    own |= {"PATH": path, "QASR_ENGINE": STEADY, "SLURM_ARRAY_TASK_ID": "1", "RAY_AUTH_MODE": "token"}
    for number, shown_command in enumerate(shown):
        if shown_command.startswith(("pip ", "export ")):
            continue
        command = shown_command.replace("10.0.0.1", "127.0.0.1").replace("/media", str(clips))
        command = command.replace("ray start --head", f"ray start --head --temp-dir={place}")
        if command.startswith("ray start"):
            command += f" --node-ip-address=127.0.0.{1 if '--head' in command else 2} --num-cpus=1"
        if command.startswith("qasr"):
            command += f" -o {tmp_path}/out-{number}"
        done = subprocess.run(
            ["sh", "-c", command], env=own, cwd=tmp_path, capture_output=True, text=True, timeout=240,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.stderr}"
        if command.startswith("qasr") and "--cluster" in command:
            assert "60 done" in done.stderr
    for pid in nodes.parents():
        if any(name in nodes.command_line(pid) for name in (place, "ray::", "raylet", "gcs_server")):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not nodes.ray_processes(), 30, "no process of Ray is left")
    shutil.rmtree(place, ignore_errors=True)
