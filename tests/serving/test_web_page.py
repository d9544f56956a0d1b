"""The page's files: how they are served, and what must hold of their text whatever a browser does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from qasr_cli.languages import LANGUAGES
from qasr_cli.options import Options
from qasr_cli.serving import app, page
from qasr_cli.serving.http.site import HttpSettings, Site
from qasr_cli.serving.service import Service, ServiceLimits
from qasr_cli.speech.inference.session import Session
from qasr_cli.subtitles.rules.profiles import PROFILES

HTML, CSS, JS = (
    resources.files(page).joinpath(f"page.{kind}").read_text("utf-8") for kind in ("html", "css", "js")
)
OPTIONS = replace(Options(), cue=replace(Options().cue, profile="bbc"))


def load() -> Session:
    raise AssertionError("nothing is recognised here")


def service(folder: Path) -> Service:
    """Return a service that is not started."""
    return Service(OPTIONS, ServiceLimits(), load, lambda: None, folder)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    settings = HttpSettings(max_upload_bytes=1_000)
    with TestClient(app.build(Site(service(tmp_path), settings)), "http://127.0.0.1") as client:
        yield client


@pytest.mark.parametrize(
    ("path", "kind"), [("/", "html"), ("/page/page.css", "css"), ("/page/page.js", "javascript")]
)
def test_each_file_comes_with_a_policy_and_is_sent_again_only_if_it_has_changed(
    client: TestClient, path: str, kind: str
) -> None:
    first = client.get(path)
    assert first.status_code == 200
    assert first.headers["content-type"] == f"text/{kind}; charset=utf-8"
    policy = first.headers["content-security-policy"]
    for rule in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'none'"):
        assert rule in policy
    assert "unsafe" not in policy
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_without_the_page_the_root_is_one_line(tmp_path: Path) -> None:
    site = Site(service(tmp_path), HttpSettings(has_page=False))
    answer = TestClient(app.build(site), "http://127.0.0.1").get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text.startswith("qasr")
    assert answer.text.count("\n") == 1


def test_the_page_learns_what_can_be_chosen(client: TestClient) -> None:
    told = client.get("/page/server.json").json()
    assert told["state"] == "loading"
    assert [one["code"] for one in told["languages"]] == [one.code for one in LANGUAGES]
    assert [one["name"] for one in told["profiles"]] == list(PROFILES)
    assert told["profile"] == "bbc"
    assert told["max_upload_bytes"] == 1_000
    assert told["refusal"] is None


def test_the_page_learns_that_the_server_ends(tmp_path: Path) -> None:
    ending = service(tmp_path)
    ending._is_draining = True
    told = TestClient(app.build(Site(ending, HttpSettings())), "http://127.0.0.1").get("/page/server.json")
    assert told.json()["refusal"]["retry_after_s"] == 5
    assert "end" in told.json()["refusal"]["message"]


def test_the_html_has_neither_scripts_nor_styles_inside() -> None:
    assert re.findall(r"<script[^>]*>(.*?)</script>", HTML, re.S) == [""]
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", HTML)


def test_no_file_names_another_host() -> None:
    named = re.findall(r"https?://[^\s'\"]+", HTML + CSS + JS)
    assert set(named) == {"http://www.w3.org/2000/svg"}  # a name, which is not fetched


def test_what_a_server_says_is_never_parsed_as_html() -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", JS)


def test_every_text_is_there_in_both_languages() -> None:
    english, korean = re.split(r"^  ko: \{", JS[: JS.index("\n};")], flags=re.M)
    keys = [set(re.findall(r"(?:^|[ {])([a-z_]+): \"", part)) for part in (english, korean)]
    in_html = set(re.findall(r'data-text="(\w+)"', HTML))
    styles = set(PROFILES) - {name for name in PROFILES if "-" in name}
    assert keys[0] | in_html == keys[1] - styles
    assert {name for name in PROFILES if f'{name}: "' in korean or f'"{name}": "' in korean} == set(PROFILES)
    used = set(re.findall(r"\bt\(\"(\w+)\"", JS))
    assert used <= keys[0] | in_html


def test_every_field_has_a_label() -> None:
    fields = re.findall(r"<(?:select|textarea|input)\b[^>]*\bid=\"(\w+)\"", HTML)
    labelled = set(re.findall(r"<label[^>]*\bfor=\"(\w+)\"", HTML))
    assert set(fields) - labelled == {"files"}  # inside of its label
