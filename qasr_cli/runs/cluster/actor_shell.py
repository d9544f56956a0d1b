"""The class that Ray ships to its workers, by value: a worker without qasr, or with another one, can run it.

In go texts and bytes; out come bytes. Imports qasr only after it has compared versions; what it is given is
pickled by the run and read by `worker` alone. Knows nothing of Ray.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class ActorShell:
    """An actor; several threads call it: one a batch, and one that ends it."""

    def __init__(self) -> None:
        self._worker: Any = None

    def start(self, version: str, setup: bytes) -> tuple[bool, bytes, str]:
        """Load the engines; return whether that worked, a pickled answer, and why not without an answer."""
        import socket

        host = socket.gethostname()
        try:
            from qasr_cli.version import __version__
        except ImportError:
            return False, b"", f"{host} has no qasr in the Python of its Ray"
        if __version__ != version:
            return False, b"", f"{host} has qasr {__version__}, and this is {version}"
        from qasr_cli.runs.cluster.worker import started

        self._worker, answer = started(setup)
        return self._worker is not None, answer, ""

    def work(self, payload: bytes) -> Iterator[bytes]:
        """Yield what happens to a batch of sources, as it happens."""
        yield from self._worker.work(payload)

    def stop(self) -> None:
        """End what is under way, and remove what is on the disk of this machine."""
        if self._worker is not None:
            self._worker.stop()
