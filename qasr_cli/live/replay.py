"""A recording as the input of a live session, with the time at which each event comes.

In go samples and an engine; out come timed events and the cost of each batch. With a simulated clock the
recording is spoken at its own speed while the engine's time is measured and added: an hour takes the minutes
that the engine needs, and a busy machine changes nothing. In real time the threads of a live session work.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from qasr_cli.live.session import LiveSession
from qasr_cli.live.step_lane import Batch, StepLane
from qasr_cli.options import Options, StreamOptions
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.streaming.events import LiveEvent
from qasr_cli.timebase import MS_PER_S, SAMPLE_RATE_HZ

_BLOCK_SAMPLES = 512  # 32 ms, a frame of the detector


@dataclass(frozen=True, slots=True)
class TimedEvent:
    """An event, and the milliseconds since sample 0 was spoken when it came."""

    at_ms: int
    event: LiveEvent


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a recording."""

    events: tuple[TimedEvent, ...]
    batches: tuple[Batch, ...]


class SimulatedClock:
    """Counts the audio that was spoken, and the engine's time on top of it.

    Args:
        measure: Seconds of the engine: of its CPU, or of a wall clock if it computes on another device.

    Attributes:
        now_s: Seconds since the first sample was spoken; whoever feeds audio sets it.
    """

    def __init__(self, measure: Callable[[], float]) -> None:
        self._measure = measure
        self._begun_s: float | None = None
        self.now_s = 0.0

    def __call__(self) -> float:
        """Return the time, within work that is under way, too."""
        return self.now_s + (0.0 if self._begun_s is None else self._measure() - self._begun_s)

    def run(self, work: Callable[[], bool]) -> bool:
        """Do work that takes time, and return its result."""
        self._begun_s = self._measure()
        result = work()
        self.now_s, self._begun_s = self(), None
        return result


def simulate(samples: np.ndarray, engine: Session, options: Options, stream: StreamOptions) -> Replayed:
    """Replay `int16[n_samples]` with a simulated clock.

    Raises:
        QasrError: The engine has failed.
    """
    events: list[TimedEvent] = []
    batches: list[Batch] = []
    is_on_cpu = engine.device.startswith("cpu")
    clock = SimulatedClock(time.process_time if is_on_cpu else time.monotonic)
    lane = StepLane(lambda work: work(engine), clock, batches.append)
    session = lane.open(
        options, stream, lambda event: events.append(TimedEvent(round(clock() * MS_PER_S), event))
    )
    position = 0
    while position < len(samples):
        block = samples[position : position + _BLOCK_SAMPLES]
        position += _BLOCK_SAMPLES
        clock.now_s = max(clock.now_s, position / SAMPLE_RATE_HZ)
        session.feed(block)
        is_caught_up = position / SAMPLE_RATE_HZ >= clock.now_s
        while is_caught_up and clock.run(lane.run_once):
            is_caught_up = position / SAMPLE_RATE_HZ >= clock.now_s
    session.end()
    while clock.run(lane.run_once):
        pass
    session.finish()
    return Replayed(tuple(events), tuple(batches))


def in_real_time(samples: np.ndarray, engine: Session, options: Options, stream: StreamOptions) -> Replayed:
    """Replay `int16[n_samples]` as fast as it was spoken, with the threads of a live session.

    Raises:
        QasrError: The engine has failed.
    """
    events: list[TimedEvent] = []
    batches: list[Batch] = []
    begun_s = time.monotonic()
    lane = StepLane(lambda work: work(engine), on_batch=batches.append)
    lane.start()
    try:
        session = lane.open(
            options,
            stream,
            lambda event: events.append(TimedEvent(round((time.monotonic() - begun_s) * MS_PER_S), event)),
        )
        begun_s = time.monotonic()
        _speak(samples, session, begun_s)
        session.close()
    finally:
        lane.close()
    return Replayed(tuple(events), tuple(batches))


def _speak(samples: np.ndarray, session: LiveSession, begun_s: float) -> None:
    pause = threading.Event()
    for position in range(0, len(samples), _BLOCK_SAMPLES):
        block = samples[position : position + _BLOCK_SAMPLES]
        pause.wait(max(0.0, begun_s + (position + len(block)) / SAMPLE_RATE_HZ - time.monotonic()))
        session.feed(block)
