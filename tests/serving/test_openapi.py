"""The description of the interface: valid, and neither more nor less than the routes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from qasr_cli.errors import QasrError
from qasr_cli.formats import FORMATS
from qasr_cli.options import Options
from qasr_cli.serving import app
from qasr_cli.serving.http.site import HttpSettings, Site
from qasr_cli.serving.openai_api import asks
from qasr_cli.serving.openai_api.answers import RESPONSE_FORMATS
from qasr_cli.serving.openapi.document import document
from qasr_cli.serving.openapi.recordings import BOUNDS
from qasr_cli.serving.page.site_files import DOWNLOADS
from qasr_cli.serving.service import Service, ServiceLimits
from qasr_cli.speech.inference.session import Session

METHODS = {"get", "post", "delete", "put", "patch"}


def load() -> Session:
    raise AssertionError("nothing is recognised here")


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Yield all objects of a document."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(inner)


@pytest.mark.parametrize("needs_key", [False, True])
def test_the_description_is_valid(needs_key: bool) -> None:
    whole = document(needs_key=needs_key)
    assert whole["openapi"] == "3.1.0"  # the whole is validated by `test_schemathesis`
    for schema in whole["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_reference_leads_to_a_schema_and_every_schema_is_used() -> None:
    whole = document(needs_key=True)
    named = {one["$ref"].removeprefix("#/components/schemas/") for one in parts(whole) if "$ref" in one}
    assert named == set(whole["components"]["schemas"])


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [one["operationId"] for one in parts(document(needs_key=False)) if "operationId" in one]
    assert len(names) == len(set(names)) >= 17


def test_only_a_server_with_keys_asks_for_one() -> None:
    assert "security" not in document(needs_key=False)
    keyed = document(needs_key=True)
    assert {name for one in keyed["security"] for name in one} == set(keyed["components"]["securitySchemes"])
    is_open = {path for path, item in keyed["paths"].items() if item.get("get", {}).get("security") == []}
    assert is_open == {"/", "/openapi.json", "/health", "/metrics", "/status"}


def test_the_routes_are_the_described_ones(tmp_path: Path) -> None:
    service = Service(Options(), ServiceLimits(), load, lambda: None, tmp_path)
    built = {
        (re.sub(r":\w+\}", "}", route.path), method.lower())
        for route in app.routed(Site(service, HttpSettings())).routes
        if isinstance(route, Route) and route.include_in_schema
        for method in route.methods or ()
        if method != "HEAD"
    }
    described = {
        (path, method)
        for path, item in document(needs_key=False)["paths"].items()
        for method in METHODS & set(item)
    }
    assert described == built


def test_the_server_sends_its_description(tmp_path: Path) -> None:
    service = Service(Options(), ServiceLimits(), load, lambda: None, tmp_path)
    client = TestClient(app.build(Site(service, HttpSettings())), "http://127.0.0.1")
    assert client.get("/openapi.json").json() == document(needs_key=False)


@pytest.mark.parametrize("name", [name for name in BOUNDS if name != "fps"])
def test_the_bounds_of_cues_are_those_that_are_checked(name: str) -> None:
    bounds = BOUNDS[name]
    least, most = bounds.get("minimum", 0), bounds["maximum"]
    within = [most, least if "minimum" in bounds else 0.5]
    beyond = [most + 1, least - 1, *([0] if "exclusiveMinimum" in bounds else [])]
    other = {"min_duration": {"max_duration": "60"}, "max_duration": {"min_duration": "0.1"}}.get(name, {})
    for value in within:
        fields = {field: [text] for field, text in {**other, name: f"{value:g}"}.items()}
        asks.answer_options(fields, Options())
    for value in beyond:
        with pytest.raises(QasrError):
            asks.answer_options({name: [f"{value:g}"]}, Options())


@pytest.mark.parametrize("text", ["auto", "none", "1", "25", "23.976", "999"])
def test_a_described_frame_rate_is_one(text: str) -> None:
    assert re.search(BOUNDS["fps"]["pattern"], text)
    asks.answer_options({"fps": [text]}, Options())


def test_the_page_downloads_formats_that_the_server_has() -> None:
    assert set(DOWNLOADS) <= set(RESPONSE_FORMATS)
    assert set(DOWNLOADS.values()) <= {row.extension for row in FORMATS.values()}
