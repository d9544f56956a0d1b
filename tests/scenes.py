"""A run over recordings that hold nothing but a plan of who speaks when: recognized, then reviewed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from qasr_cli import engines as engine_room
from qasr_cli.options import AlignOptions, ChunkOptions, DecodeOptions, EngineOptions, GuardOptions
from qasr_cli.pipeline.containment import contain
from qasr_cli.records import Span, Waveform
from qasr_cli.speech.audio import chunking
from qasr_cli.speech.audio.vad import FRAME_MS, SpeechMap
from qasr_cli.speech.fallback.review import ReviewedSource, review
from qasr_cli.speech.inference.protocols import Engines
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition import recognize
from qasr_cli.speech.recognition.passes import RecognizedSource
from tests import fakes
from tests.misbehaving import Misbehaving

Factory = Callable[[EngineOptions], Engines]


def speech_of(*edges_s: float, clear: float = 1.0) -> SpeechMap:
    """Return speech between each two of the times, three seconds of silence after the last."""
    spans = tuple(
        Span(int(a * 1000), int(b * 1000)) for a, b in zip(edges_s[::2], edges_s[1::2], strict=True)
    )
    duration_ms = spans[-1].end_ms + 3_000
    probs = np.zeros(duration_ms // FRAME_MS + 1, np.float32)
    for span in spans:
        probs[span.start_ms // FRAME_MS : span.end_ms // FRAME_MS] = clear
    return SpeechMap(spans, probs, duration_ms)


class Scene:
    """Sources, an engine and its options; `play` is what a run does with them."""

    def __init__(self, folder: Path, factory: Factory, *speech: SpeechMap, fallback_model: str = "") -> None:
        self.folder = folder
        self.speech = speech
        name = f"tests.misbehaving:{factory.__name__}"
        if fallback_model:
            self.session = engine_room.load(EngineOptions(engine=name, model="small"), fallback_model)
        else:
            self.session = Session(factory(EngineOptions()))
        self.decode = DecodeOptions()
        self.guard = GuardOptions()

    @property
    def engines(self) -> Engines:
        return self.session.engines

    @engines.setter
    def engines(self, engines: Engines) -> None:
        self.session = Session(engines)

    def _record(self, number: int, speech: SpeechMap) -> RecognizedSource:
        path = self.folder / f"{number}.s16le"
        path.write_bytes(bytes(32 * speech.duration_ms))
        waveform = Waveform(path, 16 * speech.duration_ms)
        chunks = chunking.plan(number, speech, ChunkOptions())
        audio = [waveform.read(chunk.start_ms, chunk.end_ms) for chunk in chunks]
        results = recognize.recognize_batch(audio, chunks, self.session, self.decode)
        timed = recognize.align_batch(audio, results, self.session, AlignOptions())
        return RecognizedSource(
            waveform,
            speech,
            tuple(late if not late.flags else early for early, late in zip(results, timed, strict=True)),
        )

    def play(self) -> list[ReviewedSource]:
        recordings = [self._record(number, speech) for number, speech in enumerate(self.speech)]
        self.n_first = len(self.asked)
        return review(recordings, self.session, self.decode, self.guard, AlignOptions(), contain)

    @property
    def asked(self) -> list[tuple[list[float], DecodeOptions]]:
        recognizer = self.engines.recognizer
        assert isinstance(recognizer, Misbehaving)
        return recognizer.asked

    @property
    def again(self) -> list[tuple[list[float], DecodeOptions]]:
        """The requests after the first pass."""
        return self.asked[self.n_first :]


def texts(reviewed: ReviewedSource) -> list[str]:
    return [segment.text for segment in reviewed.segments]


def flags(reviewed: ReviewedSource) -> list[tuple[str, ...]]:
    return [segment.flags for segment in reviewed.segments]


NUMBERS = "One two three four five six seven eight nine ten."


def well_behaved(options: EngineOptions) -> Engines:
    return Engines(Misbehaving(options, lambda answer, seconds, told: answer), fakes.Even())
