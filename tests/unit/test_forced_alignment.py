"""What becomes of an aligner's answers: trimmed silence, second looks, estimates, and what each is called."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from qasr_cli.options import EngineOptions
from qasr_cli.records import Chunk, Span, Timing, Word
from qasr_cli.speech.alignment import monotonic_decoder, outliers, word_times
from qasr_cli.speech.alignment.forced_alignment import AlignmentInput, align_words
from qasr_cli.speech.alignment.monotonic_decoder import TokenTime
from qasr_cli.speech.inference.protocols import AlignRequest, Capacity, Engines, Posterior
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.text import display_words
from qasr_cli.timebase import SAMPLES_PER_MS
from tests import fakes

BIN_MS = 80
N_WORDS = 12
TEXT = " ".join(chr(ord("a") + index) * 3 for index in range(N_WORDS))
START_MS = 100_000  # of the chunk, in its source
TRUTH_MS = {unit: (400 + 400 * index, 720 + 400 * index) for index, unit in enumerate(TEXT.split())}
CHUNK_MS = 400 * N_WORDS + 800

Answer = Callable[[int, AlignRequest], dict[str, tuple[int, int]]]


class Scripted:
    """An aligner whose answers are written down: where it puts each unit, by number of the call.

    The samples that it is given are their own places in the chunk, so it knows what it was shown.
    """

    model_id = "fake/scripted"
    capacity = Capacity(60_000, 120_000, 32)

    def __init__(self, answer: Answer, strength: float = 0.9) -> None:
        self._answer, self._strength = answer, strength
        self.asked: list[tuple[int, int, tuple[str, ...]]] = []

    def supports(self, language: str | None) -> bool:
        return language == "English"

    def align(self, requests: Sequence[AlignRequest]) -> list[Posterior]:
        return [self._posterior(request) for request in requests]

    def _posterior(self, request: AlignRequest) -> Posterior:
        begin_ms = round(float(request.audio[0])) // SAMPLES_PER_MS
        duration_ms = len(request.audio) // SAMPLES_PER_MS
        self.asked.append((begin_ms, begin_ms + duration_ms, request.tokens))
        places = TRUTH_MS | self._answer(len(self.asked), request)
        n_bins = duration_ms // BIN_MS + 2
        bins = np.array([edge for unit in request.tokens for edge in places[unit]])
        bins = np.clip(np.rint((bins - begin_ms) / BIN_MS).astype(int), 0, n_bins - 1)
        probs = np.full((len(bins), n_bins), (1 - self._strength) / n_bins)
        probs[np.arange(len(bins)), bins] += self._strength
        return Posterior(np.log(probs).astype(np.float32), BIN_MS)


def run(aligner: Scripted, *speech: tuple[int, int], chunk_ms: int = CHUNK_MS) -> tuple[Word, ...]:
    spans = tuple(Span(START_MS + start, START_MS + end) for start, end in speech)
    chunk = Chunk(0, 0, START_MS, START_MS + chunk_ms, spans)
    places = np.arange(chunk_ms * SAMPLES_PER_MS, dtype=np.float32)
    spoken = AlignmentInput(chunk, places, "English", display_words.split(TEXT, "en"))
    (timed,) = align_words([spoken], Session(Engines(fakes.Echo(EngineOptions()), aligner)))
    return timed


def off_ms(timed: Sequence[Word]) -> list[int]:
    return [abs(word.start_ms - START_MS - TRUTH_MS[word.text][0]) for word in timed]


def right(call: int, request: AlignRequest) -> dict[str, tuple[int, int]]:
    return {}


def test_a_good_answer_is_asked_for_once_and_taken() -> None:
    aligner = Scripted(right)
    timed = run(aligner)
    assert len(aligner.asked) == 1
    assert off_ms(timed) == [0] * N_WORDS
    assert {word.timing for word in timed} == {Timing.ALIGNED}
    assert all(word.time_posterior is not None and word.time_posterior > 0.8 for word in timed)


def test_silence_at_the_ends_is_not_shown_and_added_back() -> None:
    aligner = Scripted(right)
    timed = run(aligner, (240, 3_000), (3_200, CHUNK_MS - 160))
    assert [(start, end) for start, end, _ in aligner.asked] == [(240, CHUNK_MS - 160)]
    assert max(off_ms(timed)) <= BIN_MS // 2


def plateau(call: int, request: AlignRequest) -> dict[str, tuple[int, int]]:
    """Words 4 to 8 at one time in the first answer; right in the second."""
    return dict.fromkeys(TEXT.split()[4:9], (2_000, 2_000)) if call == 1 else {}


def test_a_plateau_is_aligned_again_from_anchor_to_anchor() -> None:
    aligner = Scripted(plateau)
    timed = run(aligner)
    (_, _, first), (start_ms, end_ms, second) = aligner.asked
    assert first == tuple(TEXT.split())
    assert second == tuple(TEXT.split()[4:9])
    assert start_ms == pytest.approx(TRUTH_MS["ddd"][1], abs=BIN_MS)
    assert end_ms == pytest.approx(TRUTH_MS["jjj"][0], abs=BIN_MS)
    assert max(off_ms(timed)) <= BIN_MS // 2
    assert [word.timing for word in timed].count(Timing.REPAIRED) in (4, 5)  # the first was nearly right
    assert {timed[index].timing for index in (0, 3, 9, 11)} == {Timing.ALIGNED}


def test_a_plateau_that_stays_is_estimated_and_says_so() -> None:
    def stuck(call: int, request: AlignRequest) -> dict[str, tuple[int, int]]:
        return dict.fromkeys(TEXT.split()[4:9], (2_000, 2_000))

    timed = run(Scripted(stuck))
    assert [word.timing for word in timed[4:9]] == [Timing.INTERPOLATED] * 5
    assert {word.time_posterior for word in timed[4:9]} == {None}
    assert max(off_ms(timed)) <= 200
    assert {word.timing for word in [*timed[:4], *timed[9:]]} == {Timing.ALIGNED}


def test_a_surer_first_answer_stays() -> None:
    class Fading(Scripted):
        def _posterior(self, request: AlignRequest) -> Posterior:
            self._strength = 0.05 if self.asked else 0.9
            return super()._posterior(request)

    def one_astray(call: int, request: AlignRequest) -> dict[str, tuple[int, int]]:
        return {"eee": (4_800, 5_000)} if call == 1 else dict.fromkeys(request.tokens, (100, 5_000))

    aligner = Fading(one_astray)
    timed = run(aligner)
    assert len(aligner.asked) == 2
    assert [word.timing for word in timed].count(Timing.REPAIRED) == 1
    assert (
        TRUTH_MS["ddd"][1] <= timed[4].start_ms - START_MS < timed[4].end_ms - START_MS <= TRUTH_MS["fff"][0]
    )


def test_words_thrown_into_silence_come_back_to_the_speech() -> None:
    silence_ms = 4_000  # between the speech of word 5 and of word 6
    later = {
        unit: (start + silence_ms, end + silence_ms) for unit, (start, end) in list(TRUTH_MS.items())[6:]
    }

    def astray(call: int, request: AlignRequest) -> dict[str, tuple[int, int]]:
        return later | ({"ggg": (3_600, 4_000), "hhh": (4_240, 4_640)} if call == 1 else {})

    aligner = Scripted(astray)
    timed = run(
        aligner, (200, 2_900), (2_600 + silence_ms, 5_600 + silence_ms), chunk_ms=CHUNK_MS + silence_ms
    )
    assert len(aligner.asked) == 2
    assert aligner.asked[1][2] == ("ggg", "hhh")
    for word in timed[6:8]:
        assert abs(word.start_ms - START_MS - later[word.text][0]) <= BIN_MS // 2
        assert word.timing is Timing.REPAIRED


def test_a_word_over_a_silence_keeps_its_longer_part() -> None:
    def reaching(call: int, request: AlignRequest) -> dict[str, tuple[int, int]]:
        return {"aaa": (80, 720)}

    aligner = Scripted(reaching)
    word = run(aligner, (0, 160), (320, CHUNK_MS))[0]
    assert (word.start_ms, word.timing) == (START_MS + 320, Timing.REPAIRED)


class TestLanguages:
    def spoken(self, *languages: str | None) -> list[AlignmentInput]:
        return [
            AlignmentInput(
                Chunk(0, i, 4_000 * i, 4_000 * i + 4_000, (Span(4_000 * i + 500, 4_000 * i + 3_500),)),
                np.zeros(4_000 * SAMPLES_PER_MS, np.float32),
                language,
                display_words.split("one two three", "en"),
            )
            for i, language in enumerate(languages)
        ]

    def test_a_language_without_aligner_is_told_once(self, caplog: pytest.LogCaptureFixture) -> None:
        session = Session(Engines(fakes.Echo(EngineOptions()), fakes.Even()))
        with caplog.at_level(logging.WARNING):
            align_words(self.spoken("Hindi", "English", "Hindi", "Thai", None), session)
            timed = align_words(self.spoken("Hindi", "English", "Hindi", "Thai", None), session)
        assert [record.getMessage().split(":")[0] for record in caplog.records] == [
            "the aligner does not support Hindi",
            "the aligner does not support Thai",
        ]
        kinds = [{word.timing for word in some} for some in timed]
        assert kinds[1] == {Timing.ALIGNED}
        assert [kinds[i] for i in (0, 2, 3, 4)] == [{Timing.INTERPOLATED}] * 4
        assert (timed[0][0].start_ms, timed[0][-1].end_ms) == (500, 3_500)

    def test_who_wants_no_aligner_is_told_nothing(self, caplog: pytest.LogCaptureFixture) -> None:
        session = Session(Engines(fakes.Echo(EngineOptions()), fakes.Even()))
        with caplog.at_level(logging.WARNING):
            timed = align_words(self.spoken("Hindi", "English"), session, is_enabled=False)
            align_words(self.spoken("Hindi"), session.without_aligner())
        assert not caplog.records
        assert {word.timing for some in timed for word in some} == {Timing.INTERPOLATED}


class TestBetweenBins:
    def test_the_posterior_around_a_bin_says_where_in_it(self) -> None:
        scores = np.full((2, 40), -12.0, np.float32)
        scores[0, [10, 11]] = np.log([0.7, 0.3])
        scores[1, [20, 21]] = np.log([0.5, 0.5])
        times = monotonic_decoder.decode(Posterior(scores, BIN_MS), 3_000)
        assert times is not None
        assert (times[0].start_ms, times[0].end_ms) == (824, 1_640)
        assert times[0].confidence == 1.0

    def test_the_measured_offset_moves_all_and_stays_inside(self) -> None:
        scores = np.full((4, 40), -9.0, np.float32)
        scores[np.arange(4), [0, 5, 5, 37]] = 0.0
        plain, early = (
            monotonic_decoder.decode(Posterior(scores, BIN_MS, offset), 2_960) for offset in (0, -25)
        )
        assert plain is not None
        assert early is not None
        assert [(unit.start_ms, unit.end_ms) for unit in plain] == [(0, 400), (400, 2_960)]
        assert [(unit.start_ms, unit.end_ms) for unit in early] == [(0, 375), (375, 2_935)]

    def test_a_time_after_the_clip_is_not_chosen(self) -> None:
        scores = np.full((2, 60), -9.0, np.float32)
        scores[:, 45] = -0.01  # 3.6 s
        scores[np.arange(2), [5, 9]] = -4.0
        times = monotonic_decoder.decode(Posterior(scores, BIN_MS), 2_000)
        assert times is not None
        assert times[0].start_ms == pytest.approx(400, abs=8)
        assert times[0].end_ms == pytest.approx(720, abs=8)


class TestDoubts:
    def units(self, *confidences: float) -> list[TokenTime]:
        return [
            TokenTime(100 * i, 100 * i + 100, Timing.REPAIRED if sure < 0.1 else Timing.ALIGNED, sure)
            for i, sure in enumerate(confidences)
        ]

    def find(self, *confidences: float) -> list[tuple[int, int]]:
        n = len(confidences)
        scores = np.full((2 * n, 400), -9.0, np.float32)
        scores[np.arange(2 * n), np.arange(2 * n) * 10] = 0.0
        found = outliers.find(Posterior(scores, 10), self.units(*confidences), (), 4_000)
        return [(stretch.first, stretch.last) for stretch in found]

    def test_where_all_is_sure_there_is_no_doubt(self) -> None:
        assert self.find(*[0.9] * 8) == []

    def test_doubt_reaches_to_the_next_anchors(self) -> None:
        assert self.find(0.9, 0.9, 0.2, 0.05, 0.9, 0.9) == [(2, 4)]

    def test_one_sure_word_among_doubtful_ones_is_no_anchor(self) -> None:
        assert self.find(0.9, 0.9, 0.05, 0.9, 0.05, 0.9, 0.9) == [(2, 5)]

    def test_little_confidence_alone_is_no_doubt(self) -> None:
        assert self.find(0.9, 0.9, 0.2, 0.2, 0.9, 0.9) == []


class TestRests:
    """A word that was drawn over the rest between two sentences."""

    SHOWN = display_words.split("truck. I hope", "en")
    SPEECH = (Span(0, 1_300), Span(1_800, 3_000))  # "truck" ends at 1,000; the rest of its span is margin

    def time(
        self, first: tuple[int, int], second: tuple[int, int], speech: tuple[Span, ...] = SPEECH
    ) -> tuple[Word, ...]:
        times = [TokenTime(*edges, Timing.ALIGNED, 0.9) for edges in (first, second, (2_010, 2_400))]
        return word_times.from_tokens(self.SHOWN, times, Chunk(0, 0, 0, 3_000, speech))

    def test_a_sentence_s_first_word_begins_after_the_rest(self) -> None:
        _, word, _ = self.time((600, 1_000), (1_000, 2_010))
        assert (word.start_ms, word.end_ms) == (1_800, 2_010)

    def test_a_sentence_s_last_word_ends_before_the_rest(self) -> None:
        word, _, _ = self.time((1_150, 2_000), (2_000, 2_010))
        assert (word.start_ms, word.end_ms) == (1_150, 1_300)

    def test_what_is_more_than_a_margin_is_no_rest(self) -> None:
        _, word, _ = self.time((200, 400), (400, 2_010))
        assert (word.start_ms, word.end_ms) == (400, 1_300)

    def test_a_year_takes_its_time(self) -> None:
        (shown,) = display_words.split("1957", "en")
        (word,) = word_times.from_tokens(
            [shown], [TokenTime(100, 1_900, Timing.ALIGNED, 0.9)], Chunk(0, 0, 0, 2_000)
        )
        assert (word.start_ms, word.end_ms) == (100, 1_900)
