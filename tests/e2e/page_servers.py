"""Commands of the pages that start a server, or install what it needs."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

from qasr_cli.errors import ExitCode


def extras_in(command: str) -> set[str]:
    """Return the extras that a command installs."""
    return {one for names in re.findall(r"(?:qasr|'\.)\[([\w,-]+)\]", command) for one in names.split(",")}


def key_file(desk: Path) -> Path:
    """Return a file with a key."""
    file = desk / "key.txt"
    file.write_text("our-key\n")
    return file


def serve(command: str, desk: Path, env: dict[str, str]) -> None:
    """Start a server on this machine alone, and end it once it is ready."""
    ready = desk / "ready.json"
    command = re.sub(r"--host \S+", "--host 127.0.0.1", command)
    command = re.sub(r"--key-file \S+", f"--key-file {key_file(desk)}", command)
    line = ["bash", "-c", f"{command} --port 0 --ready-file {ready}"]
    with subprocess.Popen(line, cwd=desk, env=env, stderr=subprocess.PIPE, start_new_session=True) as service:
        try:
            until_s = time.monotonic() + 120
            while not ready.exists():
                assert service.poll() is None, service.communicate()
                assert time.monotonic() < until_s
                time.sleep(0.05)
        finally:
            os.killpg(service.pid, signal.SIGTERM)
        service.communicate(timeout=60)
    assert service.returncode in {ExitCode.TERMINATED, -signal.SIGTERM}  # with or without bash around it
