"""Servers that the tests of a session share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import server
from tests.serving.server import Served


@pytest.fixture(scope="session")
def servers_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this session have in common."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def demo_server(servers_folder: Path) -> Iterator[Served]:
    """A server with the demo pair, for all tests: leave nothing running in it."""
    with server.shared(servers_folder, "demo") as served:
        yield served


@pytest.fixture(scope="session")
def echo_server(servers_folder: Path) -> Iterator[Served]:
    """A server with made-up words, which needs no torch, for all tests: leave nothing running in it."""
    with server.shared(servers_folder, "echo") as served:
        yield served
