"""Jobs over HTTP: results that are fetched later, events, and what a client may end."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.e2e.conftest import CLIP
from tests.serving import server
from tests.serving.server import Answer, Served

_ASYNC = {"Prefer": "respond-async"}
_FINAL = {"done", "failed", "cancelled"}


def post(served: Served, media: bytes, *, name: str = "talk.wav", **headers: str) -> Answer:
    body, kind = server.form({"model": "whisper-1"}, (name, media))
    return served.ask("POST", "/v1/audio/transcriptions", body, {**kind, **headers})


def begun(served: Served, media: bytes, name: str = "talk.wav") -> dict[str, Any]:
    answer = post(served, media, name=name, **_ASYNC)
    assert answer.status == 202, answer.text
    job = answer.json()
    assert isinstance(job, dict)
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    return job


def shown(served: Served, job: dict[str, Any]) -> dict[str, Any]:
    found = served.ask("GET", f"/v1/jobs/{job['id']}").json()
    assert isinstance(found, dict)
    return found


def finished(served: Served, job: dict[str, Any]) -> dict[str, Any]:
    until_s = time.monotonic() + 60
    while (found := shown(served, job))["status"] not in _FINAL:
        assert time.monotonic() < until_s, found
        time.sleep(0.05)
    return found


@contextmanager
def events(served: Served, job: dict[str, Any]) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection(*served.address, timeout=60)
    connection.request("GET", f"/v1/jobs/{job['id']}/events")
    try:
        yield connection.getresponse()
    finally:
        connection.close()


def test_a_result_is_fetched_later_in_any_format(echo_server: Served) -> None:
    job = begun(echo_server, server.speech(8), "a/b/../talk 1.wav")
    assert job["name"] == "talk 1.wav"
    done = finished(echo_server, job)
    assert done["status"] == "done"
    assert done["progress"] == 1.0
    assert done["error"] is None
    assert done["language"] == "en"
    assert done["done_s"] == done["speech_s"] <= done["audio_s"]
    place = f"/v1/jobs/{job['id']}/result"
    assert echo_server.ask("GET", place).json()["text"] == done["text"]  # type: ignore[index]
    subtitles = echo_server.ask("GET", f"{place}?response_format=srt")
    assert subtitles.text.startswith("1\n00:00:0")
    assert echo_server.ask("GET", f"{place}?response_format=vtt").text.startswith("WEBVTT")
    verbose = echo_server.ask(
        "GET", f"{place}?response_format=verbose_json&timestamp_granularities[]=word"
    ).json()
    assert isinstance(verbose, dict)
    assert verbose["words"]
    one_line = echo_server.ask("GET", f"{place}?response_format=srt&max_lines=1&max_line_width=20").text
    assert len(one_line) > len(subtitles.text)
    wrong = echo_server.ask("GET", f"{place}?response_format=docx")
    assert wrong.status == 400
    assert wrong.json()["error"]["param"] == "response_format"  # type: ignore[index]


def test_a_failed_job_keeps_its_error(echo_server: Served) -> None:
    job = begun(echo_server, b"no media at all" * 100, "notes.txt")
    failed = finished(echo_server, job)
    assert failed["status"] == "failed"
    assert "notes.txt" in failed["error"]["message"]
    answer = echo_server.ask("GET", f"/v1/jobs/{job['id']}/result")
    assert answer.status == 400
    assert answer.json() == {"error": failed["error"]}


def test_events_end_with_the_final_one(echo_server: Served) -> None:
    job = begun(echo_server, server.speech(7, number=3))
    with events(echo_server, job) as response:
        assert response.getheader("content-type", "").startswith("text/event-stream")
        lines = response.read().decode().split("\n\n")
    told = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert told[-1]["status"] == "done"
    assert [one["status"] for one in told[:-1] if one["status"] in _FINAL] == []
    assert told[-1] == finished(echo_server, job)


def test_a_job_is_known_by_its_id_alone(echo_server: Served) -> None:
    job = begun(echo_server, CLIP.read_bytes())
    for other in (job["id"][:-1], job["id"].upper(), "0" * 32, "..", "%2e%2e", "*"):
        for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/result"), ("GET", "/events")):
            answer = echo_server.ask(method, f"/v1/jobs/{other}{path}")
            assert answer.status == 404, (method, other)
    assert finished(echo_server, job)["status"] == "done"
    gone = echo_server.ask("DELETE", f"/v1/jobs/{job['id']}")
    assert gone.status == 200
    assert gone.json()["status"] == "done"  # type: ignore[index]


def test_an_ended_job_is_not_computed_further(sleepy_server: Served) -> None:
    job = begun(sleepy_server, server.speech(6, number=10))
    ended = sleepy_server.ask("DELETE", f"/v1/jobs/{job['id']}").json()
    assert isinstance(ended, dict)
    assert ended["status"] == "cancelled"
    assert sleepy_server.ask("GET", f"/v1/jobs/{job['id']}/result").status == 409


def test_who_ends_a_job_does_not_end_it_for_others(sleepy_server: Served) -> None:
    media = server.speech(6, number=11)
    job = begun(sleepy_server, media)
    body, kind = server.form({"response_format": "verbose_json"}, ("same.wav", media))
    waiting = http.client.HTTPConnection(*sleepy_server.address, timeout=120)
    with contextlib.closing(waiting):
        waiting.request("POST", "/v1/audio/transcriptions", body, kind)
        time.sleep(1.0)  # until it has joined the job
        ended = sleepy_server.ask("DELETE", f"/v1/jobs/{job['id']}").json()
        assert isinstance(ended, dict)
        assert ended["status"] != "cancelled"
        response = waiting.getresponse()
        assert response.status == 200
        assert json.loads(response.read())["segments"]
