"""`qasr live --bench`: how soon live text comes on this machine, how stable it is, and what it costs.

In go a recording and options; out come tables or JSON on stdout. The recording is replayed as live sound; its
finals are compared with the recognizer's text of the same spans, with `qasr transcribe`'s text of the whole
file, and with a reference if there is one. Never writes a file.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qasr_cli import bounded_json, engines
from qasr_cli.engines import memory
from qasr_cli.errors import UsageError
from qasr_cli.formats.readers import captions
from qasr_cli.live import latencies, replay
from qasr_cli.live.replay import Replayed
from qasr_cli.media import decode, file_checks
from qasr_cli.operating_system import processes
from qasr_cli.options import ChunkOptions, LogOptions, Options, StreamOptions
from qasr_cli.pipeline.containment import contain
from qasr_cli.records import Hypothesis, Segment
from qasr_cli.speech.audio import chunking
from qasr_cli.speech.audio.vad import FrameProbabilities, SpeechDetector
from qasr_cli.speech.fallback.review import review
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition import recognize
from qasr_cli.speech.recognition.passes import RecognizedSource
from qasr_cli.speech.streaming import finals
from qasr_cli.speech.streaming.events import Ended, Final
from qasr_cli.speech.streaming.finals import EndedUtterance, FinalOptions, MemoryWaveform
from qasr_cli.speech.streaming.language_inertia import LanguageInertia
from qasr_cli.tasks import live_bench_report, observers, text_input
from qasr_cli.tasks.caption_input import Reading, read_script
from qasr_cli.tasks.live_bench_report import Errors, LiveMeasurements
from qasr_cli.terminal import stdio
from qasr_cli.timebase import SAMPLE_RATE_HZ, ms_to_samples, samples_to_ms
from qasr_cli.version import __version__

_BESIDE = (".truth.json", ".txt", ".srt", ".vtt", ".json")  # suffixes of a reference, the best first
_WARM_UP_MS = 2_000


@dataclass(frozen=True, slots=True)
class LiveBenchRequest:
    """What to measure.

    Attributes:
        media: A recording with speech.
        options: Engine and speech.
        stream: When text is shown and final.
        reference: What is said in it; None takes a text beside the recording, if there is one.
        is_real_time: Take as long as the recording, with the threads of a live session.
        as_json: Print JSON and not tables.
    """

    media: Path
    options: Options
    stream: StreamOptions
    reference: Path | None = None
    is_real_time: bool = False
    as_json: bool = False


def bench(request: LiveBenchRequest, log: LogOptions) -> None:
    """Measure, and print tables or JSON on stdout.

    Raises:
        UsageError: The recording has no speech.
        UnavailableError: The model or the device is not on this machine.
        QasrError: The recording or the reference cannot be read.
    """
    processes.require_posix()
    stdout = stdio.guard()
    observers.set_up(log, [])
    measured = measure(request)
    text = (
        live_bench_report.json_text(measured, __version__)
        if request.as_json
        else live_bench_report.text(measured)
    )
    stdout.write(text)


def measure(request: LiveBenchRequest) -> LiveMeasurements:
    """Return the figures.

    Raises:
        UsageError: The recording has no speech.
        QasrError: As `bench`.
    """
    file_checks.check_file(request.media)
    reference = _reference(request)
    engines.refuse_unknown_languages(request.options.engine, request.options.decode)
    memory.prepare()
    with decode.open_audio(request.media, request.options.media) as stream:
        samples = np.concatenate([*stream, np.zeros(0, np.int16)])
    engine = engines.load(request.options.engine, request.options.guard.fallback_model)
    _warm_up(samples, engine, request.options)
    begun_bytes = processes.peak_memory_bytes()
    play = replay.in_real_time if request.is_real_time else replay.simulate
    replayed = play(samples, engine, request.options, request.stream)
    ended_bytes = processes.peak_memory_bytes()
    spoken = [timed.event for timed in replayed.events if isinstance(timed.event, Final)]
    if not spoken:
        raise UsageError(f"no speech in {request.media}", "give a recording of somebody who speaks")
    return LiveMeasurements(
        model=engine.recognizer.model_id,
        device=engine.device,
        sample=request.media.name,
        audio_ms=samples_to_ms(len(samples)),
        step_ms=request.stream.step_ms,
        is_real_time=request.is_real_time,
        utterances_ms=tuple(final.end_ms - final.start_ms for final in spoken),
        latencies=latencies.measure(replayed.events),
        errors=_errors(spoken, samples, engine, request.options, reference),
        batches=replayed.batches,
        metrics=_metrics(replayed),
        memory_bytes=(begun_bytes, ended_bytes),
    )


def _metrics(replayed: Replayed) -> dict[str, float]:
    ends = [timed.event.metrics for timed in replayed.events if isinstance(timed.event, Ended)]
    return dict(ends[-1]) if ends else {}


def _reference(request: LiveBenchRequest) -> str | None:
    """Return what is said in the recording, if that is known."""
    beside = (request.media.with_suffix(suffix) for suffix in _BESIDE)
    path = request.reference or next((path for path in beside if os.path.isfile(path)), None)
    if path is None:
        return None
    if path.suffix.lower() == ".json":
        whole = _text_field(path)
        if whole is not None:
            return whole
    script = read_script(path, Reading(language=request.options.decode.language))
    return " ".join(line for block in script.blocks for line in block)


def _text_field(path: Path) -> str | None:
    """Return the whole text in a JSON file of a transcript, as many programs write it; None without one."""
    try:
        content = bounded_json.loads(text_input.read_bytes(path, str(path), captions.MAX_JSON_BYTES))
    except ValueError:
        return None
    found = content.get("text") if isinstance(content, dict) else None
    return found if isinstance(found, str) else None


def _warm_up(samples: np.ndarray, engine: Session, options: Options) -> None:
    """Load kernels, which would be a part of the first step's time."""
    FrameProbabilities(1).feed(samples[:SAMPLE_RATE_HZ])
    part = samples[: ms_to_samples(_WARM_UP_MS)]
    finals.finish([_recognized(part, 0, engine, options)], engine, contain)


def _errors(
    spoken: Sequence[Final], samples: np.ndarray, engine: Session, options: Options, reference: str | None
) -> Errors:
    """Compare the finals with the text of files, and with the reference."""
    language = next((segment.language for final in spoken for segment in final.segments), None)
    live = _text([segment for final in spoken for segment in final.segments])
    same_spans = finals.finish(
        [
            _recognized(
                samples[ms_to_samples(final.start_ms) : ms_to_samples(final.end_ms)],
                final.start_ms,
                engine,
                options,
            )
            for final in spoken
        ],
        engine,
        contain,
    )
    equal = [
        _text(final.segments) == _text(text.segments) for final, text in zip(spoken, same_spans, strict=True)
    ]
    offline = _text(_transcribed(samples, engine, options))
    return Errors(
        n_equal=sum(equal),
        live_to_offline=live_bench_report.word_error_rate(offline, live, language),
        live_to_reference=_rate(reference, live, language),
        offline_to_reference=_rate(reference, offline, language),
    )


def _rate(reference: str | None, text: str, language: str | None) -> float | None:
    return None if reference is None else live_bench_report.word_error_rate(reference, text, language)


def _recognized(
    samples: np.ndarray, start_ms: int, engine: Session, options: Options
) -> tuple[EndedUtterance, Hypothesis]:
    """Return a span as an utterance that was recognized at once."""
    frames = FrameProbabilities(1)
    probs = np.concatenate([frames.feed(samples), frames.finish()])
    waveform = MemoryWaveform(samples)
    own = FinalOptions(options.decode, options.guard, options.align)
    speech = finals.speech_in(samples, probs, options.vad)
    ended = EndedUtterance(start_ms, waveform, speech, LanguageInertia(), own)
    audio = waveform.read(0, waveform.duration_ms)
    return ended, engine.recognizer.recognize([audio], options.decode)[0]


def _transcribed(samples: np.ndarray, engine: Session, options: Options) -> Sequence[Segment]:
    """Return the text of the whole recording, as that of a file."""
    detector = SpeechDetector(options.vad)
    detector.feed(samples)
    speech, waveform = detector.finish(), MemoryWaveform(samples)
    limits: ChunkOptions = options.chunk.limited_to(engine.recognizer.capacity.max_chunk_ms)
    results = tuple(
        result
        for chunk in chunking.plan(0, speech, limits)
        for result in recognize.recognize_batch(
            [waveform.read(chunk.start_ms, chunk.end_ms)], [chunk], engine, options.decode
        )
    )
    source = RecognizedSource(waveform, speech, results)
    return review([source], engine, options.decode, options.guard, options.align, contain)[0].segments


def _text(segments: Sequence[Segment]) -> str:
    return " ".join(segment.text for segment in segments)
