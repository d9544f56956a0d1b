"""Servers that the tests of a session share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

import qasr_cli
from qasr_cli.options import EngineOptions, Options
from tests.e2e.conftest import demo_samples, qasr, servers
from tests.serving import server
from tests.serving.in_process import ECHO, InProcess, serving
from tests.serving.server import Served

__all__ = ["demo_samples", "qasr", "servers"]  # runs on the command line, and what one writes


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


@pytest.fixture(scope="session")
def sleepy_server(servers_folder: Path) -> Iterator[Served]:
    """A server whose engine takes three seconds a batch, for all tests: leave nothing running in it."""
    with server.shared(servers_folder, "sleepy") as served:
        yield served


@pytest.fixture(scope="session")
def echo_in_process() -> Iterator[InProcess]:
    """The application with an engine that says made-up words at once."""
    with serving(ECHO) as server:
        yield server


@pytest.fixture(scope="session")
def demo(demo_server: Served) -> Iterator[openai.OpenAI]:
    """OpenAI's client of `demo_server`."""
    with client_of(demo_server) as client:
        yield client


@pytest.fixture(scope="session")
def echo(echo_in_process: InProcess) -> Iterator[openai.OpenAI]:
    """OpenAI's client of `echo_in_process`."""
    with client_of(echo_in_process) as client:
        yield client


@pytest.fixture(scope="session")
def bazarr() -> Iterator[InProcess]:
    """A server of HTTP and Wyoming with the demo pair, in this process."""
    with serving(Options(engine=EngineOptions(model="demo"))) as running:
        yield running


@pytest.fixture(scope="session")
def local() -> Iterator[qasr_cli.Transcriber]:
    """The demo pair without a server, told that English is spoken."""
    with qasr_cli.Transcriber(model="demo", language="en") as transcriber:
        yield transcriber


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of the sample media."""
    return Path(__file__).parents[2] / "samples"


def client_of(server: Served | InProcess, key: str = "unused") -> openai.OpenAI:
    """Return OpenAI's client, which asks once."""
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0)
