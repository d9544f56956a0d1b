"""CPU time of each stage of the road on one piece of media, in one process."""

from __future__ import annotations

import os
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from qasr_cli import engines, formats
from qasr_cli.media import decode
from qasr_cli.options import (
    ChunkOptions,
    CueOptions,
    EngineOptions,
    MediaOptions,
    Options,
    OutputOptions,
    VadOptions,
)
from qasr_cli.pipeline import finish
from qasr_cli.pipeline.prepare import Prepared
from qasr_cli.records import Chunk, Segment, Source, Waveform
from qasr_cli.speech.audio import chunking
from qasr_cli.speech.audio.vad import SpeechDetector, SpeechMap
from qasr_cli.speech.inference import batching
from qasr_cli.speech.inference.session import Session
from tests.recognition import recognize_and_align

Value = TypeVar("Value")


def _cpu_s() -> float:
    usages = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


class Meter:
    """Adds up CPU seconds under names."""

    def __init__(self) -> None:
        self.cpu_s: dict[str, float] = {}

    def run(self, name: str, work: Callable[[], Value]) -> Value:
        """Return what `work` returns, and count its CPU time."""
        begun_s = _cpu_s()
        value = work()
        self.cpu_s[name] = self.cpu_s.get(name, 0.0) + _cpu_s() - begun_s
        return value


def measure_stages(media: Path) -> dict[str, float]:
    """Return CPU milliseconds per second of audio, by stage; the models on one thread.

    With more, threads that wait for each other spin, and CPU time says little.
    """
    os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is loaded, which is in the next line
    loaded = engines.load(EngineOptions(model="demo", device="cpu"))
    meter = Meter()
    with tempfile.TemporaryDirectory() as folder:
        samples = meter.run("decode (ffmpeg)", lambda: _decode(media))
        speech = meter.run("find speech (silero-vad)", lambda: _find_speech(samples))
        path = Path(folder) / "waveform"
        samples.tofile(path)
        waveform = Waveform(path, len(samples))
        limits = ChunkOptions().limited_to(loaded.recognizer.capacity.max_chunk_ms)
        chunks = meter.run("plan chunks", lambda: chunking.plan(0, speech, limits))
        audio = [waveform.read(chunk.start_ms, chunk.end_ms) for chunk in chunks]
        _transcribe(audio, chunks, loaded)  # the first pass over a shape builds kernels for it
        alone = loaded.without_aligner()
        meter.run("recognise (demo model)", lambda: _transcribe(audio, chunks, alone))
        segments = meter.run("both", lambda: _transcribe(audio, chunks, loaded))
        meter.cpu_s["align, words (demo model)"] = (
            meter.cpu_s.pop("both") - meter.cpu_s["recognise (demo model)"]
        )
        with decode.open_audio(media, MediaOptions()) as stream:
            prepared = Prepared(Source(0, media, Path(media.name)), stream.track, waveform, speech)
        transcript = finish.build_transcript(prepared, segments, loaded.engines, Options())
        output = OutputOptions(formats=tuple(formats.FORMATS))
        meter.run("cues and all formats", lambda: finish.render(transcript, CueOptions(), output))
    return {name: cpu_s * 1000 / (waveform.duration_ms / 1000) for name, cpu_s in meter.cpu_s.items()}


def _decode(media: Path) -> np.ndarray:
    with decode.open_audio(media, MediaOptions()) as stream:
        return np.concatenate(list(stream))


def _find_speech(samples: np.ndarray) -> SpeechMap:
    detector = SpeechDetector(VadOptions())
    detector.feed(samples)
    return detector.finish()


def _transcribe(audio: list[np.ndarray], chunks: tuple[Chunk, ...], loaded: Session) -> list[Segment | None]:
    found: list[Segment | None] = [None] * len(chunks)
    for batch in batching.plan([chunk.duration_ms for chunk in chunks], loaded.recognizer.capacity):
        done = recognize_and_align([audio[i] for i in batch], [chunks[i] for i in batch], loaded)
        for index, segment in zip(batch, done, strict=True):
            found[index] = segment
    return found
