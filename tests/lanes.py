"""The engine lane of a server with made-up requests, for tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from qasr_cli.errors import QasrError
from qasr_cli.options import DecodeOptions, EngineOptions, Options
from qasr_cli.pipeline.engine_cache import EngineCache
from qasr_cli.pipeline.open_source import OpenSource
from qasr_cli.pipeline.prepare import Prepared
from qasr_cli.records import Chunk, Hypothesis, Source, Track, Waveform
from qasr_cli.serving.batch_queue import Request
from qasr_cli.serving.request_lane import RequestLane
from qasr_cli.speech.audio import chunking
from qasr_cli.speech.inference import preemption
from qasr_cli.speech.inference.protocols import Capacity, Engines
from qasr_cli.speech.inference.session import Session
from tests import fakes
from tests.scenes import speech_of

FILM = speech_of(*(edge for start in range(0, 400, 25) for edge in (start, start + 20)))
SENTENCE = speech_of(0, 3)


class Asked:
    """A request that remembers what happened to it."""

    is_cancelled = False

    def __init__(self, log: list[str], name: str, *, is_urgent: bool = True) -> None:
        self.log, self.name, self.is_urgent = log, name, is_urgent
        self.over = threading.Event()

    def begun(self) -> None:
        pass

    def plan(self, opened: OpenSource[Request], capacity: Capacity) -> list[Chunk]:
        return list(chunking.plan(0, opened.prepared.speech, opened.options.chunk))

    def progressed(self, opened: OpenSource[Request]) -> None:
        self.log.append(f"{self.name} progressed")

    def settled(self, opened: OpenSource[Request]) -> None:
        self.log.append(f"{self.name} settled")
        self.over.set()


class Pool:
    """A lane over an engine, and what it is asked."""

    def __init__(self, folder: Path, session: Session | Callable[[], Session]) -> None:
        self.folder = folder
        self.log: list[str] = []
        self.lost: list[QasrError] = []
        self.n_near = 0
        self.sizes: list[int] = []
        load = (lambda: session) if isinstance(session, Session) else session
        cache = EngineCache(load, lambda: None, 0)
        self.lane = RequestLane(cache, lambda: self.n_near, self.lost.append)
        self.lane.counts.on_batch = lambda size, most, seconds: self.sizes.append(size)

    def opened(self, name: str, speech: object = SENTENCE, **options: bool) -> OpenSource[Request]:
        path = self.folder / f"{name}.s16le"
        path.write_bytes(bytes(32 * speech.duration_ms))  # type: ignore[attr-defined]
        waveform = Waveform(path, 16 * speech.duration_ms)  # type: ignore[attr-defined]
        source = Source(0, Path(name), Path(name))
        prepared = Prepared(source, Track(0, "pcm", 1, 16_000), waveform, speech)  # type: ignore[arg-type]
        return OpenSource(Asked(self.log, name, **options), prepared, 0.0, Options())

    def ask(self, name: str, speech: object = SENTENCE) -> OpenSource[Request]:
        opened = self.opened(name, speech)
        self.lane.add(opened)
        return opened


def wait_for(*sources: OpenSource[Request]) -> None:
    for opened in sources:
        assert opened.owner.over.wait(20), opened.relative  # type: ignore[attr-defined]


class Paced(fakes.Echo):
    """Takes a while for each chunk, and pauses between them as our own loop does."""

    def __init__(self, options: EngineOptions, chunk_s: float, *, pauses: bool) -> None:
        super().__init__(options)
        self.chunk_s = chunk_s
        self.pauses = pauses

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        for _ in audio:
            if self.pauses:
                preemption.pause()
            time.sleep(self.chunk_s)
        return super().recognize(audio, options)


def paced(chunk_s: float, *, pauses: bool = True) -> Session:
    return Session(Engines(Paced(EngineOptions(batch_size=8), chunk_s, pauses=pauses), fakes.Even()))
