"""Figures of both engines on the demo recognizer: audio seconds for each second of processor time.

In goes nothing; out comes a table. Rounds of both engines alternate, so that both meet the same other load;
the processor's time is that of this process, with all of its threads.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from qasr_cli.engines.device import Placement
from qasr_cli.engines.layouts import Kind
from qasr_cli.engines.qwen3.engine import Qwen3Recognizer
from qasr_cli.engines.qwen3.setup import Setup
from qasr_cli.engines.vllm import environment
from qasr_cli.engines.vllm.recognizer import VllmRecognizer
from qasr_cli.options import DecodeOptions
from tests import demo_pair, sentences

_ROUNDS = 3
_BATCH = 32


@dataclass
class _Measured:
    """One engine's rounds."""

    name: str
    write: Callable[[list[np.ndarray], DecodeOptions], list[list[int]]]
    audio_s: float = 0.0
    cpu_s: list[float] = field(default_factory=list)
    wall_s: list[float] = field(default_factory=list)


def table() -> str:
    """Return a table in Markdown; takes half a minute."""
    environment.prepare()
    placement = Placement(torch.device("cpu"), torch.float32)
    model = demo_pair.opened(Kind.RECOGNIZER)
    theirs = VllmRecognizer(model, placement, _BATCH)
    ours = Qwen3Recognizer(model, Setup(placement))
    engines = [_Measured("qwen3", ours.write), _Measured("vllm", theirs.write)]
    with tempfile.TemporaryDirectory() as folder:
        clips = sentences.clips(Path(folder))[::2]
    for number in range(-1, _ROUNDS):  # the first one warms up
        for engine in engines if number % 2 else engines[::-1]:
            _measure(engine, clips, number)
    rows = "".join(_row(engine) for engine in engines)
    return (
        f"{len(clips)} clips, {sum(map(len, clips)) / 16_000:.0f} s of audio, batches of {_BATCH}, "
        f"{torch.get_num_threads()} threads, fp32; the median of {_ROUNDS} rounds and their range\n\n"
        "| engine | audio s per CPU s | range | audio s per s |\n|---|---|---|---|\n" + rows
    )


def _measure(engine: _Measured, clips: list[np.ndarray], number: int) -> None:
    gain = np.float32(1 - 0.01 * (number + 2))  # no round has audio that another one had
    audio = [clip * gain for clip in clips]
    cpu_s, wall_s = time.process_time(), time.monotonic()
    for begin in range(0, len(audio), _BATCH):
        engine.write(audio[begin : begin + _BATCH], DecodeOptions())
    if number >= 0:
        engine.audio_s = sum(map(len, audio)) / 16_000
        engine.cpu_s.append(time.process_time() - cpu_s)
        engine.wall_s.append(time.monotonic() - wall_s)


def _row(engine: _Measured) -> str:
    rates = [engine.audio_s / cpu_s for cpu_s in engine.cpu_s]
    speed = engine.audio_s / statistics.median(engine.wall_s)
    middle = statistics.median(rates)
    return f"| `{engine.name}` | {middle:.0f} | {min(rates):.0f} to {max(rates):.0f} | {speed:.0f} |\n"


if __name__ == "__main__":
    print(table(), end="")  # noqa: T201 - a program
