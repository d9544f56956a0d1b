"""Live sessions for tests: speech with pauses, and a session over it without threads, which repeats itself.

In go samples and engines; out come events. The lane computes whatever is due after each block.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import soundfile

import qasr_cli
from qasr_cli.live.session import LiveSession
from qasr_cli.live.step_lane import StepLane
from qasr_cli.options import EngineOptions, Options, StreamOptions
from qasr_cli.speech.inference.protocols import Engines
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.streaming.events import Final, LiveEvent
from qasr_cli.timebase import SAMPLE_RATE_HZ, ms_to_samples
from tests import fakes

Event = TypeVar("Event", bound=LiveEvent)
_SAMPLE = Path(qasr_cli.__file__).parent / "demo" / "sample.ogg"


@functools.cache
def talk() -> np.ndarray:
    """Return `int16[n_samples]` of a talk: one utterance from 0.7 to 18.2 s."""
    samples, rate_hz = soundfile.read(_SAMPLE, dtype="int16")
    assert rate_hz == SAMPLE_RATE_HZ
    return np.asarray(samples)


def spoken(*lengths_ms: int, pause_ms: int = 1_000) -> np.ndarray:
    """Return speech of the given lengths, with a pause of silence before and after each."""
    pause = np.zeros(ms_to_samples(pause_ms), dtype=np.int16)
    parts = [pause]
    position = ms_to_samples(1_000)
    for length_ms in lengths_ms:
        parts += [talk()[position : position + ms_to_samples(length_ms)], pause]
        position += ms_to_samples(length_ms)
    return np.concatenate(parts)


class Lane:
    """A step lane without a thread, and the events of its sessions.

    Args:
        engines: The engines.
        clock: Seconds; stands still if left out.
    """

    def __init__(self, engines: Engines | None = None, clock: Callable[[], float] = lambda: 0.0) -> None:
        engine = Session(engines or fakes.echo(EngineOptions()))
        self.lane = StepLane(lambda work: work(engine), clock)

    def open(self, events: list[LiveEvent], options: Options | None = None, **stream: Any) -> LiveSession:
        """Return a session that adds its events to a list; keywords are those of `StreamOptions`."""
        return self.lane.open(options or Options(), StreamOptions(**stream), events.append)

    def run(self) -> None:
        """Compute all that is due."""
        while self.lane.run_once():
            pass

    def finish(self, session: LiveSession) -> None:
        """End a session after its last final."""
        session.end()
        self.run()
        session.finish()


def events_of(
    samples: np.ndarray,
    engines: Engines | None = None,
    blocks: Iterable[int] | None = None,
    options: Options | None = None,
    **stream: Any,
) -> list[LiveEvent]:
    """Return the events of a session.

    Args:
        samples: `int16[n_samples]`.
        engines: The engines; fakes if left out.
        blocks: Lengths of the blocks in samples; 100 ms each if left out.
        options: How speech is found and decoded.
        stream: Fields of `StreamOptions`.
    """
    events: list[LiveEvent] = []
    lane = Lane(engines)
    session = lane.open(events, options, **stream)
    position = 0
    lengths = iter(blocks) if blocks is not None else iter([])
    while position < len(samples):
        length = next(lengths, 1_600)
        session.feed(samples[position : position + length])
        position += length
        lane.run()
    lane.finish(session)
    return events


def of_kind(events: Sequence[LiveEvent], kind: type[Event]) -> list[Event]:
    """Return the events of a kind, in order."""
    return [event for event in events if isinstance(event, kind)]


def texts(events: Sequence[LiveEvent]) -> list[str]:
    """Return the text of each final."""
    return [" ".join(segment.text for segment in final.segments) for final in of_kind(events, Final)]
