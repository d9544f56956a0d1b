"""A real Chromium, files that it may read, and a process that sends a session to outputs.

They run in an environment of their own (`make live-page`), which has a browser's driver and nothing of qasr;
the session is a process of the environment that qasr is installed in.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.page.conftest import ARGUMENTS, CHROMIUM, PYTHON, ROOT

__all__ = ["ROOT"]

HLS_JS = Path(os.environ.get("QASR_HLS_JS", ""))


def pytest_configure() -> None:
    """End at once without a browser or the player."""
    if CHROMIUM is None:
        pytest.exit("no Chromium: apt-get install chromium, or set QASR_CHROMIUM", returncode=69)
    if not HLS_JS.is_file():
        pytest.exit("no hls.js: run make live-page", returncode=69)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()


@pytest.fixture(scope="session")
def ffmpeg() -> str:
    """The ffmpeg that qasr uses."""
    own = "from qasr_cli.media.ffmpeg import find_tools; print(find_tools().ffmpeg)"
    return subprocess.run([PYTHON, "-c", own], check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def sending(folder: Path, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Send a session to outputs, in a process that is ended with the block."""
    process = subprocess.Popen(
        [PYTHON, "-m", "tests.live_writer", json.dumps(options)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Requests are no news."""


@contextmanager
def published(folder: Path) -> Iterator[str]:
    """Serve a folder to this machine, and yield its address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.1,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
