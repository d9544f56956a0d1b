"""Checks of what is shown that need the browser's own figures: contrast, names, width."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

# WCAG 2.2, 1.4.3: contrast of each visible text with what is behind it.
_CONTRAST = """() => {
  const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = (colour) => {
    const [red, green, blue] = colour.slice(0, 3).map((part) => linear(part / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (!text || !element.checkVisibility()) continue;
    if (element.closest("script, noscript, template, .unseen, video, option")) continue;
    const both = [light(parse(getComputedStyle(element).color)), light(behind(element))];
    found.push({ text: text.slice(0, 40), ratio: (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05) });
  }
  return found;
}"""
_NAMELESS = """() => {
  const used = "button, select, input, textarea, video, progress, [role]";
  const isNamed = (one) =>
    one.getAttribute("aria-label") || one.labels?.length || one.textContent.trim() || one.matches("[role]");
  return [...document.querySelectorAll(used)]
    .filter((one) => one.checkVisibility() || one.matches("#files"))
    .filter((one) => !isNamed(one))
    .map((one) => one.outerHTML.slice(0, 120));
}"""


def contrasts(page: Page) -> list[dict[str, Any]]:
    """Return each visible text with its contrast."""
    found: list[dict[str, Any]] = page.evaluate(_CONTRAST)
    return found


def nameless(page: Page) -> list[str]:
    """Return what can be used and has no name for a screen reader."""
    found: list[str] = page.evaluate(_NAMELESS)
    return found


def overhang(page: Page) -> int:
    """Return how many pixels the page is wider than its window."""
    width: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return width
