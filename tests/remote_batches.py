"""Batches for servers on loopback, and the recognizers that send them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from qasr_cli.engines.remote import startup
from qasr_cli.engines.remote.recognizer import RemoteRecognizer
from qasr_cli.options import DecodeOptions, RemoteOptions
from tests import speech_server
from tests.speech_server import SpeechServer

FREE = DecodeOptions()
PATIENCE_MIN = 0.1  # 6 s: far more than any answer takes here


def chunks(n: int, seconds: float = 1.0) -> list[np.ndarray]:
    """Return chunks that differ, of samples that are exact in 16 bits."""
    random = np.random.default_rng(7)
    return [
        (random.integers(-3000, 3000, int(seconds * 16_000)) / 32768).astype(np.float32) for _ in range(n)
    ]


def connect(*servers: SpeechServer, patience_min: float = PATIENCE_MIN, **more: object) -> RemoteRecognizer:
    urls = tuple(one.url for one in servers)
    options = RemoteOptions(server=urls, server_patience_min=patience_min, **more)  # type: ignore[arg-type]
    return startup.connect(options).recognizer


def texts(audio: Sequence[np.ndarray]) -> list[str]:
    return [speech_server.digest_of(speech_server.Heard("", {}, one)).text for one in audio]


def check_all_answered_once(audio: Sequence[np.ndarray], *servers: SpeechServer, again: int = 0) -> None:
    """Check that each chunk was asked for once, and `again` times more in all."""
    asked = Counter(digest for server in servers for digest in server.digests)
    assert len(asked) == len(audio)
    assert sum(asked.values()) == len(audio) + again
