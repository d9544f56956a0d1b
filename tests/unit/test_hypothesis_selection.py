"""Which hearing of a doubtful chunk is kept, and in which language it is heard again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qasr_cli.options import DecodeOptions, EngineOptions, GuardOptions
from qasr_cli.records import Chunk, Finish, Hypothesis, Span
from qasr_cli.speech.fallback import hypothesis_selection, language_vote
from qasr_cli.speech.inference.protocols import AlignRequest, Engines, Posterior
from qasr_cli.speech.recognition.recognize import RecognizedChunk
from tests import fakes
from tests.misbehaving import Misbehaving, Say
from tests.scenes import Scene, flags, speech_of, texts, well_behaved

NAMES = DecodeOptions(context="Nguyen, Szczepanski, Baku")
NOTHING = Hypothesis("", None)


class Crowding(fakes.Even):
    """An aligner that puts all words into the first half."""

    def _place(self, request: AlignRequest) -> Posterior:
        whole = super()._place(request).log_probs
        first = super()._place(replace(request, audio=request.audio[: len(request.audio) // 2])).log_probs
        n_more = whole.shape[1] - first.shape[1]
        return Posterior(np.pad(first, ((0, 0), (0, n_more)), constant_values=-20), fakes.BIN_MS)


def scene(folder: Path, change: Say, *edges_s: float, clear: float = 1.0) -> Scene:
    made = Scene(folder, well_behaved, speech_of(*edges_s, clear=clear))
    made.engines = Engines(Misbehaving(EngineOptions(), change), fakes.Even())
    return made


def piece(
    text: str, language: str | None, *found: str, seconds: float = 4, speech_s: float = 4
) -> RecognizedChunk:
    span = Span(0, int(speech_s * 1000))
    chunk = Chunk(0, 0, 0, int(seconds * 1000), (span,), span.duration_ms)
    return RecognizedChunk(chunk, Hypothesis(text, language), found)


class TestSilence:
    def test_a_context_is_not_told_where_nobody_was_heard(self, tmp_path: Path) -> None:
        def change(_answer: Hypothesis, seconds: float, told: DecodeOptions) -> Hypothesis:
            return Hypothesis(NAMES.context, "English") if told.context and seconds < 7 else NOTHING

        played = scene(tmp_path, change, 0, 8)
        played.decode = NAMES
        (result,) = played.play()
        assert result.segments == ()
        assert result.uncovered == (Span(0, 8_000),)
        assert {options.context for _, options in played.again} == {""}

    def test_a_loop_in_it_is_silence_still(self, tmp_path: Path) -> None:
        played = scene(
            tmp_path, lambda _a, s, _t: Hypothesis("you " * 60, "English") if s < 7 else NOTHING, 0, 8
        )
        (result,) = played.play()
        assert (result.segments, result.uncovered) == ((), (Span(0, 8_000),))

    def test_a_part_with_words_is_kept_beside_one_that_loops(self, tmp_path: Path) -> None:
        def change(answer: Hypothesis, seconds: float, _told: DecodeOptions) -> Hypothesis:
            return NOTHING if seconds > 7 else Hypothesis("you " * 60, "English") if seconds > 4 else answer

        (result,) = scene(tmp_path, change, 0, 5, 5.4, 8).play()
        assert texts(result)[-1] == "One two three four five six."
        assert set(flags(result)) == {()}

    @pytest.mark.parametrize(
        ("found", "is_given_up"), [("loop", True), ("script", False), ("truncated", False)]
    )
    def test_takes_the_place_of_what_models_make_up_alone(self, found: str, is_given_up: bool) -> None:
        first = piece("It was a real sentence", "English", found)
        silent = [piece("", None, seconds=2, speech_s=2), piece("sentence", "English", seconds=2, speech_s=2)]
        assert hypothesis_selection.is_better(silent, [first], first.chunk) == is_given_up
        cough = [piece("", None, seconds=2, speech_s=0.5), piece("a sentence", "English", seconds=2)]
        assert hypothesis_selection.is_better(cough, [first], first.chunk)


class TestNamesThatWereSaid:
    @pytest.mark.parametrize(
        ("without", "kept"),
        [
            ("When, step and ski, back who.", "Nguyen, Szczepanski, Baku."),
            ("I will see you all tomorrow.", "I will see you all tomorrow."),
        ],
    )
    def test_they_stay_when_they_sound_alike_without_the_context(
        self, tmp_path: Path, without: str, kept: str
    ) -> None:
        def change(_answer: Hypothesis, _seconds: float, told: DecodeOptions) -> Hypothesis:
            return Hypothesis(f"{NAMES.context}." if told.context else without, "English")

        played = scene(tmp_path, change, 0, 4)
        played.decode = NAMES
        (result,) = played.play()
        assert (texts(result), flags(result)) == ([kept], [()])

    def test_korean_is_compared_by_its_sounds(self) -> None:
        told, first = DecodeOptions(), piece("김민수 박서연 이도윤", "Korean", "context")
        assert hypothesis_selection.is_confirmed(first, [piece("김민소 박소연 이두연", "Korean")], told)
        assert not hypothesis_selection.is_confirmed(first, [piece("오늘 날씨가 참 좋네요", "Korean")], told)


class TestLanguage:
    HINDI = piece("सभी मनुष्यों को", "Hindi", "truncated", "rate", speech_s=25)
    ENGLISH = piece("Thank you.", "English", speech_s=3)

    def forced(
        self, doubtful: RecognizedChunk, *others: RecognizedChunk, languages: tuple[str, ...] = ()
    ) -> str | None:
        told = DecodeOptions(languages=languages)
        return language_vote.retry_language(doubtful, [doubtful, *others], told, GuardOptions())

    def test_a_file_is_not_turned_by_its_one_clean_piece(self) -> None:
        assert self.forced(self.HINDI, *[self.HINDI] * 4, self.ENGLISH) is None

    def test_a_loop_is_heard_in_the_language_that_the_file_is_clearly_in(self) -> None:
        looping = piece("na na na na", "German", "loop")
        clean = piece("It was a long evening", "English", speech_s=20)
        assert self.forced(looping, clean) == "en"
        assert self.forced(looping, clean, piece("Es war spät", "German", speech_s=18)) is None

    def test_what_was_only_cut_off_keeps_its_language_and_votes(self) -> None:
        korean = piece("안녕하십니까 시청자 여러분", "Korean", "truncated", speech_s=20)
        assert self.forced(korean, self.ENGLISH) is None
        assert self.forced(korean, languages=("en", "ko")) is None
        assert language_vote.majority_language([korean, self.ENGLISH]) == "ko"

    def test_the_first_that_is_allowed_is_the_last_resort_for_one_that_is_not(self) -> None:
        other = piece("こんにちは", "Japanese", "language")
        assert self.forced(other, languages=("en", "ko")) == "en"
        assert self.forced(other, piece("안녕하세요", "Korean"), languages=("en", "ko")) == "ko"

    def test_a_doubtful_piece_is_no_dissenter(self) -> None:
        short = piece("na na", "German", "loop", speech_s=2)
        clean = piece("It was a long evening", "English", speech_s=20)
        assert language_vote.minority_results([clean, short], [clean, short], GuardOptions()) == []


def test_what_was_spelt_otherwise_is_not_put_in_twice(tmp_path: Path) -> None:
    def change(_answer: Hypothesis, seconds: float, _told: DecodeOptions) -> Hypothesis:
        whole = "we went down to the river and then the colour of the sky began to change into gold"
        return Hypothesis(
            whole if seconds > 8 else "The color of the sky began to change into gold.",
            "English",
            Finish.COMPLETE,
        )

    played = scene(tmp_path, change, 0, 9)
    played.engines = Engines(played.engines.recognizer, Crowding())
    assert [text[-4:] for text in texts(played.play()[0])] == ["gold"]
