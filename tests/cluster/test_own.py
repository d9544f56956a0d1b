"""`--cluster auto` without a cluster: one on this machine for the length of the run, for this machine alone.

In a module before those with nodes: Ray looks for clusters among the machine's processes.
"""

from __future__ import annotations

import signal
from pathlib import Path

from tests.cluster import nodes
from tests.cluster.conftest import Desk
from tests.cluster.nodes import wait_until

STEADY = ("--engine", "tests.fakes:steady", "--srt", "--cluster", "auto")


def test_nobody_else_reaches_it_and_nothing_of_it_is_left(desk: Desk, clips: Path) -> None:
    assert nodes.ray_processes() == []
    call = desk.start("transcribe", clips, "-v", *STEADY)
    call.await_line("qasr: cluster, started on this machine")
    call.await_line("done")
    addresses = set(listening())
    assert call.end() == 0, call.stderr
    assert addresses == {"0100007F"}  # 127.0.0.1
    wait_until(lambda: not nodes.ray_processes(), 30, "no process of Ray is left")
    assert list(Path("/tmp").glob("qasr-ray-*")) == []
    assert not any("ray" in line.lower() for line in call.lines[1:] if not line.startswith("qasr: cluster"))


def test_a_killed_run_takes_it_along(desk: Desk, clips: Path) -> None:
    call = desk.start("transcribe", clips, *STEADY)
    call.await_line("done")
    call.process.send_signal(signal.SIGKILL)
    call.end()
    wait_until(lambda: not nodes.ray_processes(), 60, "no process of Ray is left")


def listening() -> list[str]:
    """Return the addresses of this namespace that somebody listens at, as the kernel writes them."""
    found = []
    for name in ("tcp", "tcp6"):
        lines = Path(f"/proc/net/{name}").read_text().splitlines()[1:]
        found += [line.split()[1].rpartition(":")[0][-8:] for line in lines if line.split()[3] == "0A"]
    return found
