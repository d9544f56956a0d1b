"""A session over real speech: which events come, in which order, and what happens when something fails."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence

import numpy as np
import pytest

from qasr_cli.errors import QasrError
from qasr_cli.live.protocols import Missing
from qasr_cli.live.step_lane import StepLane
from qasr_cli.options import DecodeOptions, EngineOptions, GuardOptions, Options, StreamOptions
from qasr_cli.records import Hypothesis
from qasr_cli.speech.inference.protocols import Engines
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.streaming.events import (
    Ended,
    Final,
    Gap,
    Lag,
    LiveEvent,
    Partial,
    Silence,
    SpeechStarted,
    SpeechStopped,
    Started,
)
from qasr_cli.timebase import SAMPLE_RATE_HZ, ms_to_samples
from tests import fakes, sounds
from tests.live_sessions import Lane, events_of, of_kind, spoken, talk, texts


class TestOrder:
    def test_an_utterance_starts_is_shown_stops_and_is_final(self) -> None:
        kinds = [type(event) for event in events_of(spoken(3_000))]
        without_silence = [kind for kind in kinds if kind is not Silence]
        n_partials = without_silence.count(Partial)
        assert n_partials >= 3
        expected = [Started, SpeechStarted, *[Partial] * n_partials, SpeechStopped, Final, Ended]
        assert without_silence == expected

    def test_numbers_and_times_grow(self) -> None:
        finals = of_kind(events_of(spoken(2_000, 1_500, 3_000)), Final)
        assert [final.utterance for final in finals] == [0, 1, 2]
        edges = [edge for final in finals for edge in (final.start_ms, final.end_ms)]
        assert edges == sorted(edges)
        for final in finals:
            for segment in final.segments:
                assert final.start_ms <= segment.start_ms < segment.end_ms <= final.end_ms
                assert all(final.start_ms <= word.start_ms < word.end_ms for word in segment.words)

    def test_partials_grow_in_revision_and_stable_text(self) -> None:
        partials = of_kind(events_of(spoken(6_000)), Partial)
        assert [partial.revision for partial in partials] == list(range(len(partials)))
        assert len(partials[-1].stable) > 10
        for before, after in itertools.pairwise(partials):
            assert after.stable.startswith(before.stable)
            assert after.end_ms - before.end_ms >= 500

    def test_short_speech_has_a_final_and_no_partial(self) -> None:
        events = events_of(spoken(700))
        assert len(of_kind(events, Final)) == 1
        assert not of_kind(events, Partial)

    def test_silence_is_told_once_a_second_of_audio(self) -> None:
        events = events_of(np.zeros(10 * SAMPLE_RATE_HZ, dtype=np.int16))
        assert [event.now_ms for event in of_kind(events, Silence)] == list(range(1_000, 10_001, 1_000))

    def test_the_source_is_named_without_a_clock_in_its_times(self) -> None:
        (started,) = of_kind(events_of(spoken(1_000), options=Options(decode=DecodeOptions("en"))), Started)
        assert (started.model, started.language) == ("fake/echo", "en")
        assert started.utc.endswith("Z")

    def test_a_session_without_audio_begins_and_ends(self) -> None:
        assert [type(event) for event in events_of(np.zeros(0, dtype=np.int16))] == [Ended]

    def test_a_long_utterance_is_cut_and_nothing_is_lost(self) -> None:
        finals = of_kind(events_of(talk(), max_utterance_ms=5_000), Final)
        assert len(finals) >= 4
        for before, after in itertools.pairwise(finals):
            assert before.end_ms == after.start_ms  # the talk has no pause
            assert before.end_ms - before.start_ms <= 5_000

    def test_an_utterance_ends_when_its_user_wants(self) -> None:
        events: list[LiveEvent] = []
        lane = Lane()
        session = lane.open(events)
        session.feed(talk()[: 3 * SAMPLE_RATE_HZ])
        session.end_utterance()
        lane.run()
        assert len(of_kind(events, Final)) == 1
        lane.finish(session)


class TestSound:
    @pytest.mark.parametrize(
        ("kind", "seconds"),
        [
            *((kind, 30) for kind in sounds.KINDS),
            *(pytest.param(kind, 600, marks=pytest.mark.slow) for kind in ("silence", "music", "pink noise")),
        ],
    )
    def test_what_is_not_speech_writes_nothing(self, kind: str, seconds: int) -> None:
        sound = sounds.KINDS[kind](np.random.default_rng(3), seconds * SAMPLE_RATE_HZ) * 32_767
        events = events_of(sound.astype(np.int16), blocks=[SAMPLE_RATE_HZ] * seconds)
        assert {type(event) for event in events} == {Started, Silence, Ended}

    def test_a_gap_is_silence_and_times_stay_true(self) -> None:
        events: list[LiveEvent] = []
        lane = Lane()
        session = lane.open(events)
        session.feed(spoken(1_500))
        session.missing(Missing(20_000, "the device was gone"))
        session.feed(spoken(1_500))
        lane.finish(session)
        assert of_kind(events, Gap) == [Gap(3_500, 23_500, "the device was gone")]
        first, second = of_kind(events, SpeechStarted)
        assert second.start_ms - first.start_ms == pytest.approx(23_500, abs=64)
        (ended,) = of_kind(events, Ended)
        assert (ended.duration_ms, ended.metrics["missing_ms"]) == (27_000, 20_000)


class TestLoad:
    def test_behind_by_seconds_there_are_finals_only(self) -> None:
        events: list[LiveEvent] = []
        lane = Lane()
        session = lane.open(events)
        session.feed(talk()[: 6 * SAMPLE_RATE_HZ])  # the engine gets none of it
        session.end_utterance()
        session.feed(talk()[6 * SAMPLE_RATE_HZ : 9 * SAMPLE_RATE_HZ])
        lane.lane.run_once()
        assert [lag.is_skipping for lag in of_kind(events, Lag)] == [True]
        assert len(of_kind(events, Final)) == 1
        assert not of_kind(events, Partial)
        lane.finish(session)
        assert [lag.is_skipping for lag in of_kind(events, Lag)] == [True, False]
        assert len(of_kind(events, Final)) == 2

    def test_behind_in_one_utterance_a_partial_takes_all_that_waits(self) -> None:
        events: list[LiveEvent] = []
        lane = Lane()
        session = lane.open(events)
        session.feed(talk()[: 8 * SAMPLE_RATE_HZ])
        lane.run()
        assert [partial.end_ms for partial in of_kind(events, Partial)] == [8_000]
        assert not of_kind(events, Lag)

    def test_steps_are_as_long_as_the_last_one_took(self) -> None:
        seconds = iter(range(0, 10_000, 2))  # a step takes 2 s by this clock
        events: list[LiveEvent] = []
        lane = Lane(clock=lambda: float(next(seconds)))
        session = lane.open(events)
        for begin in range(0, 8 * SAMPLE_RATE_HZ, 1_600):
            session.feed(talk()[begin : begin + 1_600])
            lane.run()
        ends_ms = [partial.end_ms for partial in of_kind(events, Partial)]
        assert len(ends_ms) > 2
        assert min(after - before for before, after in itertools.pairwise(ends_ms)) >= 2_000

    def test_an_input_that_can_wait_does(self) -> None:
        events: list[LiveEvent] = []
        engine = Session(fakes.echo(EngineOptions()))
        may_compute = threading.Event()

        def run(work):  # type: ignore[no-untyped-def]
            if events:
                may_compute.wait(10)
            return work(engine)

        lane = StepLane(run)
        lane.start()
        session = lane.open(Options(), StreamOptions(), events.append, is_real_time=False)
        reader = threading.Thread(target=lambda: session.feed(talk()))
        reader.start()
        reader.join(0.5)
        assert reader.is_alive()
        assert session.now_ms < 7_000
        may_compute.set()
        reader.join(10)
        session.close()
        lane.close()
        assert not of_kind(events, Lag)
        assert len(of_kind(events, Final)) == 1

    def test_what_is_left_behind_an_ended_utterance_is_none(self) -> None:
        events: list[LiveEvent] = []
        lane = Lane()
        session = lane.open(events)
        session.feed(talk()[: 3 * SAMPLE_RATE_HZ])  # not whole frames
        session.end_utterance()
        lane.finish(session)
        assert len(of_kind(events, Final)) == 1

    def test_an_end_that_is_hastened_waits_for_no_final(self) -> None:
        events: list[LiveEvent] = []
        lane = Lane()
        session = lane.open(events)
        session.feed(talk()[: 3 * SAMPLE_RATE_HZ])
        session.abandon()
        session.close()
        assert isinstance(events[-1], Ended)
        lane.run()
        assert isinstance(events[-1], Ended)


class TestEngine:
    def test_sessions_share_batches(self) -> None:
        recognizer = fakes.Echo(EngineOptions())
        lane = Lane(Engines(recognizer, fakes.Even()))
        events: list[list[LiveEvent]] = [[], [], []]
        sessions = [lane.open(own) for own in events]
        for begin in range(0, 4 * SAMPLE_RATE_HZ, 1_600):
            for session in sessions:
                session.feed(talk()[begin : begin + 1_600])
            lane.run()
        for session in sessions:
            session.end()
        lane.run()
        for session in sessions:
            session.finish()
        assert set(recognizer.batches) == {3}
        assert texts(events[0]) == texts(events[1]) == texts(events[2]) != []

    def test_a_batch_that_does_not_fit_is_halved(self) -> None:
        lane = Lane(fakes.cramped(EngineOptions()))
        events: list[list[LiveEvent]] = [[] for _ in range(5)]
        sessions = [lane.open(own) for own in events]
        for session in sessions:
            session.feed(spoken(2_000))
            session.end()
        lane.run()
        assert all(len(of_kind(own, Final)) == 1 for own in events)

    def test_its_failure_ends_the_session(self) -> None:
        events: list[LiveEvent] = []
        lane = Lane(fakes.crashing(EngineOptions()))
        session = lane.open(events)
        session.feed(talk()[: 3 * SAMPLE_RATE_HZ])
        lane.run()
        with pytest.raises(QasrError, match="fell over"):
            session.feed(talk()[:1_600])
        with pytest.raises(QasrError, match="fell over"):
            session.close()
        assert not of_kind(events, Final)

    def test_its_failure_at_one_utterance_leaves_the_others(self) -> None:
        lane = Lane(fakes.crashing_on_long(EngineOptions()))
        events: list[list[LiveEvent]] = [[], []]
        long, short = (lane.open(own) for own in events)
        long.feed(talk()[: 8 * SAMPLE_RATE_HZ])
        short.feed(talk()[: 3 * SAMPLE_RATE_HZ])
        for session in (long, short):
            session.end()
        lane.run()
        short.finish()
        assert len(of_kind(events[1], Final)) == 1
        with pytest.raises(QasrError, match="four seconds"):
            long.finish()

    def test_a_lost_device_ends_all_sessions(self) -> None:
        lane = Lane(fakes.losing(EngineOptions()))
        sessions = [lane.open([]) for _ in range(2)]
        for session in sessions:
            session.feed(talk()[: 3 * SAMPLE_RATE_HZ])
        lane.run()
        for session in sessions:
            with pytest.raises(QasrError):
                session.close()

    def test_an_aligner_that_fails_costs_a_warning(self) -> None:
        (final,) = of_kind(events_of(talk(), fakes.failing_aligner(EngineOptions())), Final)
        assert final.segments
        assert "interpolated" in final.warnings[0]


class _Switching(fakes.Echo):
    """Writes in one language after the other, unless one is forced."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(EngineOptions())
        self._names = iter(names)

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        if options.language:
            return [Hypothesis("forced", "English") for _ in audio]
        return [Hypothesis("words of it", next(self._names)) for _ in audio]


class TestLanguage:
    def test_a_short_utterance_is_put_into_the_session_s_language(self) -> None:
        recognizer = _Switching(["English", "Spanish", "English"])
        events = events_of(spoken(3_500, 700, 700), Engines(recognizer, None), step_ms=10_000)
        assert texts(events) == ["words of it", "forced", "words of it"]

    def test_languages_may_change_if_the_user_says_so(self) -> None:
        recognizer = _Switching(["English", "Spanish", "English"])
        options = Options(guard=GuardOptions(multilingual=True))
        events = events_of(
            spoken(3_500, 700, 700), Engines(recognizer, None), options=options, step_ms=10_000
        )
        assert texts(events) == ["words of it"] * 3
        codes = [segment.language for final in of_kind(events, Final) for segment in final.segments]
        assert codes == ["en", "es", "en"]


def test_a_day_leaves_no_more_than_the_last_seconds() -> None:
    lane = Lane()
    session = lane.open([])
    for _ in range(30):
        session.feed(spoken(1_500, pause_ms=3_000))
        lane.run()
    assert session._window._n_kept <= ms_to_samples(1_000)
    assert len(session._window._kept) <= ms_to_samples(20_000)
    assert not session._ended
