"""A server as a process: its address, its health, what it says about itself, its errors."""

from __future__ import annotations

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from qasr_cli.version import __version__
from tests.serving.server import Served


def test_it_is_healthy_and_says_what_it_is(echo_server: Served) -> None:
    assert echo_server.ask("GET", "/health").json() == {"status": "ready"}
    status = echo_server.ask("GET", "/status").json()
    assert isinstance(status, dict)
    assert status["version"] == f"qasr {__version__}"


def test_models_are_a_list_of_one(echo_server: Served) -> None:
    listed = echo_server.ask("GET", "/v1/models").json()
    assert isinstance(listed, dict)
    (model,) = listed["data"]
    assert model["object"] == "model"
    assert {"code": "ko", "name": "Korean"} in model["languages"]
    assert echo_server.ask("GET", f"/v1/models/{model['id']}").json() == model


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/nowhere", 404, "there is no /nowhere"),
        ("GET", "/%0d%0aX-Evil:%20yes", 404, r"there is no /\r\nX-Evil"),
        ("POST", "/health", 405, "/health does not take POST"),
        ("GET", "/v1/models/whatever", 404, "its model is"),
        ("GET", "/v1/jobs/00", 404, "there is no such job"),
        ("DELETE", "/v1/jobs/00", 404, "there is no such job"),
    ],
)
def test_errors_are_openais_object(
    echo_server: Served, method: str, path: str, status: int, words: str
) -> None:
    answer = echo_server.ask(method, path)
    assert answer.status == status
    found = answer.json()
    assert isinstance(found, dict)
    assert set(found["error"]) == {"message", "type", "param", "code"}
    assert found["error"]["type"] == "invalid_request_error"
    assert words in found["error"]["message"]
    assert "x-evil" not in answer.headers


def test_a_request_keeps_its_id_if_it_is_one(echo_server: Served) -> None:
    assert (
        echo_server.ask("GET", "/health", headers={"X-Request-ID": "abc-1.2"}).headers["x-request-id"]
        == "abc-1.2"
    )
    for wrong in ("a b", "x" * 200, "\x80", ""):
        answer = echo_server.ask("GET", "/health", headers={"X-Request-ID": wrong})
        assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])


def test_figures_are_prometheus_text(echo_server: Served) -> None:
    echo_server.ask("GET", "/nowhere")
    answer = echo_server.ask("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    for name in (
        *("qasr_requests", "qasr_request_seconds", "qasr_queue_seconds", "qasr_audio_seconds"),
        *("qasr_chunks_waiting", "qasr_chunks_running", "qasr_batch_chunks", "qasr_batch_places"),
        *("qasr_engine_busy_seconds", "qasr_rejected", "qasr_model_loaded", "qasr_jobs"),
    ):
        assert name in families, name
    labels = {
        (sample.labels["endpoint"], sample.labels["code"]) for sample in families["qasr_requests"].samples
    }
    assert ("other", "404") in labels
    assert not any("nowhere" in endpoint for endpoint, _ in labels)
