"""A real server with the demo pair, and a real Chromium: what the tests of the page share.

They run in an environment of their own (`make page`), which has a browser's driver and nothing of qasr; the
server is a process of the environment that qasr is installed in.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples"
PYTHON = os.environ.get("QASR_PYTHON", str(ROOT / ".venv/bin/python"))  # of the environment with qasr
KEY = "a-key-of-the-tests"
CHROMIUM = os.environ.get("QASR_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
# As root, as in a container, Chromium has no sandbox of its own.
ARGUMENTS = ["--autoplay-policy=no-user-gesture-required", *(["--no-sandbox"] if os.getuid() == 0 else [])]
_START_S = 180
# Chromium's own words for an answer with an error status; that there was one is part of a test.
_OF_STATUS = "Failed to load resource"


def pytest_configure() -> None:
    """End at once without a browser."""
    if CHROMIUM is None:
        pytest.exit("no Chromium: apt-get install chromium, or set QASR_CHROMIUM", returncode=69)


@contextmanager
def serving(*arguments: str) -> Iterator[str]:
    """Start a server on any free port, yield its address, and end it."""
    with tempfile.TemporaryDirectory() as folder:
        ready, log = Path(folder, "ready.json"), Path(folder, "log")
        command = [
            PYTHON,
            "-m",
            "qasr_cli",
            "serve",
            "-m",
            "demo",
            "--port",
            "0",
            "--ready-file",
            str(ready),
            "--drain",
            "1",
        ]
        environment = {
            **os.environ,
            "QASR_CACHE": str(Path(tempfile.gettempdir(), f"qasr-tests-{os.getuid()}")),
        }
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [*command, *arguments], cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=stderr
            )
        try:
            until_s = time.monotonic() + _START_S
            while not ready.exists() and process.poll() is None and time.monotonic() < until_s:
                time.sleep(0.1)
            assert ready.exists(), log.read_text()
            yield str(json.loads(ready.read_text())["url"]).rstrip("/")
        finally:
            process.terminate()
            try:
                process.wait(60)
            finally:
                process.kill()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a server without keys."""
    with serving("--max-upload", "60MiB") as address:
        yield address


@pytest.fixture(scope="session")
def locked_server() -> Iterator[str]:
    """The address of a server that wants `KEY`."""
    with serving("--key", KEY) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Open the page of a server in a browser of its own; what goes wrong in it fails the test."""
    wrong: list[str] = []
    contexts: list[Any] = []

    def call(address: str, **settings: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **settings})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)

        def requested(request: Request) -> None:
            if not request.url.startswith((f"{address}/", "blob:", "data:")):
                wrong.append(f"asks another host: {request.url}")

        page.on("request", requested)
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on(
            "console",
            lambda line: (
                wrong.append(f"{line.type}: {line.text}")
                if line.type in {"error", "warning"} and _OF_STATUS not in line.text
                else None
            ),
        )
        page.goto(f"{address}/")
        page.wait_for_selector("#state.ready", state="attached")
        return page

    yield call
    for context in contexts:
        context.close()
    assert not wrong


@pytest.fixture(scope="session")
def long_recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The talk ten times, which takes the demo pair some while."""
    return make_long_recording(tmp_path_factory.mktemp("media"))


def make_long_recording(folder: Path) -> Path:
    """Write the talk ten times in a row to a file in a folder, and return its path."""
    path = folder / "long.wav"
    own = "from qasr_cli.media.ffmpeg import find_tools; print(find_tools().ffmpeg)"
    ffmpeg = subprocess.run([PYTHON, "-c", own], check=True, capture_output=True, text=True).stdout.strip()
    talk = [
        "-stream_loop",
        "9",
        "-i",
        str(SAMPLES / "talk.mp4"),
        "-vn",
        "-ac",
        "1",
        "-ar",
        "16000",
        str(path),
    ]
    subprocess.run([ffmpeg, "-v", "error", "-nostdin", *talk], check=True)
    return path
