"""/v1/realtime where two things meet: two items in one event, a clear or an idle engine amid one."""

from __future__ import annotations

import gc
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from qasr_cli.options import EngineOptions, Options
from qasr_cli.serving.service import ServiceLimits
from tests.serving import gates
from tests.serving.asr_client import samples_of
from tests.serving.in_process import ECHO, InProcess, serving, until
from tests.serving.realtime_client import append, events_until, opened, send, sound, updated

PAUSE = bytes(2 * 16_000)  # ends an utterance


@pytest.fixture(scope="module")
def clip() -> bytes:
    """The samples of a short clip."""
    return samples_of(Path(__file__).parents[2] / "samples" / "clips" / "clip-01.wav")


@pytest.fixture(scope="module")
def echo() -> Iterator[InProcess]:
    """A server with made-up words."""
    with serving(ECHO) as running:
        yield running


def test_a_commit_ends_what_began_in_the_event_that_ended_another_one(echo: InProcess, clip: bytes) -> None:
    with opened(echo) as socket:
        updated(socket, sound())
        append(socket, clip + PAUSE + clip[:60_000], step=1_000_000)
        send(socket, "input_audio_buffer.commit")
        texts = [events_until(socket, "completed")[-1]["transcript"] for _ in range(2)]
        assert all(text.startswith("One two") for text in texts)


def test_half_of_a_sample_is_cleared_too(echo: InProcess, clip: bytes) -> None:
    with opened(echo) as socket:
        updated(socket, sound(turn_detection=None))
        append(socket, b"\x7f")
        send(socket, "input_audio_buffer.clear")
        append(socket, clip)
        send(socket, "input_audio_buffer.commit")
        assert events_until(socket, "completed")[-1]["transcript"].startswith("One two")


def test_an_engine_that_is_idle_is_freed_in_the_middle_of_an_item(clip: bytes) -> None:
    with serving(ECHO, ServiceLimits(idle_s=0.5)) as running, opened(running) as socket:
        updated(socket, sound())
        append(socket, clip[:60_000])
        events_until(socket, "speech_started")
        assert running.service.lane.engines is not None
        engine = weakref.ref(running.service.lane.engines.recognizer)
        until(lambda: running.service.lane.engines is None)
        until(lambda: gc.collect() >= 0 and engine() is None, 5)
        append(socket, clip[60_000:] + PAUSE)
        assert events_until(socket, "completed")[-1]["transcript"].startswith("One two")


def test_who_clears_and_clears_leaves_others_their_threads(clip: bytes) -> None:
    gates.GATE.set()
    options = Options(engine=EngineOptions(engine="tests.serving.gates:gated"))
    with (
        serving(options, ServiceLimits(max_live=2)) as running,
        opened(running) as busy,
        opened(running) as other,
    ):
        for socket in (busy, other):
            updated(socket, sound(turn_detection=None))
            append(socket, PAUSE)  # a session each
        gates.GATE.clear()
        for _ in range(30):
            append(busy, clip[12_800:44_800], step=100_000)
            send(busy, "input_audio_buffer.clear")
        time.sleep(0.5)  # all that the server takes of it
        before = running.service.live.n_samples
        append(other, clip + PAUSE)
        until(lambda: running.service.live.n_samples >= before + len(clip + PAUSE) // 2, 10)
        gates.GATE.set()
        for _ in range(30):
            events_until(busy, "cleared")
        send(other, "input_audio_buffer.commit")
        assert events_until(other, "completed")[-1]["transcript"].startswith("One two")
