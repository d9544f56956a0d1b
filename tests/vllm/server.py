"""A real vLLM server on loopback, for tests of a client.

In goes a model's folder; out comes the URL of a server that is ready, and stops at the end of the `with`. Its
log stays in a file, whose end is shown if it does not start.
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
from collections.abc import Iterator
from pathlib import Path

URL = "QASR_VLLM_URL"  # of a server that runs already, for tests that need one
MODEL_NAME = "qwen3-asr-demo"
_START_S = 900.0  # 30 s on a machine of its own
_STOP_S = 60.0
_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_HOST_IP": "127.0.0.1",
    "GLOO_SOCKET_IFNAME": "lo",
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB
    "OMP_NUM_THREADS": "1",
}


@contextlib.contextmanager
def serving(model: Path, log: Path, *more: str) -> Iterator[str]:
    """Start a server for the model and yield its URL, without `/v1`.

    Args:
        model: Folder of a recognizer.
        log: File for what the server prints.
        more: Further arguments of vLLM's server.

    Raises:
        RuntimeError: It has not started; the message has the end of its log.
    """
    port = _free_port()
    command = [
        *(sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(model)),
        *("--served-model-name", MODEL_NAME, "--host", "127.0.0.1", "--port", str(port)),
        *("--dtype", "float32", "--max-model-len", "2048", "--enforce-eager", "--max-num-seqs", "32"),
        *("--gpu-memory-utilization", "0.3", "--limit-mm-per-prompt", '{"audio":1}', *more),
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=os.environ | _ENVIRONMENT,
            start_new_session=True,  # its own processes end with it
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(process, f"{url}/health", log)
        yield url
    finally:
        _stop(process)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], health: str, log: Path) -> None:
    until_s = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < until_s:
        try:
            with urllib.request.urlopen(health, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    end = log.read_text("utf-8", "replace")[-4000:]
    raise RuntimeError(f"vLLM's server has not started in {_START_S:.0f} s:\n{end}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(_STOP_S)
