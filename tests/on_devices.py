"""Engines on several devices, through the real door: `--engine tests.on_devices:even --device fake:0,fake:1`.

The factory is called once for each device. What a device says is what `fakes.Echo` says; devices differ in
their speed, and in whether they last.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from qasr_cli.errors import DeviceLostError
from qasr_cli.options import DecodeOptions, EngineOptions
from qasr_cli.records import Hypothesis
from qasr_cli.speech.inference import stopping
from qasr_cli.speech.inference.protocols import Engines
from qasr_cli.speech.inference.session import Session
from tests.fakes import Echo, Even

DEVICES = ("fake:0", "fake:1")
FIRST, SECOND = DEVICES
BOTH = ",".join(DEVICES)
Factory = Callable[[EngineOptions], Engines]


class OnDevice(Echo):
    """Does something before each batch; `batches` has the batches so far."""

    def __init__(self, options: EngineOptions, before: Callable[[OnDevice], None]) -> None:
        super().__init__(options, max_batch_ms=8_000)
        self.device = options.device
        self._before = before
        self._asked = threading.Lock()

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        assert self._asked.acquire(blocking=False), "asked by two threads at once"
        try:
            self._before(self)
            return super().recognize(audio, options)
        finally:
            self._asked.release()


def engines(options: EngineOptions, before: Callable[[OnDevice], None]) -> Engines:
    """Return a pair that does something before each batch."""
    return Engines(OnDevice(options, before), Even(), device=f"{options.device} fake16")


def sessions(factory: Factory, *names: str, batch_size: int | None = 2) -> Session:
    """Return the session of the first device, with those of the others as its replicas."""
    options = EngineOptions(batch_size=batch_size)
    first, *others = [Session(factory(replace(options, device=name))) for name in names or DEVICES]
    return Session(first.engines, None, others)


def even(options: EngineOptions) -> Engines:
    """Return a pair that works."""
    return engines(options, lambda device: None)


def uneven(options: EngineOptions) -> Engines:
    """Return a pair that is slow on the first device, so that results come in another order than batches."""
    return engines(options, lambda device: time.sleep(0.15 if device.device == FIRST else 0.01))


def _lose(device: OnDevice) -> None:
    if device.batches:
        raise DeviceLostError(f"{device.device} has failed: unspecified launch failure")


def losing_second(options: EngineOptions) -> Engines:
    """Return a pair whose second device is gone after a batch."""
    return engines(options, lambda device: _lose(device) if device.device == SECOND else time.sleep(0.05))


def losing_all(options: EngineOptions) -> Engines:
    """Return a pair whose devices are all gone after a batch."""
    return engines(options, _lose)


def killed(options: EngineOptions) -> Engines:
    """Return a pair that dies with its process in the third batch of the second device."""

    def die(device: OnDevice) -> None:
        time.sleep(0.05)
        if device.device == SECOND and len(device.batches) == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    return engines(options, die)


def endless(options: EngineOptions) -> Engines:
    """Return a pair that computes until nobody waits for it."""

    def compute(device: OnDevice) -> None:
        sys.stderr.write(f"{device.device} at work\n")
        sys.stderr.flush()
        for _ in range(6_000):
            stopping.check()
            time.sleep(0.01)

    return engines(options, compute)
