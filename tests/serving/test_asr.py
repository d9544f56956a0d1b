"""Bazarr's and whisper-asr-webservice's calls, byte for byte as these programs send them.

The bytes follow from Bazarr's provider `whisperai` and from what `requests` makes of its calls: one part
`audio_file` whose name is its field's, without a type, and a Content-Length.
"""

from __future__ import annotations

import http.client
import json
import socket
import threading
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest

from qasr_cli import formats
from qasr_cli.formats.readers import read_captions
from qasr_cli.media import decode
from qasr_cli.options import EngineOptions, MediaOptions
from qasr_cli.serving.jobs import JobState
from tests.serving.in_process import LOCAL, Serving, serving, until
from tests.trees import ROOT

SAMPLES = ROOT / "samples"
CLIP = SAMPLES / "clips" / "clip-01.wav"
BOUNDARY = "d41d8cd98f00b204e9800998ecf8427e"  # requests' are 32 hex digits
FILM_S = 60
LONG_S = 600


@dataclass(frozen=True)
class Answer:
    """An answer of the server."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8")


def form(content: bytes, file_name: str = "audio_file") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="audio_file"; filename="{file_name}"\r\n\r\n'
    return head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def ask(port: int, path: str, body: bytes, timeout_s: float = 120) -> Answer:
    connection = http.client.HTTPConnection(LOCAL, port, timeout=timeout_s)
    headers = {
        "User-Agent": "Subliminal/2.2.0",
        "Accept-Encoding": "gzip, deflate",
        "Accept": "*/*",
        "Connection": "keep-alive",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
    }
    try:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        got = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, got, response.read())
    finally:
        connection.close()


def asr(language: str = "en", **more: str) -> str:
    """Return the path of Bazarr's call."""
    query = {"task": "transcribe", "language": language, "output": "srt", "encode": "false", **more}
    return f"/asr?{urlencode(query)}"


DETECT = "/detect-language?encode=false"


def samples_of(path: Path) -> bytes:
    """Return the samples as Bazarr's ffmpeg makes them: s16le, 16 kHz, mono."""
    with decode.open_audio(path, MediaOptions()) as audio:
        return b"".join(block.tobytes() for block in audio)


@pytest.fixture(scope="module")
def talk() -> bytes:
    """All samples of the talk."""
    return samples_of(SAMPLES / "talk.mp4")


@pytest.fixture(scope="module")
def film(talk: bytes) -> bytes:
    """The first minute of the talk."""
    return talk[: 2 * 16_000 * FILM_S]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server with the demo pair."""
    with serving(tmp_path_factory.mktemp("scratch"), EngineOptions(model="demo")) as running:
        yield running


def is_clean(running: Serving) -> bool:
    """Whether the scratch folder is empty."""
    return not list(running.service.folder.iterdir())


# ── Bazarr ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_bazarr_gets_the_subtitles_of_the_command_line(server: Serving, film: bytes, tmp_path: Path) -> None:
    from qasr_cli.tasks.api import Transcriber

    media = tmp_path / "audio_file.wav"
    with wave.open(str(media), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(film)
    answer = ask(server.port, asr(), form(film))
    with Transcriber(model="demo", language="en") as transcriber:
        expected = transcriber.transcribe(media).render("srt")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="audio_file.srt"'
    assert answer.text == expected
    path = tmp_path / "bazarr.srt"
    path.write_bytes(answer.body)
    captions = read_captions(path).captions
    assert len(captions) > 5
    assert captions[0].lines == ("Good morning, everyone, and welcome.",)
    assert is_clean(server)
