"""Engines for tests of a server, through the door that real ones use: `--engine tests.serving.gates:NAME`.

They recognise as `tests.fakes` does; a test opens the gate, or reads what was asked of the engine.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from qasr_cli.options import DecodeOptions, EngineOptions
from qasr_cli.records import Hypothesis
from qasr_cli.speech.inference.protocols import Engines
from tests import fakes

GATE = threading.Event()  # closed: what is recognised waits
ASKED: list[DecodeOptions] = []
SPOKEN = ["English"]  # the language that is recognised


class _Gated(fakes.Echo):
    model_id = "fake/gated"

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        if all(samples.any() for samples in audio):  # not the silence that warms an engine up
            ASKED.append(options)
            assert GATE.wait(60), "the test never opened the gate"
        return [replace(one, language=SPOKEN[0]) for one in super().recognize(audio, options)]


def gated(options: EngineOptions) -> Engines:
    """Return a pair that waits for the gate."""
    return Engines(_Gated(options), fakes.Even())
