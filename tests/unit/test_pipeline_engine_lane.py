"""The engine lane: fed source by source, and with an aligner that gives way (no estimate is kept)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qasr_cli.errors import DeviceLostError, OutOfMemoryError, UntimedError
from qasr_cli.options import EngineOptions, Options
from qasr_cli.pipeline.engine_lane import EngineLane
from qasr_cli.pipeline.open_source import OpenSource
from qasr_cli.pipeline.prepare import Prepared
from qasr_cli.records import Source, Timing, Track, Waveform
from qasr_cli.runs.files.file_identity import Identity
from qasr_cli.runs.planning.output_plan import Plan
from qasr_cli.runs.state.checkpoints import checkpoint
from qasr_cli.speech.inference.protocols import Aligner, Engines
from qasr_cli.speech.inference.session import Session
from tests import fakes
from tests.scenes import speech_of


def prepare_silence(folder: Path) -> Prepared:
    """Return a source with two chunks, as they are without the silence between."""
    speech = speech_of(0, 2, 9, 15)
    path = folder / "a.s16le"
    path.write_bytes(bytes(32 * speech.duration_ms))
    source = Source(0, folder / "a.wav", Path("a.wav"))
    return Prepared(source, Track(0, "pcm", 1, 16_000), Waveform(path, 16 * speech.duration_ms), speech)


def test_whoever_feeds_the_lane_gets_a_source_back_before_the_next_is_there(tmp_path: Path) -> None:
    """As a server does, whose owners are requests, and which keeps no chunks."""
    session = Session(Engines(fakes.Echo(EngineOptions()), fakes.Even()))
    prepared = prepare_silence(tmp_path)
    answered: list[str] = []

    def requests() -> Iterator[OpenSource[str] | None]:
        for name in ("first", "second"):
            yield OpenSource(name, prepared, 0.0)
            assert name not in answered
            yield None
            assert answered[-1] == name

    for opened in EngineLane[str](session, Options(), lambda _: None).run(requests()):
        assert opened.error is None
        assert opened.text.segments
        answered.append(opened.owner)
    assert answered == ["first", "second"]


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
        lane = EngineLane[Plan](session, Options(), lambda _: None, lambda *_: kept)
        (opened,) = lane.run([OpenSource(Plan(prepared.source, {}), prepared, 0.0)])
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
