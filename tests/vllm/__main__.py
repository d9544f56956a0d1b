"""`make vllm`: this folder's tests with a real vLLM server beside them, then the figures of both engines.

In goes nothing; out come pytest's lines, a table, and one line that counts. `QASR_VLLM_URL` points the
client's tests at a server that runs already. Exits 1 if a test has failed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from qasr_cli.engines import model_store
from tests.vllm import server, speed

HERE = Path(__file__).parent


def _pytest(folder: Path) -> tuple[bool, str]:
    """Run this folder's tests in a process of their own; return whether all passed, and what there was."""
    report = folder / "report.xml"
    command = [
        sys.executable,
        "-m",
        "pytest",
        str(HERE),
        "-q",
        "-p",
        "no:cacheprovider",
        f"--junitxml={report}",
    ]
    code = subprocess.run([*command, *sys.argv[1:]], check=False).returncode
    counts = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    if report.exists():
        for suite in ElementTree.parse(report).iter("testsuite"):
            counts = {name: counts[name] + int(suite.get(name, 0)) for name in counts}
    return code == 0, ", ".join(f"{number} {name}" for name, number in counts.items())


def main() -> int:
    """Run all of it and return the exit code."""
    if importlib.util.find_spec("vllm") is None and server.URL not in os.environ:
        sys.stderr.write(f"vllm is not installed here, and {server.URL} names no server: make vllm\n")
        return 1
    with tempfile.TemporaryDirectory() as folder, _server(Path(folder)) as url:
        os.environ[server.URL] = url
        has_passed, words = _pytest(Path(folder))
    if has_passed and len(sys.argv) == 1:
        sys.stdout.write(speed.table())
    sys.stdout.write(f"vllm: {words}\n")
    return int(not has_passed)


@contextlib.contextmanager
def _server(folder: Path) -> Iterator[str]:
    """Yield the URL of the given server, or of one that is started for the time."""
    if given := os.environ.get(server.URL):
        yield given
        return
    model = Path(model_store.recognizer_location(model_store.DEMO))
    with server.serving(model, folder / "server.log") as url:
        yield url


if __name__ == "__main__":
    sys.exit(main())
