"""The page of `--html` in a real Chromium, as a file: no server, no network."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page import checks
from tests.page.conftest import ROOT, SAMPLES

GOLDEN = ROOT / "tests/golden"


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Any]:
    """Open a page of the goldens, with or without the media beside it; errors and requests fail the test."""
    wrong: list[str] = []

    def call(name: str, *, has_media: bool = False, **settings: Any) -> Page:
        shutil.copy(GOLDEN / f"{name}.html", tmp_path)
        if has_media:
            shutil.copy(SAMPLES / "talk.mp4", tmp_path / f"{name}.mp4")
        page = browser.new_context(**settings).new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        allowed = {(tmp_path / f"{name}{suffix}").as_uri() for suffix in (".html", ".mp4")}
        page.on("request", lambda request: wrong.append(request.url) if request.url not in allowed else None)
        page.goto((tmp_path / f"{name}.html").as_uri())
        return page

    yield call
    assert not wrong


def test_a_click_on_a_word_plays_it(opened: Any) -> None:
    page = opened("dialogue", has_media=True)
    player = page.locator("video")
    expect(player).to_be_visible()
    word = page.get_by_text("afternoon?", exact=True)
    word.click()
    page.wait_for_function("() => !document.querySelector('video').paused")
    start_s = int(word.get_attribute("data-start")) / 1_000
    assert page.evaluate("() => document.querySelector('video').currentTime") >= start_s - 0.05
    page.wait_for_function("() => document.querySelector('.now') !== null")


def test_without_the_media_it_is_a_text(opened: Any) -> None:
    page = opened("dialogue")
    page.wait_for_load_state("networkidle")
    expect(page.locator("video")).to_be_hidden()
    page.get_by_text("afternoon?", exact=True).click()
    expect(page.get_by_text("<Two>", exact=True)).to_be_visible()  # and no element
    assert page.locator(".now").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["dialogue", "dialogue-arabic", "dialogue-japanese"])
def test_it_can_be_read_on_a_phone(opened: Any, name: str, scheme: str) -> None:
    page = opened(name, color_scheme=scheme, viewport={"width": 360, "height": 700})
    assert checks.overhang(page) == 0
    faint = [one for one in checks.contrasts(page) if one["ratio"] < 4.5]
    assert faint == []


def test_arabic_runs_from_right_to_left(opened: Any) -> None:
    page = opened("dialogue-arabic", viewport={"width": 900, "height": 700})
    section = page.locator("section").first
    box = section.bounding_box()
    name = section.locator("bdi").bounding_box()
    assert name["x"] > box["x"] + box["width"] / 2
