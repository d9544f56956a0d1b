"""Engines for actors: `--engine tests.cluster.engines:NAME`."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

import numpy as np

from qasr_cli.errors import DeviceLostError
from qasr_cli.options import DecodeOptions, EngineOptions
from qasr_cli.records import Hypothesis
from qasr_cli.speech.inference.protocols import Engines
from qasr_cli.timebase import SAMPLE_RATE_HZ
from tests import fakes

LONG_S = 10  # no clip has so long a chunk, and the talk has


class _Deadly(fakes.Echo):
    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        if any(len(samples) > LONG_S * SAMPLE_RATE_HZ for samples in audio):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().recognize(audio, options)


def deadly(options: EngineOptions) -> Engines:
    """Return a recognizer that a long chunk ends, and its process with it."""
    return Engines(_Deadly(options), fakes.Even())


class _Breaking(fakes.Echo):
    has_failed = False

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        if self.has_failed or os.environ.get("TEST_BROKEN_DEVICE"):
            self.has_failed = True
            raise DeviceLostError("fake:0 has failed: unspecified launch failure")
        return super().recognize(audio, options)


def breaking(options: EngineOptions) -> Engines:
    """Return a recognizer whose device fails on nodes that have TEST_BROKEN_DEVICE."""
    return Engines(_Breaking(options), fakes.Even())
