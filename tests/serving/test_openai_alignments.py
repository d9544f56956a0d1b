"""Alignments: the words of a given text with their times, as JSON and as subtitles."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.conftest import CLIP, SAMPLES
from tests.serving import raw
from tests.serving.in_process import InProcess
from tests.serving.server import Served

PATH = "/v1/audio/alignments"
FILM = SAMPLES / "two-tracks.mkv"
TRUTH: dict[str, Any] = json.loads((SAMPLES / "two-tracks.truth.json").read_text(encoding="utf-8"))["tracks"][
    0
]
SENTENCES = TRUTH["text"].replace(". ", ".\n").splitlines()


def align(server: Served, fields: raw.Values) -> dict[str, Any]:
    answer = raw.post_form(server, fields, FILM, path=PATH)
    assert answer.status == 200, answer.text
    found: dict[str, Any] = json.loads(answer.body)
    return found


def test_the_words_of_a_text_get_their_times(demo_server: Served) -> None:
    found = align(demo_server, {"text": TRUTH["text"]})
    assert [word["word"] for word in found["words"]] == TRUTH["text"].split()
    assert found["text"] == TRUTH["text"]
    assert found["language"] == "english"
    assert found["unspoken"] == []
    assert "segments" not in found
    starts = [word["start"] for word in found["words"]]
    assert starts == sorted(starts)
    assert starts[-1] < found["duration"]
    truth = [word["start_ms"] / 1000 for word in TRUTH["words"]]
    errors = [abs(start - true) for start, true in zip(starts, truth, strict=True)]
    assert sum(errors) / len(errors) < 0.1


def test_verbose_json_has_the_cues(demo_server: Served) -> None:
    found = align(demo_server, {"text": "\n".join(SENTENCES), "response_format": "verbose_json"})
    assert " ".join(segment["text"] for segment in found["segments"]) == TRUTH["text"]


def test_what_is_not_spoken_is_listed(demo_server: Served) -> None:
    script = [SENTENCES[0], "Nobody says this sentence about elephants.", *SENTENCES[1:]]
    found = align(demo_server, {"script": "\n".join(script)})
    assert [(entry["line"], entry["text"]) for entry in found["unspoken"]] == [(2, script[1])]
    assert found["warnings"]


@pytest.mark.parametrize("name", ["script", "text"])
def test_a_file_of_subtitles_keeps_its_cues(demo_server: Served, name: str) -> None:
    old = [f"{n}\n00:00:{n:02d},000 --> 00:00:{n:02d},900\n{text}\n" for n, text in enumerate(SENTENCES, 1)]
    files = {
        "file": (FILM.name, FILM.read_bytes()),
        name: ("old.srt", "\n".join(old).encode("utf-16")),
    }
    body, content_type = raw.form({"response_format": "srt", "max_line_width": "8"}, files)
    answer = raw.request(demo_server, "POST", PATH, body, {"Content-Type": content_type})
    assert answer.status == 200, answer.text
    lines = answer.text.splitlines()
    assert [line for line in lines if line in SENTENCES] == SENTENCES
    assert answer.text != "\n".join(old)


@pytest.mark.parametrize(
    ("fields", "status", "part"),
    [
        ({}, 400, "script"),
        ({"text": "…"}, 400, "no words"),
        ({"text": "We eat rice and drink tea in the garden of my aunt. " * 3}, 422, ""),
        ({"text": "Hello", "response_format": "text"}, 400, "response_format"),
        ({"text": "Hello", "language": "klingon"}, 400, "klingon"),
    ],
)
def test_what_cannot_be_aligned_is_refused(
    echo_in_process: InProcess, fields: dict[str, str], status: int, part: str
) -> None:
    answer = raw.post_form(echo_in_process, fields, FILM, path=PATH)
    assert answer.status == status, answer.text
    message = json.loads(answer.body)["error"]["message"]
    assert part in message
    assert "--" not in message
    assert echo_in_process.scratch == []


def test_an_alignment_is_fetched_later(demo_server: Served) -> None:
    headers = {"Prefer": "respond-async"}
    answer = raw.post_form(demo_server, {"text": "Where is the yellow bicycle?"}, CLIP, headers, PATH)
    assert answer.status == 202
