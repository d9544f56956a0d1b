"""Nodes of a Ray cluster as processes of this machine, each with an address of its own on loopback."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

RAY = Path(sys.executable).with_name("ray")
_START_S = 120.0
_END_S = 30.0
_STORE_BYTES = 100_000_000


def interfaces() -> set[str]:
    """Return the network interfaces of this namespace."""
    return {
        line.split(":")[0].strip() for line in Path("/proc/net/dev").read_text().splitlines() if ":" in line
    }


def wait_until(condition: Callable[[], object], limit_s: float, what: str) -> None:
    until_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < until_s, f"not within {limit_s} s: {what}"
        time.sleep(0.05)


def command_line(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    return ""


def parents() -> dict[int, int]:
    """Return the parent of every process."""
    found = {}
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            found[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    return found


def below(pid: int) -> list[int]:
    """Return a process's children, and theirs."""
    known = parents()
    found, last = [pid], [pid]
    while last:
        last = [one for one, parent in known.items() if parent in last]
        found += last
    return found[1:]


def ray_processes() -> list[str]:
    """Return the command lines of all processes of Ray, and of actors."""
    lines = {pid: command_line(pid) for pid in parents() if pid != os.getpid()}
    return [
        line
        for line in lines.values()
        if "raylet" in line or "gcs_server" in line or line.startswith("ray::")
    ]


@dataclass
class Node:
    """One machine of the cluster."""

    address: str
    process: subprocess.Popen[bytes]

    def actors(self) -> list[int]:
        """Return the processes of its actors."""
        return [pid for pid in below(self.process.pid) if command_line(pid).startswith("ray::ActorShell")]

    def kill(self) -> None:
        """End it as a power cut does."""
        self.process.send_signal(signal.SIGSTOP)  # it would end the others in order
        for pid in [*below(self.process.pid), self.process.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(_END_S)


@dataclass
class Nodes:
    """A cluster: a head, and nodes that join it.

    Attributes:
        env: Environment of all nodes.
        folder: Ray's own files; its name is short, as sockets lie there.
    """

    env: dict[str, str]
    port: int = 6379
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="qr-", dir="/tmp")))
    nodes: list[Node] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self, n_cpus: int = 1, before: Sequence[str] = (), **env: str) -> Node:
        """Start a node, the first one as the head, and wait until it runs.

        Ray gives a node 30 s, which are over on a machine that has ten times as much to do as it can; so it
        is tried twice.

        Args:
            n_cpus: Cores that it offers.
            before: A program that starts it.
            env: More variables.
        """
        with contextlib.suppress(AssertionError):
            return self._start(n_cpus, before, env)
        return self._start(n_cpus, before, env)

    def _start(self, n_cpus: int, before: Sequence[str], env: dict[str, str]) -> Node:
        number = len(self.nodes) + 1
        own = f"127.0.0.{number}"
        if number == 1:
            place = [
                "--head",
                f"--port={self.port}",
                "--include-dashboard=false",
                f"--temp-dir={self.folder}",
            ]
        else:
            place = [f"--address={self.address}"]
        log = self.folder / f"node-{number}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*before, RAY, "start", *place, f"--node-ip-address={own}", f"--num-cpus={n_cpus}",
                 f"--object-store-memory={_STORE_BYTES}", "--block"],
                env={**self.env, **env}, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/",
                start_new_session=True,
            )  # fmt: skip
        node = Node(own, process)
        self.nodes.append(node)
        try:
            wait_until(
                lambda: b"Ray runtime started" in log.read_bytes() or process.poll() is not None,
                _START_S,
                "a node runs",
            )
            assert process.poll() is None
        except AssertionError:
            self.nodes.remove(node)
            node.kill()
            raise AssertionError(log.read_text("utf-8", "replace")[-3_000:]) from None
        return node

    def actors(self) -> list[int]:
        return [pid for node in self.nodes for pid in node.actors()]

    def close(self) -> None:
        for node in reversed(self.nodes):
            if node.process.poll() is None:
                node.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def running(env: dict[str, str], n_nodes: int, port: int = 6379) -> Iterator[Nodes]:
    """Yield a cluster; no process of Ray is left at the end of the block."""
    nodes = Nodes(env, port)
    try:
        for _ in range(n_nodes):
            nodes.start()
        yield nodes
    finally:
        nodes.close()
