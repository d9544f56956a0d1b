"""What the tests of the server share: servers in this process, and the same model without a server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import qasr_cli
from qasr_cli.options import EngineOptions
from tests.serving.in_process import Serving, serving


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server with the demo pair."""
    with serving(tmp_path_factory.mktemp("scratch"), EngineOptions(model="demo")) as running:
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
