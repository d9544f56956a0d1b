"""A client of /v1/realtime: what it sends, in a line each, and the events up to one that it awaits."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.serving.in_process import InProcess

Events = list[dict[str, Any]]


@contextlib.contextmanager
def opened(running: InProcess, **given: Any) -> Iterator[ClientConnection]:
    url = f"ws://127.0.0.1:{running.port}/v1/realtime?intent=transcription"
    with connect(url, **given) as socket:
        yield socket


def send(socket: ClientConnection, kind: str, **fields: object) -> None:
    socket.send(json.dumps({"type": kind, **fields}))


def append(socket: ClientConnection, samples: bytes, step: int = 4_800) -> None:
    """Send samples in pieces, as a microphone gives them."""
    for begin in range(0, len(samples), step):
        audio = base64.b64encode(samples[begin : begin + step]).decode()
        send(socket, "input_audio_buffer.append", audio=audio)


def sound(rate_hz: int = 16_000, **fields: object) -> dict[str, object]:
    """Return a session of a rate."""
    shape = {"type": "audio/pcm", "rate": rate_hz}
    return {"type": "transcription", "audio": {"input": {"format": shape, **fields}}}


def events_until(socket: ClientConnection, kind: str, seconds: float = 30) -> Events:
    """Return the events up to the first whose type ends so."""
    events: Events = []
    ends_s = time.monotonic() + seconds
    while not events or not events[-1]["type"].endswith(kind):
        events.append(json.loads(socket.recv(max(0.1, ends_s - time.monotonic()))))
    return events


def kinds(events: Events) -> list[str]:
    return [event["type"] for event in events if event["type"] != "qasr.partial"]


def updated(socket: ClientConnection, session: dict[str, object]) -> None:
    send(socket, "session.update", session=session)
    events_until(socket, "session.updated")


def there(socket: ClientConnection) -> Events:
    """Return the events that have come."""
    events: Events = []
    while True:
        try:
            events.append(json.loads(socket.recv(0)))
        except TimeoutError:
            return events
