"""Clients that send clips to an OpenAI-compatible server, each the next one when its answer is there.

In go an address, clips and a number of clients; out come times and texts. The clients are threads of this
process, whose CPU time is not the server's.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.bench.serving.clips import Clip

_BOUNDARY = "----clip"
_TIMEOUT_S = 600


@dataclass(slots=True)
class Load:
    """What a load test gave.

    Attributes:
        seconds: Wall time from the first request to the last answer.
        audio_s: Seconds of audio that were answered.
        latencies_s: Of each answer.
        texts: Texts by the clip's number.
        failures: Answers that are none, as text.
    """

    seconds: float = 0.0
    audio_s: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    texts: dict[int, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def percentile_ms(self, share: float) -> int:
        """Return the latency that a share of the answers keeps, in milliseconds."""
        ordered = sorted(self.latencies_s)
        return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))])


def form(clip: Clip, **fields: str) -> tuple[bytes, str]:
    """Return a transcription's body and its content type."""
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    head = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="clip.wav"\r\n'
        "Content-Type: audio/wav\r\n\r\n"
    )
    body = "".join(parts).encode() + head.encode() + clip.wav + f"\r\n--{_BOUNDARY}--\r\n".encode()
    return body, f"multipart/form-data; boundary={_BOUNDARY}"


def run(url: str, model: str, clips: Iterator[Clip], *, n_clients: int, n_requests: int) -> Load:
    """Send clips with so many clients at once, and return what came back."""
    load, lock = Load(), threading.Lock()
    waiting = iter(range(n_requests))

    def serve() -> None:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=_TIMEOUT_S)
        while True:
            with lock:
                number = next(waiting, None)
                if number is None:
                    return
                one = next(clips)
            body, kind = form(one, model=model, response_format="json")
            begun_s = time.monotonic()
            try:
                connection.request("POST", "/v1/audio/transcriptions", body, headers={"Content-Type": kind})
                answer = connection.getresponse()
                text = answer.read().decode()
                is_good = answer.status == http.HTTPStatus.OK
            except (OSError, http.client.HTTPException) as error:
                is_good, text = False, repr(error)
                connection.close()
            with lock:
                if is_good:
                    load.latencies_s.append(time.monotonic() - begun_s)
                    load.audio_s += one.seconds
                    load.texts[number] = json.loads(text)["text"]
                else:
                    load.failures.append(text)

    threads = [threading.Thread(target=serve) for _ in range(n_clients)]
    begun_s = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    load.seconds = time.monotonic() - begun_s
    return load
