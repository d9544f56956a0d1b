"""The report page: whatever a file is called and whatever was recognised in it, it stays text."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import jinja2
import pytest

from qasr_cli.runs.reports import html_page

HOSTILE = (
    """<script>alert(1)</script>" onload='x' </title></style></pre> & {{ 7 * 7 }} {% raw %} \u202e.mp4"""
)


class Page(HTMLParser):
    """Collects the elements and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def source(name: str, **more: Any) -> dict[str, Any]:
    return {
        "source": name, "path": name, "status": "done", "reason": "", "audio_s": 60.0, "wall_s": 2.0,
        "work_s": 1.0, "rtfx": 60.0, "stages": {"decode": {"s": 0.5, "rtfx": 120.0}}, "error": None,
        "warnings": [], "doubts": [], "quality": None, **more,
    }  # fmt: skip


def report(*sources: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "begun": "2026-01-02T03:04:05+00:00", "ended": "complete", "exit_code": 0, "error": None,
        "counts": {"done": len(sources)}, "wall_s": 9.0, "audio_s": 60.0, "rtfx": 6.7, "engines": None,
        "stages": {"decode": {"s": 0.5, "rtfx": 120.0}}, "sources": list(sources), "versions": {},
        "arguments": [], "options": {}, **more,
    }  # fmt: skip


def doubt(number: int, text: str = "", flags: tuple[str, ...] = ("loop",)) -> dict[str, Any]:
    return {"start_ms": 1_000 * number, "end_ms": 1_000 * number + 500, "flags": flags, "text": text}


def test_hostile_names_and_texts_stay_text() -> None:
    hostile = source(
        HOSTILE,
        warnings=[HOSTILE],
        doubts=[doubt(1, HOSTILE, (HOSTILE,))],
        error={"text": HOSTILE, "next_step": HOSTILE},
        quality={"n_cues": 1, "n_readable": 1, "broken": [HOSTILE]},
    )
    plain = source("a", warnings=["a"], doubts=[doubt(1, "a", ("a",))], error={"text": "a", "next_step": "a"})
    plain["quality"] = {"n_cues": 1, "n_readable": 1, "broken": ["a"]}
    engines = {"model": HOSTILE, "device": "cpu", "load_s": 1.0}
    same = {"versions": {"a": "1"}, "arguments": ["a"], "options": {"a": "a"}}
    bad = {"versions": {HOSTILE: HOSTILE}, "arguments": [HOSTILE], "options": {HOSTILE: HOSTILE}}
    page = Page(html_page.render(report(hostile, source(HOSTILE), engines=engines, **bad)))
    tame = Page(html_page.render(report(plain, source("a"), engines={**engines, "model": "a"}, **same)))
    assert page.tags == tame.tags
    assert page.attributes == tame.attributes
    assert sum(HOSTILE in text for text in page.texts) >= 9
    assert "script" not in page.tags


def test_what_was_passed_over_is_on_the_page() -> None:
    counts = {"links": 2, "linked_folders": 0, "unknown": {".x<b>": 3, "": 1}}
    page = html_page.render(report() | {"passed_over": counts})
    assert "Passed over in folders: 2 links, 4 of unknown kind (.x&lt;b&gt;, no suffix)" in page
    assert "Passed over" not in html_page.render(report())


def test_the_slowest_sources_are_drawn_and_the_rest_is_counted() -> None:
    many = [
        source(f"{n}.mp4", doubts=[doubt(1)], stages={"decode": {"s": n, "rtfx": 1.0}}) for n in range(1, 60)
    ]
    text = html_page.render(report(*many))
    assert "the 40 sources that took longest" in text
    assert "19 more sources have some" in text
    assert text.index("<span>59.mp4</span>") < text.index("<span>58.mp4</span>")
    assert "<span>1.mp4</span>" not in text
    assert text.count("<tr>") == 59 + 1


def test_many_stretches_of_one_source_are_listed_up_to_a_limit() -> None:
    text = html_page.render(report(source("a", doubts=[doubt(n) for n in range(130)])))
    assert "130 stretches" in text
    assert "<li>and 30 more</li>" in text
    assert text.count('<rect class="doubt"') == 130
    assert "<details><summary>130" in text
    assert "<details open><summary>1 stretch</summary>" in html_page.render(
        report(source("a", doubts=[doubt(1)]))
    )


def test_a_run_that_failed_before_its_first_source_has_a_page() -> None:
    text = html_page.render(report(error={"text": "boom", "next_step": ""}, ended="failed", stages={}))
    assert "<dt>the run</dt><dd>boom</dd>" in text
    assert "Where the time went" not in text


def test_a_value_that_is_missing_is_an_error_and_not_a_hole() -> None:
    broken = report(source("a"))
    del broken["begun"]
    with pytest.raises(jinja2.UndefinedError):
        html_page.render(broken)
