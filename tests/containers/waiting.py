"""Waiting for a container to come to a state."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.containers.container_tool import Container


def wait_for(container: Container, is_so: Callable[[], bool], limit_s: float = 400) -> None:
    """Wait until it is so while the container runs."""
    until_s = time.monotonic() + limit_s
    while not is_so():
        assert container.state("{{.State.Status}}") == "running", container.logs()
        assert time.monotonic() < until_s, container.logs()
        time.sleep(0.2)
