"""Servers that tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

import qasr_cli
from qasr_cli.options import EngineOptions
from tests.e2e.conftest import demo_samples, servers
from tests.serving import with_wyoming
from tests.serving.in_process import DEMO, ECHO, InProcess, serving
from tests.serving.with_wyoming import Serving

__all__ = ["demo_samples", "servers"]  # what a run on the command line writes


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


@pytest.fixture(scope="session")
def bazarr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server of HTTP and Wyoming with the demo pair, in this process."""
    with with_wyoming.serving(tmp_path_factory.mktemp("scratch"), EngineOptions(model="demo")) as running:
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


def client_of(server: InProcess) -> openai.OpenAI:
    """Return OpenAI's client, which asks once."""
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="unused", max_retries=0)
