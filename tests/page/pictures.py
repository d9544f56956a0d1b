"""Draws the documentation's pictures of the page: `.venv-page/bin/python -m tests.page.pictures docs`.

In goes a folder; out come `server-page.png` and `server-page-dark.png` in it.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from tests.page.conftest import ARGUMENTS, CHROMIUM, SAMPLES, make_long_recording, serving

_SIZE = {"width": 1120, "height": 900}


def draw(browser: Browser, address: str, long_recording: Path, target: Path, scheme: str) -> None:
    """Draw a film with its cues and a recording that is under way."""
    context = browser.new_context(viewport=_SIZE, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(300_000)
    page.goto(address)
    page.wait_for_selector("#state.ready", state="attached")
    page.set_input_files("#files", SAMPLES / "talk.mp4")
    page.click("#start")
    film = page.locator("article").last
    expect(film.locator(".downloads")).to_be_visible(timeout=300_000)
    page.select_option("#language", {"light": "en", "dark": ""}[scheme])  # a job for each picture
    page.set_input_files("#files", long_recording)
    page.click("#start")
    expect(page.locator("article").first.locator(".status")).to_have_text(
        re.compile(r"\d+ %.*left"), timeout=300_000
    )
    expect(page.locator("article").first.locator(".live")).not_to_be_empty(timeout=300_000)
    film.locator("video").evaluate("(video) => { video.currentTime = 24.5; video.pause(); }")
    page.mouse.move(0, 0)
    page.wait_for_timeout(1_500)
    page.screenshot(path=target, full_page=True)
    page.locator("article").first.get_by_role("button", name="Cancel").click()
    context.close()


def main() -> None:
    """Draw both pictures."""
    folder = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch, serving() as address, sync_playwright() as playwright:
        long_recording = make_long_recording(Path(scratch))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for scheme, name in (("light", "server-page.png"), ("dark", "server-page-dark.png")):
            draw(browser, address, long_recording, folder / name, scheme)
        browser.close()


if __name__ == "__main__":
    main()
