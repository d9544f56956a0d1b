"""The calls of Bazarr and of whisper-asr-webservice's clients, byte for byte as these programs send them.

The bytes follow from Bazarr's provider `whisperai` and from what `requests` makes of its calls: one part
`audio_file` whose name is its field's, without a type, and a Content-Length.
"""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from qasr_cli.media import decode
from qasr_cli.options import MediaOptions
from tests.serving.in_process import LOCAL

BOUNDARY = "d41d8cd98f00b204e9800998ecf8427e"  # requests' are 32 hex digits


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
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="audio_file"; filename="{file_name}"\r\n\r\n'
    )
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
