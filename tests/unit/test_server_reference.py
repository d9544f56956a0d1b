"""The reference of the server is that of the code: paths, figures, limits, the fields of a job."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from qasr_cli.engines import memory
from qasr_cli.options import Options
from qasr_cli.serving import app, server
from qasr_cli.serving.ask import Ask
from qasr_cli.serving.http import connection, failures, gate, job_fields, tracing, uploads
from qasr_cli.serving.http.site import HttpSettings, Site
from qasr_cli.serving.jobs import Job
from qasr_cli.serving.service import Service, ServiceLimits
from qasr_cli.speech.inference.session import Session

PAGE = (Path(__file__).parents[2] / "docs/reference/server.md").read_text("utf-8")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site that is never started."""

    def load() -> Session:
        raise NotImplementedError

    return Site(Service(Options(), ServiceLimits(), load, memory.reclaim, tmp_path), HttpSettings())


def test_every_path_is_there(site: Site) -> None:
    shown = {
        re.sub(r"\b(ID|NAME)\b", "{}", path.partition("?")[0])
        for path in re.findall(r"`(?:GET|POST|DELETE) (/[^`]*)`", PAGE)
    }
    served = {
        re.sub(r"\{[^}]+\}", "{}", getattr(route, "path", ""))
        for route in app.routed(site).routes
        if not getattr(route, "path", "").startswith("/page/")
    }
    assert shown == served


def test_the_open_paths_are_those_without_a_key() -> None:
    rows = re.findall(r"^\| (`.*?) \| .* \| no \|$", PAGE, re.M)
    shown = {path for row in rows for path in re.findall(r"`(?:GET )?(/[^` ]*)", row)}
    assert shown == {*gate._OPEN, "/page/..."} - {"/favicon.ico"}


def test_every_figure_is_there(site: Site) -> None:
    text = site.gauges.text().decode()
    made = {name for name in re.findall(r"^# TYPE (\w+)", text, re.M)}
    section = PAGE[PAGE.index("## Figures") :]
    assert set(re.findall(r"`(qasr_\w+)", section)) == made


def test_a_job_has_the_fields_of_the_example() -> None:
    (example, _) = re.findall(r"```json\n(.*?)```", PAGE, re.S)
    fields = job_fields.of_job(Job("key", Ask(Options()), "film.mp4"), 20.0)
    assert set(json.loads(example)) == set(fields)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (server._MOST_CONNECTIONS, "{:,}, or half of the files"),
        (failures.MAX_HEAD_BYTES // 1024, "{} KiB, whole within"),
        (connection._HEAD_S, "whole within {:.0f} s"),
        (gate._MIN_BYTES_PER_S, "at least {:,} bytes a second, measured over a minute"),
        (uploads._MAX_FIELDS, "{} fields of 1 MB each"),
        (tracing._READ_S / 60, "reads nothing for {:.0f} minutes"),
        (connection.KEEP_ALIVE_S, "closed after {} s"),
        (uploads._MAX_NAME_CHARS, "a label of {} characters"),
    ],
)
def test_limits_are_those_of_the_code(number: float, words: str) -> None:
    assert words.format(number) in PAGE
