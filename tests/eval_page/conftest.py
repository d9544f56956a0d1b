"""A real Chromium that reads pages of evaluations from a folder, as somebody does who was sent one.

The tests run in an environment of their own (`make eval-page`), which has a browser's driver and nothing of
qasr; the pages are written by a process of the environment that qasr is installed in.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.page.conftest import ARGUMENTS, CHROMIUM, PYTHON, ROOT

Open = Callable[..., Page]


def pytest_configure() -> None:
    """End at once without a browser."""
    if CHROMIUM is None:
        pytest.exit("no Chromium: apt-get install chromium, or set QASR_CHROMIUM", returncode=69)


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the pages."""
    folder = tmp_path_factory.mktemp("pages")
    subprocess.run([PYTHON, "-m", "tests.eval_page.write_pages", str(folder)], cwd=ROOT, check=True)
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, pages: Path) -> Iterator[Open]:
    """Open a page; an error, a warning of the browser, or a request to a network fails the test."""
    wrong: list[str] = []
    contexts: list[Any] = []

    def call(name: str, width: int = 1200, **settings: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, **settings)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda one: None if one.url.startswith("file:") else wrong.append(one.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda line: wrong.append(line.text))
        page.goto((pages / f"{name}.html").as_uri())
        return page

    yield call
    for context in contexts:
        context.close()
    assert not wrong
