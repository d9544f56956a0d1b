"""What is done about an engine that misbehaves, and that one that behaves is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from qasr_cli.options import DecodeOptions, EngineOptions, GuardOptions
from qasr_cli.records import Hypothesis, Span
from qasr_cli.speech.audio.vad import SpeechMap
from qasr_cli.speech.fallback import retry_ladder
from qasr_cli.speech.fallback.retry_ladder import RetryStep
from qasr_cli.speech.fallback.review import ReviewedSource
from qasr_cli.speech.inference.protocols import Engines
from tests import fakes, misbehaving
from tests.misbehaving import Misbehaving
from tests.scenes import NUMBERS, Factory, Scene, flags, speech_of, texts, well_behaved


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def test_what_is_right_is_heard_once_and_not_touched(folder: Path) -> None:
    scene = Scene(folder, well_behaved, speech_of(0, 4, 7, 9, 20, 48), speech_of(0, 29))
    first, second = scene.play()
    assert scene.again == []
    assert texts(first)[0] == NUMBERS
    assert set(flags(first) + flags(second)) == {()}
    assert first.uncovered == second.uncovered == ()


@pytest.mark.parametrize(
    "factory",
    [misbehaving.looping, misbehaving.truncating_long, misbehaving.deaf_to_long, misbehaving.racing],
)
def test_a_chunk_that_goes_wrong_is_cut_at_its_pause_and_heard_again(folder: Path, factory: Factory) -> None:
    scene = Scene(folder, factory, speech_of(0, 2, 2.4, 4.4, 9, 11))
    (result,) = scene.play()
    assert [(segment.start_ms, segment.end_ms) for segment in result.segments] == [
        (0, 2_000),
        (2_400, 4_400),
        (9_000, 11_000),
    ]
    assert texts(result) == ["One two three four five."] * 3
    assert set(flags(result)) == {()}
    assert scene.again == [([2.0, 2.0], scene.decode)]  # one more call, and nothing but the two halves
    assert result.uncovered == ()


def test_a_part_in_which_nobody_was_heard_is_cut_for_as_long_as_that_helps(folder: Path) -> None:
    scene = Scene(folder, misbehaving.deaf_to_long, speech_of(0, 2, 2.4, 5, 5.3, 7.8, 8.1, 10.9))
    (result,) = scene.play()
    assert [segment.start_ms for segment in result.segments] == [0, 2_400, 5_300, 8_100]
    assert result.uncovered == ()
    assert all(options == scene.decode for _, options in scene.again)


def test_a_part_that_is_still_wrong_goes_on_alone(folder: Path) -> None:
    scene = Scene(folder, misbehaving.looping, speech_of(0, 2.5, 2.9, 6.9))
    (result,) = scene.play()
    assert (result.segments[0].start_ms, result.segments[0].end_ms) == (0, 2_500)
    assert set(flags(result)) == {()}
    # The second part was still too long, and was cut again at last.
    assert [len(seconds) for seconds, _ in scene.again] == [2, 2]
    assert scene.again[0][0] == [4.0, 2.5]
    assert max(scene.again[1][0]) <= misbehaving.SHORT_S


def test_what_repeats_its_context_is_heard_without_it(folder: Path) -> None:
    scene = Scene(folder, misbehaving.echoing, speech_of(0, 4))
    scene.decode = DecodeOptions(context="Baku, Lima, Port Said, Ulaanbaatar")
    (result,) = scene.play()
    assert texts(result) == [NUMBERS]
    assert flags(result) == [()]
    assert scene.again == [([4.0], DecodeOptions())]


def test_a_loop_that_nothing_else_ends_gets_a_mild_penalty_at_last(folder: Path) -> None:
    scene = Scene(folder, misbehaving.looping_without_penalty, speech_of(0, 4))
    (result,) = scene.play()
    assert set(flags(result)) == {()}
    penalties = [options.repetition_penalty for _, options in scene.again]
    assert penalties == [*[1.0] * (len(penalties) - 1), 1.1]


def test_what_is_too_short_to_be_cut_is_heard_whole_in_every_way(folder: Path) -> None:
    scene = Scene(folder, misbehaving.looping_without_penalty, speech_of(0, 1.5))
    scene.decode = DecodeOptions(context="a, b, c")
    (result,) = scene.play()
    assert flags(result) == [()]
    assert scene.again == [([1.5], DecodeOptions()), ([1.5], DecodeOptions(repetition_penalty=1.1))]


def test_what_stays_wrong_is_kept_and_flagged(folder: Path) -> None:
    scene = Scene(folder, misbehaving.always_looping, speech_of(0, 4))
    (result,) = scene.play()
    assert result.segments
    assert all(segment.flags for segment in result.segments)
    assert all(segment.text.startswith("and so it went on") for segment in result.segments)


def test_a_wrong_script_is_heard_in_the_file_s_language(folder: Path) -> None:
    scene = Scene(folder, misbehaving.misspelling, speech_of(0, 9, 12, 16))
    (result,) = scene.play()
    assert set(flags(result)) == {()}
    assert scene.again == [([4.0], DecodeOptions(language="en"))]
    assert [segment.language for segment in result.segments] == ["en", "en"]


def test_where_nobody_was_heard_no_language_is_forced_and_it_is_reported(folder: Path) -> None:
    scene = Scene(folder, misbehaving.deaf, speech_of(0, 4, 10, 11.5))
    (result,) = scene.play()
    assert result.segments == ()
    assert all(options.language is None for _, options in scene.asked)
    assert result.uncovered == (Span(0, 4_000), Span(10_000, 11_500))


def test_noise_that_nobody_is_heard_in_is_neither_doubtful_nor_reported(folder: Path) -> None:
    scene = Scene(folder, misbehaving.deaf, speech_of(0, 4, clear=0.6))
    assert scene.play() == [ReviewedSource(())]
    assert scene.again == []


def test_text_is_not_given_up_for_silence(folder: Path) -> None:
    def change(answer: object, seconds: float, told: DecodeOptions) -> object:
        return Hypothesis("", None) if seconds < 4 else misbehaving._loop(answer, seconds, told)  # type: ignore[arg-type]

    scene = Scene(folder, well_behaved, speech_of(0, 4))
    scene.engines = Engines(Misbehaving(EngineOptions(), change), fakes.Even())  # type: ignore[arg-type]
    (result,) = scene.play()
    assert [segment.text[:6] for segment in result.segments] == ["and so"]
    assert "loop" in result.segments[0].flags


def test_what_is_doubtful_in_many_files_shares_batches(folder: Path) -> None:
    scene = Scene(folder, misbehaving.looping, *[speech_of(0, 2, 2.4, 4.4)] * 5)
    results = scene.play()
    assert scene.again == [([2.0] * 10, scene.decode)]
    assert len({tuple(texts(result)) for result in results}) == 1
    alone = [Scene(folder, misbehaving.looping, scene.speech[0]).play()[0] for _ in range(2)]
    assert [results[0], results[0]] == alone


class TestRescueModel:
    def scene(self, folder: Path, factory: Factory, *speech: SpeechMap) -> Scene:
        return Scene(folder, factory, *speech, fallback_model="big")

    def test_it_redoes_what_is_flagged_and_nothing_else(self, folder: Path) -> None:
        scene = self.scene(folder, misbehaving.looping_when_small, speech_of(0, 4, 9, 11))
        (result,) = scene.play()
        assert texts(result) == [NUMBERS, "One two three four five."]
        assert scene.again == []  # the small model was not asked again
        big = scene.session.fallback().recognizer
        assert isinstance(big, Misbehaving)
        assert big.asked == [([4.0, 2.0], scene.decode)]

    def test_it_is_loaded_by_the_first_doubt_only(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        loaded: list[str] = []

        def factory(options: EngineOptions) -> Engines:
            loaded.append(options.model)
            assert options.aligner == ("auto" if options.model == "small" else "none")
            return misbehaving.looping(options)

        monkeypatch.setattr(misbehaving, "counted", factory, raising=False)
        factory.__name__ = "counted"
        self.scene(folder, factory, speech_of(0, 2)).play()
        assert loaded == ["small"]
        scene = self.scene(folder, factory, *[speech_of(0, 4)] * 2)
        scene.play()
        scene.play()
        assert loaded == ["small", "small", "big"]

    def test_it_climbs_the_ladder_too(self, folder: Path) -> None:
        scene = self.scene(folder, misbehaving.looping, speech_of(0, 2, 2.4, 4.4))
        (result,) = scene.play()
        assert texts(result) == ["One two three four five."] * 2


class TestLanguages:
    def play(self, folder: Path, *edges_s: float, **guard: object) -> list[str | None]:
        self.scene = Scene(folder, misbehaving.wavering, speech_of(*edges_s))
        self.scene.guard = replace(self.scene.guard, **guard)  # type: ignore[arg-type]
        (result,) = self.scene.play()
        return [segment.language for segment in result.segments]

    def test_a_short_dissenter_is_heard_in_the_file_s_language(self, folder: Path) -> None:
        assert self.play(folder, 0, 9, 12, 14) == ["en", "en"]
        assert self.scene.again == [([2.0], DecodeOptions(language="en"))]

    def test_languages_that_change_are_kept_when_asked(self, folder: Path) -> None:
        assert self.play(folder, 0, 9, 12, 14, multilingual=True) == ["en", "de"]
        assert self.scene.again == []

    def test_a_long_dissenter_is_no_mistake(self, folder: Path) -> None:
        assert self.play(folder, 0, 9, 12, 14, max_dissent_ms=1_000) == ["en", "de"]

    def test_a_file_in_two_languages_has_no_dissenters(self, folder: Path) -> None:
        assert self.play(folder, 0, 4, 7, 9, 12, 14) == ["en", "de", "de"]

    def test_a_language_that_is_not_allowed_is_heard_in_one_that_is(self, folder: Path) -> None:
        for guard in (GuardOptions(), GuardOptions(multilingual=True)):
            scene = Scene(folder, misbehaving.polyglot, speech_of(0, 4))
            scene.decode, scene.guard = DecodeOptions(languages=("en", "ko")), guard
            (result,) = scene.play()
            assert [segment.language for segment in result.segments] == ["en"]
            assert flags(result) == [()]

    def test_one_that_was_asked_for_is_never_voted_on(self, folder: Path) -> None:
        scene = Scene(folder, misbehaving.wavering, speech_of(0, 9, 12, 14))
        scene.decode = DecodeOptions(language="en")
        scene.play()
        assert scene.again == []


class TestCoverage:
    def test_speech_without_words_is_heard_again_and_put_in_its_place(self, folder: Path) -> None:
        scene = Scene(folder, misbehaving.half_hearing, speech_of(0, 9, 13, 15))
        (result,) = scene.play()
        assert texts(result)[:2] == ["One two three four five.", "Six seven eight nine ten."]
        assert all(one.end_ms <= other.start_ms for one, other in pairwise(result.segments))
        words = [word for segment in result.segments for word in segment.words]
        assert all(one.end_ms <= other.start_ms for one, other in pairwise(words))
        assert len(scene.again) == 1

    def test_what_is_found_is_in_the_file_s_language_too(self, folder: Path) -> None:
        scene = Scene(folder, misbehaving.half_hearing_in_german, speech_of(0, 9))
        (result,) = scene.play()
        assert [(segment.language, segment.text) for segment in result.segments] == [
            ("en", "One two three four five."),
            ("en", "Six seven."),
        ]
        scene.guard = GuardOptions(multilingual=True)
        assert [segment.language for segment in scene.play()[0].segments] == ["en", "de"]

    def test_words_that_were_there_are_not_doubled(self, folder: Path) -> None:
        (result,) = Scene(folder, misbehaving.repeating_itself, speech_of(0, 9)).play()
        assert texts(result) == ["One two three four five."]
        assert result.uncovered[0].end_ms == 9_000

    def test_what_stays_without_words_is_reported(self, folder: Path) -> None:
        (result,) = Scene(folder, misbehaving.half_deaf, speech_of(0, 9)).play()
        assert len(result.uncovered) == 1
        assert 3_000 < result.uncovered[0].start_ms < 3_500

    def test_music_that_passed_for_speech_is_not(self, folder: Path) -> None:
        scene = Scene(folder, misbehaving.half_deaf, speech_of(0, 9, clear=0.6))
        (result,) = scene.play()
        assert (result.uncovered, scene.again) == ((), [])

    def test_estimated_words_leave_no_gaps(self, folder: Path) -> None:
        scene = Scene(folder, misbehaving.half_deaf, speech_of(0, 9))
        scene.engines = replace(scene.engines, aligner=None)
        assert scene.play()[0].uncovered == ()


class TestLadder:
    TOLD = DecodeOptions(context="a, b, c")

    def rungs(self, flags: Sequence[str], forced: str | None = "en") -> list[RetryStep]:
        return retry_ladder.plan_steps(tuple(flags), self.TOLD, forced, 1.1)

    def test_the_order_is_split_no_context_language_penalty(self) -> None:
        assert self.rungs(["loop"]) == [
            RetryStep(True, self.TOLD),
            RetryStep(False, DecodeOptions()),
            RetryStep(False, DecodeOptions(language="en")),
            RetryStep(True, DecodeOptions(language="en", repetition_penalty=1.1)),
        ]

    def test_a_flag_s_own_cure_comes_first(self) -> None:
        assert self.rungs(["context"])[0] == RetryStep(False, DecodeOptions())
        assert self.rungs(["script"])[0] == RetryStep(False, DecodeOptions(language="en", context="a, b, c"))

    def test_nothing_is_tried_twice(self) -> None:
        for found in (["loop"], ["empty"], ["context"], ["script"], ["language", "truncated"]):
            for told in (self.TOLD, DecodeOptions(), DecodeOptions(language="ko")):
                for forced in ("en", None):
                    rungs = retry_ladder.plan_steps(tuple(found), told, forced, 1.1)
                    assert len(set(rungs)) == len(rungs)
                    assert RetryStep(False, told) not in rungs

    def test_where_nothing_was_heard_no_language_is_forced(self) -> None:
        assert {rung.options.language for rung in self.rungs(["empty"])} == {None}
