"""`make vllm`: this folder's tests with a real vLLM server beside them, then the figures of both engines.

In goes nothing; out come pytest's lines, a table, and one line that counts. `QASR_VLLM_URL` points the
client's tests at a server that runs already. Exits 1 if a test has failed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from qasr_cli.engines import model_store
from tests.vllm import server, speed

HERE = Path(__file__).parent


class _Count:
    """Counts how tests have ended, as pytest reports it."""

    def __init__(self) -> None:
        self.outcomes: dict[str, int] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[report.outcome] = self.outcomes.get(report.outcome, 0) + 1


def main() -> int:
    """Run all of it and return the exit code."""
    if importlib.util.find_spec("vllm") is None and server.URL not in os.environ:
        sys.stderr.write(f"vllm is not installed here, and {server.URL} names no server: make vllm\n")
        return 1
    count = _Count()
    with _server() as url:
        os.environ[server.URL] = url
        failed = pytest.main([str(HERE), "-q", "-p", "no:cacheprovider", *sys.argv[1:]], plugins=[count])
    if not failed and len(sys.argv) == 1:
        sys.stdout.write(speed.table())
    words = ", ".join(f"{n} {outcome}" for outcome, n in sorted(count.outcomes.items())) or "nothing ran"
    sys.stdout.write(f"vllm: {words}\n")
    return int(bool(failed))


@contextlib.contextmanager
def _server() -> Iterator[str]:
    """Yield the URL of the given server, or of one that is started for the time."""
    if given := os.environ.get(server.URL):
        yield given
        return
    with tempfile.TemporaryDirectory() as folder:
        model = Path(model_store.recognizer_location(model_store.DEMO))
        with server.serving(model, Path(folder) / "server.log") as url:
            yield url


if __name__ == "__main__":
    sys.exit(main())
