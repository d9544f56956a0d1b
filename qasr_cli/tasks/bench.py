"""`qasr bench`: measures each stage on this machine with the chosen model, and prints what limits it.

In go the engine's options and a recording (a talk of 18 s ships with qasr); out come tables or JSON on
stdout. Never downloads a model: without the default one the demo pair is measured, with a warning. Never
writes a file. The stages run one after the other here; in a run, decoding and the models work at the same
time.
"""

from __future__ import annotations

import logging
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import numpy as np

from qasr_cli import engines
from qasr_cli.engines import memory
from qasr_cli.errors import OutOfMemoryError, UsageError
from qasr_cli.media import decode, file_checks
from qasr_cli.operating_system import processes
from qasr_cli.options import AlignOptions, ChunkOptions, DecodeOptions, EngineOptions, Options
from qasr_cli.pipeline import finish
from qasr_cli.pipeline.prepare import Prepared
from qasr_cli.records import INT16_SCALE, Chunk, Source, Track, Waveform
from qasr_cli.speech.audio import chunking
from qasr_cli.speech.audio.vad import SpeechDetector, SpeechMap
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition import recognize
from qasr_cli.speech.recognition.recognize import RecognizedChunk
from qasr_cli.tasks import bench_report
from qasr_cli.tasks.bench_report import BatchTime, Measurements, StageTime
from qasr_cli.terminal import logs, stdio
from qasr_cli.timebase import SAMPLES_PER_MS
from qasr_cli.version import __version__

logger = logging.getLogger(__name__)

# The first 18.5 s of samples/talk.mp4: one chunk of 17 s, and nearly all of it speech.
SAMPLE = Path(str(files("qasr_cli"))) / "demo" / "sample.ogg"
_SAMPLE_LANGUAGE = "en"
_ROUNDS = 3  # of each stage, of which the median counts
_ENOUGH_S = 10.0  # a stage that took so long is not measured again
_WARM_UP_MS = 2_000  # of a chunk: enough to load kernels

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class BenchRequest:
    """What to measure.

    Attributes:
        options: Model, device, number format, spoken language.
        media: A recording; None for the one that ships with qasr.
        batch_limit_s: Seconds for batches of more than one chunk.
        as_json: Print JSON and not tables.
    """

    options: Options
    media: Path | None = None
    batch_limit_s: float = 30.0
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class _Recording:
    """A decoded recording and its chunks; `audio` is `float32[n_samples]` of each."""

    track: Track
    samples: np.ndarray
    speech: SpeechMap
    chunks: tuple[Chunk, ...]
    audio: list[np.ndarray]


class _Clock:
    """Runs stages and keeps the median of what each takes."""

    def __init__(self) -> None:
        self.stages: list[StageTime] = []

    def run(self, name: str, work: Callable[[], Value]) -> Value:
        """Return what `work` returns; slow work is done once, other work several times."""
        walls_s: list[float] = []
        cpus_s: list[float] = []
        while True:
            begun_s, cpu_s = time.monotonic(), processes.cpu_seconds()
            value = work()
            walls_s.append(time.monotonic() - begun_s)
            cpus_s.append(processes.cpu_seconds() - cpu_s)
            if len(walls_s) == _ROUNDS or sum(walls_s) >= _ENOUGH_S:
                break
        self.stages.append(StageTime(name, statistics.median(walls_s), statistics.median(cpus_s)))
        return value


def bench(request: BenchRequest, *, verbosity: int) -> None:
    """Measure, and print tables or JSON on stdout.

    Raises:
        UsageError: The recording has no speech.
        UnavailableError: The model or the device is not on this machine.
        QasrError: The recording cannot be decoded.
    """
    logs.configure(verbosity)
    stdout = stdio.guard()
    measured = measure(request)
    stdout.write(
        bench_report.json_text(measured, __version__) if request.as_json else bench_report.text(measured)
    )


def measure(request: BenchRequest) -> Measurements:
    """Return what each stage and growing batches take.

    Raises:
        UsageError: The recording has no speech, or the limit is negative.
        UnavailableError: The model or the device is not on this machine.
        QasrError: The recording cannot be decoded.
    """
    if not request.batch_limit_s >= 0:  # nor NaN
        raise UsageError("--batch-seconds must be at least 0", "leave it out", flag="--batch-seconds")
    processes.require_posix()
    media = request.media or SAMPLE
    file_checks.check_file(media)  # a slip in a name is an error now, and not after loading
    options = _with_model_here(request.options)
    decoding = options.decode
    if request.media is None and decoding.language is None:
        decoding = replace(decoding, language=_SAMPLE_LANGUAGE)
    clock = _Clock()
    begun_s = time.monotonic()
    session = engines.load(options.engine)
    load_s = time.monotonic() - begun_s
    recording = _prepare(media, options, session, clock)
    _warm_up(recording, session, decoding)
    results = clock.run("recognize", lambda: _recognize(recording, session, decoding))
    if session.aligner is not None:
        results = clock.run("align", lambda: _align(recording, results, session))
    else:
        results = _align(recording, results, session)
    clock.run("cues", lambda: _render(recording, media, results, session, options))
    batches = _batches(recording, session, decoding, request.batch_limit_s)
    return Measurements(
        model=session.recognizer.model_id,
        aligner=session.engines.aligner_id,
        device=session.engines.device,
        sample=media.name,
        audio_ms=recording.speech.duration_ms,
        speech_ms=sum(span.duration_ms for span in recording.speech.spans),
        n_chunks=len(recording.chunks),
        load_s=load_s,
        stages=tuple(clock.stages),
        batches=batches,
        peak_memory_bytes=processes.peak_memory_bytes(),
        peak_device_bytes=memory.peak_device_bytes(),
    )


def _with_model_here(options: Options) -> Options:
    """Return the options without downloads; the demo pair replaces a default model that is not here."""
    engine = replace(options.engine, offline=True)
    if engine.model == EngineOptions().model and ":" not in engine.engine:
        from qasr_cli.engines import model_store

        if model_store.find(model_store.recognizer_location(engine.model)) is None:
            logger.warning(
                "model %s is not on this machine, so the toy model demo is measured; to download it: "
                "qasr models pull %s",
                engine.model,
                engine.model,
            )
            engine = replace(engine, model=model_store.DEMO)
    return replace(options, engine=engine)


def _prepare(media: Path, options: Options, session: Session, clock: _Clock) -> _Recording:
    def read() -> tuple[Track, np.ndarray]:
        with decode.open_audio(media, options.media) as stream:
            return stream.track, np.concatenate([*stream, np.zeros(0, np.int16)])

    def find_speech() -> SpeechMap:
        detector = SpeechDetector(options.vad)
        detector.feed(samples)
        return detector.finish()

    track, samples = clock.run("decode", read)
    speech = clock.run("vad", find_speech)
    limits: ChunkOptions = options.chunk.limited_to(session.recognizer.capacity.max_chunk_ms)
    chunks = chunking.plan(0, speech, limits)
    if not chunks:
        raise UsageError(f"no speech in {media}", "give a recording of somebody who speaks")
    audio = [_cut(samples, chunk) for chunk in chunks]
    return _Recording(track, samples, speech, chunks, audio)


def _cut(samples: np.ndarray, chunk: Chunk) -> np.ndarray:
    part = samples[chunk.start_ms * SAMPLES_PER_MS : chunk.end_ms * SAMPLES_PER_MS]
    return part.astype(np.float32) * INT16_SCALE


def _warm_up(recording: _Recording, session: Session, decoding: DecodeOptions) -> None:
    chunk = recording.chunks[0]
    part = [recording.audio[0][: _WARM_UP_MS * SAMPLES_PER_MS]]
    recognize.align_batch(
        part, recognize.recognize_batch(part, [chunk], session, decoding), session, AlignOptions()
    )


def _recognize(recording: _Recording, session: Session, decoding: DecodeOptions) -> list[RecognizedChunk]:
    """Return the chunks recognised one by one."""
    return [
        result
        for audio, chunk in zip(recording.audio, recording.chunks, strict=True)
        for result in recognize.recognize_batch([audio], [chunk], session, decoding)
    ]


def _align(
    recording: _Recording, results: Sequence[RecognizedChunk], session: Session
) -> list[RecognizedChunk]:
    """Return the chunks aligned one by one."""
    return [
        aligned
        for audio, result in zip(recording.audio, results, strict=True)
        for aligned in recognize.align_batch([audio], [result], session, AlignOptions())
    ]


def _render(
    recording: _Recording, media: Path, results: Sequence[RecognizedChunk], session: Session, options: Options
) -> None:
    with tempfile.TemporaryDirectory() as folder:  # a waveform is a file; the renderer reads its length only
        waveform = Waveform(Path(folder) / "none", len(recording.samples))
        prepared = Prepared(Source(0, media, Path(media.name)), recording.track, waveform, recording.speech)
        segments = [result.segment for result in results]
        transcript = finish.build_transcript(prepared, segments, session.engines, options)
        finish.render(transcript, options.cue, options.output)


def _batches(
    recording: _Recording, session: Session, decoding: DecodeOptions, limit_s: float
) -> tuple[BatchTime, ...]:
    """Return single chunks and batches of 2, 4, 8, … copies, as far as memory and the time allow."""
    longest = max(range(len(recording.chunks)), key=lambda index: len(recording.audio[index]))
    chunk, audio = recording.chunks[longest], recording.audio[longest]
    capacity = session.recognizer.capacity
    found: list[BatchTime] = []
    end_s = time.monotonic() + limit_s
    n = 1
    while n == 1 or (n <= capacity.max_batch_size and n * chunk.duration_ms <= capacity.max_batch_ms):
        try:
            found.append(_time_batch([audio] * n, [chunk] * n, session, decoding))
        except OutOfMemoryError:
            if not found:
                raise
            break
        took_s = found[-1].recognize_s + found[-1].align_s
        if time.monotonic() + 2 * took_s > end_s:  # twice the chunks take twice the time at worst
            break
        n *= 2
    return tuple(found)


def _time_batch(
    audio: list[np.ndarray], chunks: list[Chunk], session: Session, decoding: DecodeOptions
) -> BatchTime:
    begun_s = time.monotonic()
    results = recognize.recognize_batch(audio, chunks, session, decoding)
    recognized_s = time.monotonic()
    if session.aligner is not None:
        recognize.align_batch(audio, results, session, AlignOptions())
    done_s = time.monotonic()
    return BatchTime(len(chunks), chunks[0].duration_ms, recognized_s - begun_s, done_s - recognized_s)
