"""What becomes of a text when the engine fails as it is asked again."""

from __future__ import annotations

from pathlib import Path

import pytest

from qasr_cli.errors import DeviceLostError, OutOfMemoryError, QasrError, UntimedError
from qasr_cli.options import DecodeOptions, EngineOptions
from qasr_cli.records import Hypothesis, Span
from qasr_cli.speech.audio.vad import SpeechMap
from qasr_cli.speech.inference.protocols import Engines
from qasr_cli.speech.recognition.passes import describe
from tests import fakes, misbehaving
from tests.misbehaving import FailingWhenAskedAgain, Misbehaving
from tests.scenes import NUMBERS, Factory, Scene, flags, speech_of, texts, well_behaved


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.mark.parametrize("text", ["...", "。", "-"])
def test_speech_that_is_answered_with_marks_has_no_words(folder: Path, text: str) -> None:
    scene = Scene(folder, well_behaved, speech_of(1, 5))
    answer = Hypothesis(text, "English")
    scene.engines = Engines(Misbehaving(EngineOptions(), lambda *_: answer), fakes.Even())
    (result,) = scene.play()
    assert (result.segments, result.uncovered) == ((), (Span(1_000, 5_000),))
    assert scene.again  # as it is after no answer


def test_each_kind_of_failure_is_told_in_a_line() -> None:
    untimed = UntimedError("out of bounds")
    full = OutOfMemoryError("full")
    assert describe([]) == ()
    assert describe([untimed, full, untimed, QasrError("gone")]) == (
        "2 retries failed; kept the first result: full",
        "the aligner failed on 2 chunks, word times are interpolated: out of bounds",
    )
    assert describe([untimed]) == (
        "the aligner failed on 1 chunk, word times are interpolated: out of bounds",
    )


class TestFailingRetries:
    """An engine that answered once and fails from then on; what it said is kept."""

    def scene(self, folder: Path, factory: Factory, speech: SpeechMap, n_answered: int = 1) -> Scene:
        scene = Scene(folder, factory, speech)
        change, aligner = scene.engines.recognizer._change, scene.engines.aligner  # type: ignore[attr-defined]
        error = OutOfMemoryError("full")
        recognizer = FailingWhenAskedAgain(EngineOptions(), change, error, n_answered=n_answered)
        scene.engines = Engines(recognizer, aligner)
        return scene

    def test_a_flagged_chunk_keeps_its_first_text_and_its_flags(self, folder: Path) -> None:
        (result,) = self.scene(folder, misbehaving.always_looping, speech_of(0, 4, 9, 13)).play()
        assert [segment.text[:17] for segment in result.segments] == ["and so it went on"] * 2
        assert all("loop" in found for found in flags(result))
        assert [str(error) for error in result.failures] == ["full", "full"]

    def test_a_later_rung_is_tried_after_one_that_fails(self, folder: Path) -> None:
        def change(answer: Hypothesis, seconds: float, told: DecodeOptions) -> Hypothesis:
            if told.context and seconds < 4:
                raise OutOfMemoryError("full")
            return misbehaving._loop(answer, seconds, told) if told.context else answer

        scene = Scene(folder, well_behaved, speech_of(0, 4))
        scene.engines = Engines(Misbehaving(EngineOptions(), change), fakes.Even())
        scene.decode = DecodeOptions(context="a, b, c")
        (result,) = scene.play()
        assert (texts(result), flags(result), result.failures) == ([NUMBERS], [()], ())

    def test_a_dissenter_stays_what_it_was(self, folder: Path) -> None:
        (result,) = self.scene(folder, misbehaving.wavering, speech_of(0, 9, 12, 14)).play()
        assert [segment.language for segment in result.segments] == ["en", "de"]
        assert len(result.failures) == 1

    def test_a_gap_stays_one_and_is_reported(self, folder: Path) -> None:
        (result,) = self.scene(folder, misbehaving.half_hearing, speech_of(0, 9)).play()
        assert texts(result) == ["One two three four five."]
        assert len(result.uncovered) == len(result.failures) == 1

    def test_a_find_in_another_language_stays_so(self, folder: Path) -> None:
        (result,) = self.scene(folder, misbehaving.half_hearing_in_german, speech_of(0, 9), 2).play()
        assert [segment.language for segment in result.segments] == ["en", "de"]
        assert len(result.failures) == 1

    def test_one_that_fails_takes_none_of_its_batch_along(self, folder: Path) -> None:
        def change(answer: Hypothesis, seconds: float, told: DecodeOptions) -> Hypothesis:
            if seconds in {2.5, 1.5}:
                raise ValueError("cannot bear this")
            return misbehaving._loop(answer, seconds, told) if seconds > 3 else answer

        scene = Scene(folder, well_behaved, speech_of(0, 2, 2.4, 4.4, 9, 11.5, 11.9, 13.4))
        scene.engines = Engines(Misbehaving(EngineOptions(), change), fakes.Even())
        (result,) = scene.play()
        assert flags(result)[:2] == [(), ()]
        assert "loop" in flags(result)[2]
        assert [str(error) for error in result.failures] == [
            "the engine: unexpected ValueError: cannot bear this"
        ]

    def test_a_device_that_is_gone_is_not_borne(self, folder: Path) -> None:
        with pytest.raises(DeviceLostError):
            Scene(folder, misbehaving.losing_its_device, speech_of(0, 6)).play()
