"""Servers that the tests of a session share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from tests.e2e.conftest import demo_samples, servers
from tests.serving import server
from tests.serving.in_process import DEMO, ECHO, InProcess, serving
from tests.serving.server import Served

__all__ = ["demo_samples", "servers"]  # what a run on the command line writes


@pytest.fixture(scope="session")
def servers_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this session have in common."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def demo_process(servers_folder: Path) -> Iterator[Served]:
    """`qasr serve` with the demo pair, for all tests: leave nothing running in it."""
    with server.shared(servers_folder, "demo") as served:
        yield served


@pytest.fixture(scope="session")
def echo_process(servers_folder: Path) -> Iterator[Served]:
    """`qasr serve` with made-up words, which needs no torch, for all tests: leave nothing running in it."""
    with server.shared(servers_folder, "echo") as served:
        yield served


@pytest.fixture(scope="session")
def sleepy_process(servers_folder: Path) -> Iterator[Served]:
    """`qasr serve` with an engine that takes three seconds a batch, for all tests."""
    with server.shared(servers_folder, "sleepy") as served:
        yield served


@pytest.fixture(scope="session")
def demo_server() -> Iterator[InProcess]:
    """The application with the demo pair, in this process."""
    with serving(DEMO) as server:
        yield server


@pytest.fixture(scope="session")
def echo_server() -> Iterator[InProcess]:
    """The application with an engine that says made-up words at once."""
    with serving(ECHO) as server:
        yield server


@pytest.fixture(scope="session")
def demo(demo_server: InProcess) -> Iterator[openai.OpenAI]:
    """OpenAI's client of `demo_server`."""
    with client_of(demo_server) as client:
        yield client


@pytest.fixture(scope="session")
def echo(echo_server: InProcess) -> Iterator[openai.OpenAI]:
    """OpenAI's client of `echo_server`."""
    with client_of(echo_server) as client:
        yield client


def client_of(server: InProcess) -> openai.OpenAI:
    """Return OpenAI's client, which asks once."""
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="unused", max_retries=0)
