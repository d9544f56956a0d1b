"""Servers as processes: what they cost, with all that they start.

In go commands; out come addresses and CPU seconds. A server listens on 127.0.0.1 alone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "qasr_cli" / "demo" / "asr"
VLLM_PYTHON = ROOT / ".venv-vllm" / "bin" / "python"
_START_S = 400  # vLLM on a busy machine
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server.

    Attributes:
        name: For tables.
        url: Without a path.
        model: The name that requests give.
        pid: Of its process group.
    """

    name: str
    url: str
    model: str
    pid: int

    def cpu_s(self) -> float:
        """Return the CPU seconds of all its processes so far, also of those that are over."""
        return sum(_cpu_s(pid) for pid in _group(self.pid))

    def rss_mb(self) -> float:
        """Return the resident memory of all its processes."""
        return sum(_rss_mb(pid) for pid in _group(self.pid))

    def metric(self, name: str) -> float:
        """Return the sum of a metric's samples."""
        with urllib.request.urlopen(f"{self.url}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        return sum(
            float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{"))
        )


def _group(leader: int) -> list[int]:
    """Return the processes of a session."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if os.getsid(int(entry.name)) == leader:
                found.append(int(entry.name))
    return found


def _cpu_s(pid: int) -> float:
    with contextlib.suppress(OSError):
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, after_name[11:15])) / _TICKS  # own, and of children that were waited for
    return 0.0


def _rss_mb(pid: int) -> float:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6
    return 0.0


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def qasr(*flags: str) -> Iterator[Server]:
    """Yield `qasr serve` with the demo pair and one thread of computation."""
    port = _free_port()
    command = [sys.executable, "-m", "qasr_cli", "serve", "-m", "demo", "--port", str(port), "--no-page"]
    with _running("qasr serve", [*command, *flags], port, {"OMP_NUM_THREADS": "1"}) as server:
        yield server


@contextlib.contextmanager
def vllm() -> Iterator[Server]:
    """Yield vLLM's server with the demo recogniser, as `docs/how-to/vllm.md` starts it."""
    port = _free_port()
    command = [str(VLLM_PYTHON), "-m", "vllm.entrypoints.openai.api_server", "--model", str(DEMO)]
    command += ["--served-model-name", "demo", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--dtype", "float32", "--max-model-len", "2048", "--enforce-eager", "--max-num-seqs", "32"]
    command += ["--gpu-memory-utilization", "0.3", "--limit-mm-per-prompt", '{"audio":1}']
    quiet = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    with _running(
        "vLLM", command, port, quiet | {"VLLM_CPU_KVCACHE_SPACE": "1", "OMP_NUM_THREADS": "1"}
    ) as server:
        yield server


@contextlib.contextmanager
def _running(name: str, command: Sequence[str], port: int, env: Mapping[str, str]) -> Iterator[Server]:
    process = subprocess.Popen(
        command,
        env=os.environ | env,
        cwd=ROOT,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        until_s = time.monotonic() + _START_S
        while not _is_healthy(url):
            if process.poll() is not None or time.monotonic() > until_s:
                raise SystemExit(f"{name} does not start: {' '.join(command)}")
            time.sleep(0.2)
        yield Server(name, url, "demo", process.pid)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def _is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
