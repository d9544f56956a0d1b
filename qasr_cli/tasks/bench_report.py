"""The figures of `qasr bench`: what each stage takes on this machine, and what limits it.

In go measurements; out come a text of tables for a reader, and JSON. Measures nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from qasr_cli.errors import printable
from qasr_cli.terminal.tables import aligned_lines
from qasr_cli.timebase import MS_PER_S

_GB = 1e9
_MIN_GAIN = 1.2  # of a batch over single chunks, before it is worth a word
_HOST_STAGES = ("decode", "vad", "cues")
_TITLES = {
    "decode": "decoding",
    "vad": "voice activity detection",
    "recognize": "the recogniser",
    "align": "the aligner",
    "cues": "cues and subtitles",
}


@dataclass(frozen=True, slots=True)
class StageTime:
    """What a stage takes for the whole sample, chunk by chunk.

    Attributes:
        name: decode, vad, recognize, align or cues.
        wall_s: Seconds of wall time.
        cpu_s: CPU seconds of all threads and child processes.
    """

    name: str
    wall_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class BatchTime:
    """What a batch of `n` copies of the sample's longest chunk takes in the engine: wall seconds."""

    n: int
    chunk_ms: int
    recognize_s: float
    align_s: float

    @property
    def rtfx(self) -> float:
        """Audio seconds recognised and aligned per second."""
        return _rtfx(self.n * self.chunk_ms, self.recognize_s + self.align_s)


@dataclass(frozen=True, slots=True)
class Measurements:
    """All that was measured.

    Attributes:
        model: The recognizer's id.
        aligner: The aligner's id, "" without one.
        device: Device and number format.
        sample: Name of the media.
        audio_ms: Its length.
        speech_ms: Speech in it.
        n_chunks: Chunks that the speech was cut into.
        load_s: Wall seconds until both models were loaded, libraries included.
        stages: In their order.
        batches: One or more, growing.
        peak_memory_bytes: Of this process; None where the system does not report it.
        peak_device_bytes: Of its tensors on GPUs; None if it uses none.
    """

    model: str
    aligner: str
    device: str
    sample: str
    audio_ms: int
    speech_ms: int
    n_chunks: int
    load_s: float
    stages: tuple[StageTime, ...]
    batches: tuple[BatchTime, ...]
    peak_memory_bytes: int | None
    peak_device_bytes: int | None = None


def _rtfx(audio_ms: int, wall_s: float) -> float:
    return audio_ms / MS_PER_S / max(wall_s, 1e-6)


def _best(measured: Measurements) -> BatchTime:
    return max(measured.batches, key=lambda batch: batch.rtfx)


def slowest(measured: Measurements) -> tuple[StageTime, float]:
    """Return the stage that takes most of the time, and its share of all stages' time."""
    stage = max(measured.stages, key=lambda one: one.wall_s)
    return stage, stage.wall_s / max(sum(one.wall_s for one in measured.stages), 1e-6)


def sentence(measured: Measurements) -> str:
    """Return what limits the speed, in one sentence."""
    stage, share = slowest(measured)
    what = f"{_TITLES[stage.name]} limits the speed: {share:.0%} of the time"
    best, alone = _best(measured), measured.batches[0]
    if stage.name in _HOST_STAGES:
        return f"{what}; a faster device would not help."
    if len(measured.batches) == 1:  # memory, the time or --batch-size left no room for more
        return f"{what}; larger batches were not measured."
    if best.rtfx >= _MIN_GAIN * alone.rtfx:
        return f"{what}; in batches of {best.n} the models are {best.rtfx / alone.rtfx:.1f} times as fast."
    return f"{what}; larger batches are hardly faster."


def text(measured: Measurements) -> str:
    """Return the figures as lines and tables for a reader."""
    limit = sentence(measured)
    parts = [
        _conditions(measured),
        aligned_lines(("stage", "ms per audio s", "CPU ms per audio s", "RTFx"), _stage_rows(measured)),
        aligned_lines(
            ("chunks in a batch", "recognise, s", "align, s", "RTFx of the models"), _batch_rows(measured)
        ),
        [_memory(measured), f"{limit[0].upper()}{limit[1:]}"],
    ]
    return "\n\n".join("\n".join(map(printable, lines)) for lines in parts) + "\n"


def _conditions(measured: Measurements) -> list[str]:
    return [
        f"Model: {measured.model}; aligner: {measured.aligner or 'none'}.",
        f"Device: {measured.device or 'unknown'}. Loaded in {measured.load_s:.1f} s.",
        f"Sample: {measured.sample}, {measured.audio_ms / MS_PER_S:.1f} s, of which "
        f"{measured.speech_ms / MS_PER_S:.1f} s are speech, in chunks: {measured.n_chunks}.",
    ]


def _memory(measured: Measurements) -> str:
    own, device = measured.peak_memory_bytes, measured.peak_device_bytes
    on_device = f", on the GPU {device / _GB:.2f} GB" if device is not None else ""
    return f"Peak memory: {f'{own / _GB:.2f} GB' if own is not None else 'unknown'}{on_device}."


def _stage_rows(measured: Measurements) -> list[tuple[str, ...]]:
    return [
        (
            _TITLES[one.name],
            f"{_ms_per_s(measured, one.wall_s):.2f}",
            f"{_ms_per_s(measured, one.cpu_s):.2f}",
            f"{_rtfx(measured.audio_ms, one.wall_s):,.1f}",
        )
        for one in measured.stages
    ]


def _batch_rows(measured: Measurements) -> list[tuple[str, ...]]:
    return [
        (
            str(one.n),
            f"{one.recognize_s:.2f}",
            f"{one.align_s:.2f}" if measured.aligner else "-",
            f"{one.rtfx:,.1f}",
        )
        for one in measured.batches
    ]


def _ms_per_s(measured: Measurements, seconds: float) -> float:
    """Return milliseconds per second of audio."""
    return seconds * MS_PER_S / (measured.audio_ms / MS_PER_S)


def json_text(measured: Measurements, version: str) -> str:
    """Return the measurements as JSON, schema `qasr.bench.v1`."""
    stage, share = slowest(measured)
    content: dict[str, Any] = {
        "schema": "qasr.bench.v1",
        "version": version,
        "model": measured.model,
        "aligner": measured.aligner or None,
        "device": measured.device,
        "sample": measured.sample,
        "audio_ms": measured.audio_ms,
        "speech_ms": measured.speech_ms,
        "n_chunks": measured.n_chunks,
        "load_s": round(measured.load_s, 3),
        "stages": [
            {
                "stage": one.name,
                "ms_per_audio_s": round(_ms_per_s(measured, one.wall_s), 3),
                "cpu_ms_per_audio_s": round(_ms_per_s(measured, one.cpu_s), 3),
                "rtfx": round(_rtfx(measured.audio_ms, one.wall_s), 2),
            }
            for one in measured.stages
        ],
        "batches": [
            {
                "n_chunks": one.n,
                "chunk_ms": one.chunk_ms,
                "recognize_s": round(one.recognize_s, 3),
                "align_s": round(one.align_s, 3),
                "rtfx": round(one.rtfx, 2),
            }
            for one in measured.batches
        ],
        "peak_memory_bytes": measured.peak_memory_bytes,
        "peak_device_bytes": measured.peak_device_bytes,
        "limit": {"stage": stage.name, "share": round(share, 3), "sentence": sentence(measured)},
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
