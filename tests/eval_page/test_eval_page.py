"""The page of an evaluation in a real Chromium: phones, dark, paper, keyboard, sound, foreign texts."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.eval_page.conftest import Open

NAMES = ("big", "small", "empty", "hostile")
# Elements that stick out of the page, but for those in a part that scrolls by itself.
_STICKING_OUT = """() => [...document.querySelectorAll("main *")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(".wide, svg"))
  .map((one) => `${one.tagName} ${one.textContent.slice(0, 40)}`)"""
_OVERLAPS = """() => [...document.querySelectorAll(".charts")].filter((list) => {
  const boxes = [...list.children].map((one) => one.getBoundingClientRect());
  return boxes.some((box, number) => number && box.top < boxes[number - 1].bottom - 1);
}).length"""
# Contrast of all texts with what lies behind them, by WCAG 2.2, 1.4.3.
_CONTRASTS = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const over = (top, below) => {
    const alpha = top[3] ?? 1;
    return [0, 1, 2].map((at) => top[at] * alpha + below[at] * (1 - alpha));
  };
  const behind = (one) => {
    const layers = [];
    for (let up = one; up; up = up.parentElement) layers.unshift(parse(getComputedStyle(up).backgroundColor));
    return layers.filter((colour) => colour.length).reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const light = (colour) => colour.map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  return [...document.querySelectorAll("main :not(svg *)")]
    .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()))
    .map((one) => {
      const [ink, paper] = [parse(getComputedStyle(one).color), behind(one)];
      const [dark, bright] = [light(over(ink, paper)), light(paper)].sort((a, b) => a - b);
      return [(bright + 0.05) / (dark + 0.05), `${one.tagName} ${one.textContent.slice(0, 20)}`];
    }).filter(([contrast]) => contrast < 4.5);
}"""


def open_all(page: Page) -> Page:
    """Open what is folded away."""
    page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    return page


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [320, 390, 1200])
def test_nothing_sticks_out_of_the_page(open_page: Open, name: str, width: int) -> None:
    page = open_all(open_page(name, width))
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    assert page.evaluate(_STICKING_OUT) == []
    assert page.evaluate(_OVERLAPS) == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_texts_can_be_read(open_page: Open, scheme: str) -> None:
    page = open_all(open_page("big", color_scheme=scheme))
    assert page.evaluate(_CONTRASTS) == []


def test_on_paper_it_is_light_and_fits(open_page: Open) -> None:
    page = open_page("big", 760, color_scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 760
    assert len(page.pdf()) > 100_000


def test_the_sound_of_an_utterance_plays_its_part(open_page: Open) -> None:
    page = open_page("big")
    sound = page.locator("audio").first
    assert sound.get_attribute("src") == "sounds/clip%20%231%20100%25.wav#t=0.250,0.900"
    sound.evaluate("(one) => { one.preload = 'auto'; one.load(); }")
    page.wait_for_function("() => document.querySelector('audio').readyState >= 2")
    assert sound.evaluate("(one) => one.error") is None
    assert sound.evaluate("(one) => one.currentTime") == pytest.approx(0.25, abs=0.01)


def test_sounds_are_not_read_before_somebody_asks(open_page: Open) -> None:
    page = open_page("big")
    assert page.evaluate(
        "() => [...document.querySelectorAll('audio')].every((one) => one.networkState !== 2)"
    )


def test_what_differs_is_told_without_colour_too(open_page: Open) -> None:
    page = open_page("big")
    sign = "(one) => getComputedStyle(one, '::before').content"
    line = "(one) => getComputedStyle(one).textDecorationLine"
    removed, added = page.locator(".diff del").first, page.locator(".diff ins").first
    assert [removed.evaluate(sign)[1], added.evaluate(sign)[1]] == ["−", "+"]
    assert [removed.evaluate(line), added.evaluate(line)] == ["line-through", "underline"]


def test_arabic_runs_from_the_right(open_page: Open) -> None:
    page = open_all(open_page("big"))
    text = page.locator(".diff[lang=ar]").first
    assert text.evaluate("(one) => getComputedStyle(one).direction") == "rtl"


def test_hostile_texts_are_shown_and_not_obeyed(open_page: Open) -> None:
    page = open_page("hostile")
    expect(page.locator("h1")).to_contain_text('<script>alert("x")</script>')
    assert (
        page.evaluate("() => document.querySelectorAll('script, main [onload], main [onclick]').length") == 0
    )
    links = page.evaluate(
        "() => [...document.querySelectorAll('a, audio')].map((one) => one.protocol || one.src)"
    )
    assert {link.split(":")[0] for link in links} == {"file"}


def test_the_keyboard_reaches_parts_and_wide_tables(open_page: Open) -> None:
    page = open_page("big")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "Error rates"
    assert page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert page.url.endswith("#rates")
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("() => document.activeElement.className"))
    assert "wide" in reached


def test_every_link_of_the_page_leads_somewhere(open_page: Open) -> None:
    page = open_page("big")
    targets = page.evaluate("() => [...document.querySelectorAll('nav a')].map((one) => one.hash.slice(1))")
    assert len(targets) == 14
    assert page.evaluate("(ids) => ids.filter((id) => !document.getElementById(id))", targets) == []
