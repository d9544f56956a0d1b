"""When something goes wrong: what was said before it is final, and nobody waits for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from unittest import mock

import numpy as np
import pytest

from qasr_cli.errors import OutOfMemoryError, QasrError
from qasr_cli.live.protocols import Missing
from qasr_cli.live.step_lane import StepLane
from qasr_cli.live.utterance import Utterance
from qasr_cli.options import DecodeOptions, EngineOptions, Options, StreamOptions
from qasr_cli.records import Hypothesis
from qasr_cli.speech.inference import stopping
from qasr_cli.speech.inference.protocols import Capacity, Engines
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.streaming.events import Ended, Final, Gap, LiveEvent, Partial, Silence, SpeechStarted
from qasr_cli.timebase import SAMPLE_RATE_HZ
from tests import fakes
from tests.live_sessions import Lane, of_kind, spoken, talk, texts

_HOUR_MS = 3_600_000


class _Failing(fakes.Echo):
    """Fails when a condition holds for the samples of a chunk."""

    def __init__(self, error: Exception, fails: Callable[[int], bool]) -> None:
        super().__init__(EngineOptions())
        self._error = error
        self._fails = fails

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        if any(self._fails(len(samples)) for samples in audio):
            raise self._error
        return super().recognize(audio, options)


class _Narrow(fakes.Echo):
    """Takes two chunks of 12 s at once."""

    def __init__(self) -> None:
        super().__init__(EngineOptions())
        self.capacity = Capacity(12_000, 60_000, 2)


class TestGaps:
    def test_hours_take_no_longer_than_seconds(self) -> None:
        events: list[LiveEvent] = []
        lane = Lane()
        session = lane.open(events)
        session.feed(spoken(1_500))
        with mock.patch.object(session._frames, "feed", wraps=session._frames.feed) as feed:
            session.missing(Missing(9 * _HOUR_MS + 7, "the stream was down"))
        assert feed.call_count < 200
        session.feed(spoken(1_500))
        lane.finish(session)
        assert of_kind(events, Gap) == [Gap(3_500, 9 * _HOUR_MS + 3_507, "the stream was down")]
        first, second = of_kind(events, SpeechStarted)
        assert second.start_ms - first.start_ms == pytest.approx(9 * _HOUR_MS + 3_507, abs=64)
        assert texts(events)[0] == texts(events)[1]
        assert not of_kind(events, Silence)[3:]  # time goes on when the final of before has come
        (ended,) = of_kind(events, Ended)
        assert ended.duration_ms == 9 * _HOUR_MS + 7_007
        assert session._window._n_kept < 3 * SAMPLE_RATE_HZ

    def test_the_open_utterance_ends_in_one(self) -> None:
        events: list[LiveEvent] = []
        lane = Lane()
        session = lane.open(events)
        session.feed(talk()[: 3 * SAMPLE_RATE_HZ])
        session.missing(Missing(_HOUR_MS, "the stream was down"))
        lane.finish(session)
        (final,) = of_kind(events, Final)
        assert 3_000 <= final.end_ms < 4_000


class TestEnds:
    def test_what_comes_later_is_no_event(self) -> None:
        events: list[LiveEvent] = []
        lane = Lane()
        session = lane.open(events)
        session.feed(talk()[: 3 * SAMPLE_RATE_HZ])
        lane.finish(session)
        session.missing(Missing(5_000, "the device was gone"))
        session.feed(talk()[: 3 * SAMPLE_RATE_HZ])
        session.end_utterance()
        lane.run()
        session.finish()
        assert isinstance(events[-1], Ended)
        assert not of_kind(events, Gap)

    def test_one_that_has_just_begun_goes_on_after_an_end(self) -> None:
        events: list[LiveEvent] = []
        lane = Lane()
        session = lane.open(events)
        begin = SAMPLE_RATE_HZ // 10
        while session._detector.current is None:
            session.feed(talk()[session._window.n_samples :][:begin])
        start = session._open.start if session._open else 0
        session.end_utterance()
        session.feed(talk()[session._window.n_samples : 4 * SAMPLE_RATE_HZ])
        lane.finish(session)
        (final,) = of_kind(events, Final)
        assert final.start_ms == start // 16


class TestFailures:
    def test_a_partial_without_memory_is_left_out(self) -> None:
        events: list[LiveEvent] = []
        short, long = 2 * SAMPLE_RATE_HZ, 4 * SAMPLE_RATE_HZ
        recognizer = _Failing(OutOfMemoryError("full"), lambda n_samples: short < n_samples < long)
        lane = Lane(Engines(recognizer, fakes.Even()))
        session = lane.open(events)
        for begin in range(0, 6 * SAMPLE_RATE_HZ, 1_600):
            session.feed(talk()[begin : begin + 1_600])
            lane.run()
        lane.finish(session)
        lengths_ms = [partial.end_ms - partial.start_ms for partial in of_kind(events, Partial)]
        assert [length_ms for length_ms in lengths_ms if 2_000 < length_ms < 4_000] == []
        assert lengths_ms[0] <= 2_000
        assert lengths_ms[-1] >= 4_000
        assert len(of_kind(events, Final)) == 1

    def test_finals_before_the_one_that_fails_are_kept_in_order(self) -> None:
        events: list[LiveEvent] = []
        recognizer = _Failing(OutOfMemoryError("full"), lambda n_samples: n_samples > 4 * SAMPLE_RATE_HZ)
        lane = Lane(Engines(recognizer, fakes.Even()))
        session = lane.open(events)
        session.feed(spoken(1_500, 6_000, 1_500))
        session.end()
        lane.run()
        assert [final.utterance for final in of_kind(events, Final)] == [0]
        with pytest.raises(OutOfMemoryError):
            session.finish()

    def test_a_mistake_in_the_lane_ends_its_sessions(self) -> None:
        engine = Session(fakes.echo(EngineOptions()))
        lane = StepLane(lambda work: work(engine))
        lane.start()
        session = lane.open(Options(), StreamOptions(), lambda event: None, is_real_time=False)
        failed = threading.Event()
        caught: list[QasrError] = []

        def read() -> None:
            try:
                session.feed(talk())
                session.close()
            except QasrError as error:
                caught.append(error)
            failed.set()

        with mock.patch.object(Utterance, "shown", side_effect=ZeroDivisionError("by zero")):
            threading.Thread(target=read, daemon=True).start()
            assert failed.wait(20)
        lane.close()
        assert "ZeroDivisionError" in str(caught[0])


class _Endless(fakes.Echo):
    """Computes until it is told to stop, as real engines are between two tokens."""

    is_at_work = threading.Event()

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        self.is_at_work.set()
        for _ in range(1_000):
            stopping.check()
            time.sleep(0.02)
        return super().recognize(audio, options)


def test_a_hastened_lane_ends_in_the_middle_of_a_step() -> None:
    engine = Session(Engines(_Endless(EngineOptions()), None))
    lane = StepLane(lambda work: work(engine))
    lane.start()
    session = lane.open(Options(), StreamOptions(), lambda event: None)
    session.feed(talk()[: 3 * SAMPLE_RATE_HZ])
    assert _Endless.is_at_work.wait(10)
    session.abandon()
    session.close()
    begun_s = time.monotonic()
    lane.hasten()
    lane.close()
    assert time.monotonic() - begun_s < 5


class TestLimits:
    def test_every_session_gets_its_turn(self) -> None:
        lane = Lane(Engines(_Narrow(), fakes.Even()))
        events: list[list[LiveEvent]] = [[] for _ in range(5)]
        sessions = [lane.open(own) for own in events]
        for begin in range(0, 9 * SAMPLE_RATE_HZ, 8_000):
            for session in sessions:
                session.feed(talk()[begin : begin + 8_000])
            lane.lane.run_once()  # two of five
        counts = [len(of_kind(own, Partial)) for own in events]
        assert min(counts) >= 4
        assert max(counts) < 2 * min(counts)

    def test_no_utterance_is_longer_than_the_model_takes(self) -> None:
        events: list[LiveEvent] = []
        lane = Lane(Engines(_Narrow(), fakes.Even()))
        session = lane.open(events)
        session.feed(talk())
        lane.finish(session)
        assert max(final.end_ms - final.start_ms for final in of_kind(events, Final)) <= 12_000
