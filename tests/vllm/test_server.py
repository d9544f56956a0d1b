"""The server that clients are tested with: it has the demo model, and writes what our engine does."""

from __future__ import annotations

import base64
import io
import json
import os
import urllib.request
from typing import Any

import numpy as np
import pytest
import soundfile

from qasr_cli.engines.qwen3 import prompts
from qasr_cli.engines.qwen3.engine import Qwen3Recognizer
from qasr_cli.options import DecodeOptions
from tests.vllm import server


@pytest.fixture(scope="session")
def url() -> str:
    """The server that `python -m tests.vllm` has started, or another one."""
    given = os.environ.get(server.URL)
    assert given, f"start these tests with python -m tests.vllm, or set {server.URL}"
    return given


def answer(url: str, path: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as response:
        return json.load(response)


def wave(audio: np.ndarray) -> str:
    buffer = io.BytesIO()
    soundfile.write(buffer, audio, 16_000, format="WAV", subtype="PCM_16")
    return base64.b64encode(buffer.getvalue()).decode()


def test_its_chat_answers_are_those_of_our_engine(
    url: str, own: Qwen3Recognizer, clips: list[np.ndarray]
) -> None:
    """Each clip has whole frames: of one with a part of a frame at its end another token may come."""
    (model,) = answer(url, "/v1/models")["data"]
    for clip in clips[:40:4]:
        whole = prompts.whole_frames(clip)
        part = {"type": "input_audio", "input_audio": {"data": wave(whole), "format": "wav"}}
        body = {
            "model": model["id"],
            "messages": [{"role": "user", "content": [part]}],
            "temperature": 0,
            "max_tokens": 200,
        }
        (choice,) = answer(url, "/v1/chat/completions", body)["choices"]
        (expected,) = own.recognize([whole], DecodeOptions())
        tag, text = choice["message"]["content"].split("<asr_text>")
        assert (tag, text.strip()) == (f"language {expected.language}", expected.text)
        assert choice["finish_reason"] == "stop"
