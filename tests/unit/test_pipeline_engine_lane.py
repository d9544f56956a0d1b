"""The engine lane: fed source by source, and with an aligner that gives way (no estimate is kept)."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qasr_cli.errors import DeviceLostError, OutOfMemoryError, UntimedError
from qasr_cli.options import EngineOptions, Options
from qasr_cli.pipeline.engine_lane import EngineLane
from qasr_cli.pipeline.open_source import OpenSource
from qasr_cli.pipeline.prepare import Prepared
from qasr_cli.records import Chunk, Source, Timing, Track, Waveform
from qasr_cli.runs.files.file_identity import Identity
from qasr_cli.runs.planning.output_plan import Plan
from qasr_cli.runs.state.checkpoints import checkpoint
from qasr_cli.speech.audio.vad import SpeechMap
from qasr_cli.speech.inference.protocols import Aligner, Engines
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition.recognize import RecognizedChunk
from tests import fakes, on_devices
from tests.scenes import speech_of


def prepare_silence(folder: Path) -> Prepared:
    """Return a source with two chunks, as they are without the silence between."""
    speech = speech_of(0, 2, 9, 15)
    path = folder / "a.s16le"
    path.write_bytes(bytes(32 * speech.duration_ms))
    source = Source(0, folder / "a.wav", Path("a.wav"))
    return Prepared(source, Track(0, "pcm", 1, 16_000), Waveform(path, 16 * speech.duration_ms), speech)


@pytest.mark.parametrize("devices", [on_devices.DEVICES[:1], on_devices.DEVICES])
def test_whoever_feeds_the_lane_gets_a_source_back_before_the_next_is_there(
    tmp_path: Path, devices: Sequence[str]
) -> None:
    """As a server does, whose owners are requests, and which keeps no chunks."""
    session = on_devices.sessions(on_devices.uneven, *devices)
    prepared = prepare_silence(tmp_path)
    answered: list[str] = []

    def requests() -> Iterator[OpenSource[str] | None]:
        for name in ("first", "second"):
            yield OpenSource(name, prepared, 0.0, Options())
            assert name not in answered
            yield None
            assert answered[-1] == name

    for opened in EngineLane[str](session, lambda _: None).run(requests()):
        assert opened.error is None
        assert opened.text.segments
        answered.append(opened.owner)
    assert answered == ["first", "second"]


class Kept:
    """A chunk store that notes what it is given, in order, with that of the other sources."""

    def __init__(self, source: Source, log: list[tuple[int, list[int]]]) -> None:
        self._id, self._log = source.id, log

    def load(self, chunks: Sequence[Chunk]) -> dict[int, RecognizedChunk]:
        return {}

    def add(self, recognized: Sequence[RecognizedChunk]) -> None:
        self._log.append((self._id, [result.chunk.index for result in recognized]))

    def remove(self) -> None:
        raise AssertionError("the finish lane's")


class TestSeveralDevices:
    N_SOURCES = 6
    SILENT = 3  # a source without chunks

    def sources(self, folder: Path) -> Iterator[OpenSource[int]]:
        prepared = prepare_silence(folder)
        nothing = SpeechMap((), np.zeros(1, np.float32), prepared.speech.duration_ms)
        for number in range(self.N_SOURCES):
            source = replace(prepared.source, id=number)
            speech = nothing if number == self.SILENT else prepared.speech
            yield OpenSource(number, replace(prepared, source=source, speech=speech), 0.0, Options())

    def run(self, folder: Path, session: Session) -> tuple[list[OpenSource[int]], list[object]]:
        log: list[tuple[int, list[int]]] = []
        spoken_ms: list[int] = []
        lane = EngineLane[int](session, spoken_ms.append, lambda source, _: Kept(source, log))
        return list(lane.run(self.sources(folder))), [log, spoken_ms]

    @pytest.mark.parametrize("factory", [on_devices.uneven, on_devices.losing_second])
    def test_sources_and_stores_see_what_one_device_gives_in_its_order(
        self, tmp_path: Path, factory: on_devices.Factory
    ) -> None:
        alone, kept_alone = self.run(tmp_path, on_devices.sessions(on_devices.even, "fake:0", batch_size=1))
        both, kept = self.run(tmp_path, on_devices.sessions(factory, batch_size=1))
        assert kept == kept_alone
        assert kept_alone[0]  # the first of two chunks of a source is stored
        assert [(one.owner, one.text, one.error) for one in both] == [
            (one.owner, one.text, one.error) for one in alone
        ]
        assert len(both) == self.N_SOURCES
        assert all(one.text.segments for one in both if one.owner != self.SILENT)

    def test_a_reader_that_leaves_ends_the_threads(self, tmp_path: Path) -> None:
        lane = EngineLane[int](on_devices.sessions(on_devices.uneven, batch_size=1), lambda _: None)
        with contextlib.closing(lane.run(self.sources(tmp_path))) as ready:
            next(ready)
            assert any(thread.name.startswith("device-") for thread in threading.enumerate())
        assert not any(thread.name.startswith("device-") for thread in threading.enumerate())

    def test_a_chunk_that_fails_costs_its_source_alone(self, tmp_path: Path) -> None:
        calls = itertools.count()

        def crash(device: on_devices.OnDevice) -> None:
            if next(calls) == 4:
                raise RuntimeError("once")

        def factory(options: EngineOptions) -> Engines:
            return on_devices.engines(options, crash)

        opened, _ = self.run(tmp_path, on_devices.sessions(factory, batch_size=1))
        failed = [one for one in opened if one.error is not None]
        assert [str(one.error) for one in failed] == ["a.wav: unexpected RuntimeError: once"]


class TestAligner:
    """One that fails on the longer of two chunks, each of which is a batch."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path

    @pytest.fixture
    def whole(self, tmp_path_factory: pytest.TempPathFactory) -> OpenSource[Plan]:
        """Return the source as it comes out when nothing fails."""
        return self.hear(tmp_path_factory.mktemp("whole"), fakes.Even())

    def hear(self, folder: Path, aligner: Aligner) -> OpenSource[Plan]:
        prepared = prepare_silence(folder)
        session = Session(Engines(fakes.Echo(EngineOptions(batch_size=1)), aligner))
        kept = checkpoint(folder, "a.wav", Identity(1, 2, "ab"), "f")
        lane = EngineLane[Plan](session, lambda _: None, lambda *_: kept)
        (opened,) = lane.run([OpenSource(Plan(prepared.source, {}), prepared, 0.0, Options())])
        return opened

    @pytest.mark.parametrize("error", [RuntimeError("a bug"), OutOfMemoryError("full")])
    def test_the_text_stays_and_its_times_are_estimated(
        self, folder: Path, whole: OpenSource[Plan], error: Exception
    ) -> None:
        opened = self.hear(folder, fakes.FailingEven(error))
        short, long = opened.text.segments
        assert opened.error is None
        assert short == whole.text.segments[0]
        assert long.text == whole.text.segments[1].text
        assert {word.timing for word in long.words} == {Timing.INTERPOLATED}
        (failure,) = opened.text.failures
        assert isinstance(failure, UntimedError)
        assert str(error) in str(failure)

    def test_no_estimate_is_in_the_checkpoint(self, folder: Path, whole: OpenSource[Plan]) -> None:
        self.hear(folder, fakes.FailingEven(RuntimeError("a bug")))
        opened = self.hear(folder, fakes.Even())
        assert {index: piece.segment for index, piece in opened.resumed.items()} == {1: None}
        assert opened.text == whole.text

    def test_a_lost_device_ends_the_source(self, folder: Path) -> None:
        opened = self.hear(folder, fakes.FailingEven(DeviceLostError("gone")))
        assert isinstance(opened.error, DeviceLostError)
