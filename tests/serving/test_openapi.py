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

from qasr_cli.options import Options
from qasr_cli.serving import app
from qasr_cli.serving.http.site import HttpSettings, Site
from qasr_cli.serving.openapi.document import document
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
