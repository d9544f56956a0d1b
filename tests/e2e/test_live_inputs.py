"""Inputs of `qasr live` as a user meets them: what is saved, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import CLIP, ECHO, Qasr
from tests.stream_servers import HOST, free_port


@pytest.mark.slow
def test_saved_sound_is_transcribed_to_the_same_text(qasr: Qasr) -> None:
    live = qasr("live", CLIP, "-m", "demo", "--save", "talk.flac", "--json-lines")
    assert live.returncode == 0, live.stderr
    finals = [event for event in map(json.loads, live.stdout.splitlines()) if event["type"] == "final"]
    text = " ".join(segment["text"] for final in finals for segment in final["segments"])
    later = qasr("transcribe", "talk.flac", "-m", "demo", "--txt", "-o", "-")
    assert later.returncode == 0, later.stderr
    assert later.stdout.split() == text.split() != []


def test_a_refused_stream_is_one_line_and_no_file(qasr: Qasr, tmp_path: Path) -> None:
    address = f"rtsp://user:hunter2@{HOST}:{free_port()}/live?token=hunter3"
    refused = qasr("live", address, "--engine", ECHO)
    assert refused.returncode == 2
    assert "add --allow-network" in refused.stderr
    failed = qasr("live", "--allow-network", address, "--engine", ECHO, "--save", "talk.wav", "-vv")
    assert failed.returncode == 69
    assert failed.stderr.count("Connection refused") == 1
    assert "hunter" not in refused.stderr + failed.stderr + failed.stdout
    assert list(tmp_path.iterdir()) == []


def test_sound_that_exists_is_not_replaced(qasr: Qasr, tmp_path: Path) -> None:
    (tmp_path / "talk.wav").write_bytes(b"old")
    refused = qasr("live", CLIP, "--engine", ECHO, "--save", "talk.wav")
    assert refused.returncode == 73
    assert (tmp_path / "talk.wav").read_bytes() == b"old"
