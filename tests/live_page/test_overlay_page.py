"""The overlay in a real browser: what it shows, what it asks of whom, and a session that comes back."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.live_page.conftest import sending
from tests.live_page.overlay_picture import address_of

_COLOURS = """() => ["stable", "unstable"].map(
  (name) => getComputedStyle(document.getElementById(name)).color)"""


def test_the_newest_text_is_shown_over_nothing(page: Page, tmp_path: Path) -> None:
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if line.type in {"error", "warning"} else None)
    with sending(tmp_path, overlay=0, pace_ms=150, n_talks=3) as process:
        address = address_of(process)
        page.goto(f"{address}?size=40px&lines=2")
        expect(page.locator("#unstable")).not_to_be_empty()
        expect(page.locator("#stable")).not_to_be_empty()
        expect(page.locator("#final")).to_have_text(re.compile("Good evening|Tonight|水は|That is all"))
        colours = page.evaluate(_COLOURS)
        assert colours == ["rgb(255, 255, 255)", "rgba(255, 255, 255, 0.6)"]
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgba(0, 0, 0, 0)"
        assert page.evaluate("document.getElementById('box').offsetHeight <= 2 * 40 * 1.3 + 1")
    assert {re.match(r"http://[^/]*/", one)[0] for one in asked} == {address}  # type: ignore[index]
    assert wrong == []


def test_the_text_goes_away_with_the_session_and_comes_back_with_the_next(page: Page, tmp_path: Path) -> None:
    with sending(tmp_path, overlay=0, pace_ms=100, n_talks=3) as process:
        address = address_of(process)
        page.goto(address)
        expect(page.locator("#box")).to_be_visible()
    expect(page.locator("#box")).to_be_hidden()
    port = int(address.rstrip("/").rpartition(":")[2])
    with sending(tmp_path, overlay=port, pace_ms=100, n_talks=3) as process:
        assert address_of(process) == address
        expect(page.locator("#box")).to_be_visible()
