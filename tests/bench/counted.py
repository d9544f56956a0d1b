"""Engines that keep count of what they are given, through the door that all engines use.

    qasr transcribe ... --engine tests.bench.counted:demo     with QASR_BENCH_CALLS=FILE

Each call is a line of FILE: begin and end in seconds, chunks, and what the batch could have held.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from qasr_cli import engines as doors
from qasr_cli.options import DecodeOptions, EngineOptions
from qasr_cli.records import Hypothesis
from qasr_cli.speech.inference.protocols import (
    Aligner,
    AlignRequest,
    Capacity,
    Engines,
    Posterior,
    Recognizer,
)
from qasr_cli.timebase import SAMPLE_RATE_HZ
from tests import fakes


class Counted:
    """An engine, and a line about each call."""

    def __init__(self, inner: Recognizer | Aligner, name: str) -> None:
        self._inner: Any = inner
        self._name = name
        self._file = os.environ["QASR_BENCH_CALLS"]
        self.model_id = inner.model_id
        self.capacity: Capacity = inner.capacity

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        """Recognize, and count."""
        begun_s = time.monotonic()
        answers: list[Hypothesis] = self._inner.recognize(audio, options)
        self._count(begun_s, [len(samples) for samples in audio])
        return answers

    def supports(self, language: str | None) -> bool:
        """Ask the engine."""
        return bool(self._inner.supports(language))

    def align(self, requests: Sequence[AlignRequest]) -> list[Posterior]:
        """Align, and count."""
        begun_s = time.monotonic()
        answers: list[Posterior] = self._inner.align(requests)
        self._count(begun_s, [len(request.audio) for request in requests])
        return answers

    def _count(self, begun_s: float, lengths: Sequence[int]) -> None:
        padded_ms = max(lengths) * 1000 / SAMPLE_RATE_HZ
        room = max(1, min(self.capacity.max_batch_size, int(self.capacity.max_batch_ms // padded_ms)))
        line = {
            "engine": self._name,
            "begin_s": begun_s,
            "end_s": time.monotonic(),
            "n": len(lengths),
            "room": room,
        }
        with open(self._file, "a", encoding="utf-8") as file:  # noqa: PTH123 - a line a call
            file.write(json.dumps(line) + "\n")


def counted(found: Engines) -> Engines:
    """Return the pair with every call counted."""
    aligner = None if found.aligner is None else Counted(found.aligner, "aligner")
    return Engines(Counted(found.recognizer, "recognizer"), aligner, device=found.device)


def demo(options: EngineOptions) -> Engines:
    """Return the demo pair."""
    return counted(doors.load(replace(options, engine="qwen3", model="demo")).engines)


def free(options: EngineOptions) -> Engines:
    """Return a pair that needs no time, so that everything else shows."""
    return counted(fakes.echo(options))
