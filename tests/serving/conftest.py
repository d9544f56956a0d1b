"""Servers that tests share."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest

from tests.e2e.conftest import demo_samples, servers
from tests.serving.in_process import DEMO, ECHO, InProcess, serving

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


def client_of(server: InProcess) -> openai.OpenAI:
    """Return OpenAI's client, which asks once."""
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="unused", max_retries=0)
