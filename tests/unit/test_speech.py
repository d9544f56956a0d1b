"""Voice activity, chunks, batches and words on known input; no torch, no ffmpeg."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from qasr_cli.errors import OutOfMemoryError
from qasr_cli.options import ChunkOptions, DecodeOptions, EngineOptions, VadOptions
from qasr_cli.records import Chunk, Finish, Segment, Span, Timing
from qasr_cli.speech.alignment import monotonic_decoder
from qasr_cli.speech.audio import chunking
from qasr_cli.speech.audio.vad import SpeechDetector, SpeechMap
from qasr_cli.speech.inference import batching
from qasr_cli.speech.inference.protocols import Engines, Posterior
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition import recognize
from qasr_cli.speech.text import aligner_tokens, display_words
from tests import fakes
from tests.effort import growth
from tests.recognition import recognize_and_align

CLIPS = Path(__file__).parents[2] / "samples" / "clips"


def detect(samples: np.ndarray, block: int = 10_000) -> SpeechMap:
    detector = SpeechDetector(VadOptions())
    for start in range(0, len(samples), block):
        detector.feed(samples[start : start + block])
    return detector.finish()


@pytest.fixture(scope="module")
def talk() -> np.ndarray:
    """Two clips with two seconds of silence between and around them."""
    first, second = (
        soundfile.read(CLIPS / name, dtype="int16")[0] for name in ("clip-06.wav", "clip-03.flac")
    )
    quiet = np.zeros(32_000, dtype=np.int16)
    return np.concatenate([quiet, first, quiet, second, quiet])


class TestVad:
    def test_speech_is_found_where_it_is(self, talk: np.ndarray) -> None:
        speech = detect(talk)
        first, second = speech.spans[0], speech.spans[-1]
        assert 2_000 <= first.start_ms < 2_600
        assert speech.duration_ms - 2_400 < second.end_ms <= speech.duration_ms - 1_700
        assert max(b.start_ms - a.end_ms for a, b in pairwise(speech.spans)) > 1_500

    def test_the_size_of_the_blocks_does_not_matter(self, talk: np.ndarray) -> None:
        whole = detect(talk, len(talk))
        for block in (1, 511, 512, 16_000, 262_144):
            if block == 1:
                short = talk[40_000:44_000]
                np.testing.assert_array_equal(detect(short, 1).probs, detect(short, len(short)).probs)
                continue
            part = detect(talk, block)
            np.testing.assert_array_equal(part.probs, whole.probs)
            assert part.spans == whole.spans

    @pytest.mark.parametrize("kind", ["silence", "noise", "tone", "hum", "clicks", "nothing"])
    def test_what_is_not_speech_is_not_found(self, kind: str) -> None:
        n = 16_000 * 20
        t = np.arange(n) / 16_000
        rng = np.random.default_rng(1)
        sounds = {
            "silence": np.zeros(n),
            "noise": rng.standard_normal(n) * 2_000,
            "tone": np.sin(2 * np.pi * 440 * t) * 8_000,
            "hum": np.sin(2 * np.pi * 50 * t) * 20_000,
            "clicks": np.where(np.arange(n) % 8_000 < 20, 20_000, 0),
            "nothing": np.zeros(0),
        }
        assert detect(sounds[kind].astype(np.int16)).spans == ()


class TestChunking:
    def speech(self, *edges_s: float, probs: np.ndarray | None = None) -> SpeechMap:
        spans = [Span(int(a * 1000), int(b * 1000)) for a, b in zip(edges_s[::2], edges_s[1::2], strict=True)]
        end_ms = spans[-1].end_ms if spans else 0
        return SpeechMap(
            tuple(spans), np.ones(end_ms // 32 + 1, np.float32) if probs is None else probs, end_ms
        )

    def plan(self, speech: SpeechMap, **options: int) -> list[tuple[float, float]]:
        chunks = chunking.plan(0, speech, ChunkOptions(**options))
        return [(chunk.start_ms / 1000, chunk.end_ms / 1000) for chunk in chunks]

    def test_short_speech_is_packed(self) -> None:
        assert self.plan(self.speech(1, 4, 5, 9, 9.5, 12)) == [(1, 12)]

    def test_long_silence_ends_a_chunk(self) -> None:
        assert self.plan(self.speech(1, 4, 7, 9)) == [(1, 4), (7, 9)]

    def test_the_longest_pause_past_the_target_is_the_cut(self) -> None:
        speech = self.speech(0, 10, 10.9, 21, 21.3, 25, 26, 29, 29.2, 40)
        assert self.plan(speech) == [(0, 25), (26, 40)]

    def test_speech_without_a_pause_is_cut_where_it_is_quietest(self) -> None:
        probs = np.ones(45_000 // 32 + 1, np.float32)
        probs[780:790] = 0.6  # about 25 s
        cut = self.plan(self.speech(0, 45, probs=probs))
        assert len(cut) == 2
        assert cut[0][1] == cut[1][0]
        assert 24.9 < cut[0][1] < 25.4

    def test_planning_grows_with_the_speech_and_no_faster(self) -> None:
        def plan(hours: int) -> list[tuple[float, float]]:
            edges = [edge for start in range(0, hours * 3_600, 6) for edge in (start + 0.5, start + 5.9)]
            return self.plan(self.speech(*edges))

        assert len(plan(3)) > 300
        assert growth(plan, 1, 4) < 5  # a quadratic planner has 16 times as much to do


class TestBatching:
    def test_what_does_not_fit_is_halved_until_it_does(self) -> None:
        sizes = []

        def work(items: Sequence[int]) -> list[int]:
            sizes.append(len(items))
            if len(items) > 2:
                raise OutOfMemoryError("full")
            return list(items)

        assert batching.run_halving(range(7), work) == list(range(7))
        assert sizes[:3] == [7, 3, 1]

    def test_a_batch_of_one_that_does_not_fit_is_an_error(self) -> None:
        def work(items: object) -> list[int]:
            raise OutOfMemoryError("full")

        with pytest.raises(OutOfMemoryError):
            batching.run_halving([1, 2], work)


class TestWords:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("yes—no", ["yes", "no"]),  # the models' own code glues these, and the second gets no time
            ("1990–1995 and/or well...maybe", ["1990", "1995", "and", "or", "well", "maybe"]),
            ("don’t l’homme rock’n’roll dogs’", ["don't", "l'homme", "rock'n'roll", "dogs"]),
            (
                "cafe\u0301 na\u00efve",
                ["caf\u00e9", "na\u00efve"],
            ),  # a mark of its own is an accent all the same
            ("\u1112\u1161\u11ab\u1100\u1173\u11af", ["한글"]),  # letter by letter
            ("OK。Python，３．５", ["OK", "Python", "３５"]),
        ],
    )
    def test_units_where_we_know_better(self, text: str, expected: list[str]) -> None:
        assert [unit.text for unit in aligner_tokens.tokenize(text, "en")] == expected

    def test_a_unit_knows_its_characters(self) -> None:
        text = "“Cafe\u0301” don’t"
        spans = [(unit.start, unit.end) for unit in aligner_tokens.tokenize(text, "fr")]
        assert [text[start:end] for start, end in spans] == ["Cafe\u0301", "don’t"]

    @pytest.mark.parametrize(
        ("text", "language", "shown"),
        [
            ("Yes, 3.5% — that's it.", "en", ["Yes,", " 3.5% —", " that's", " it."]),
            ("— Oh! —", "fr", ["— Oh! —"]),
            ("¿Qué? “So.”", "es", ["¿Qué?", " “So.”"]),
            ("我们说「好」。", "zh", ["我", "们", "说", "「好」。"]),
            ("我用Python 3写。", "zh", ["我", "用", "Python", " 3", "写。"]),
            ("안녕하세요, 여러분.", "ko", ["안녕하세요,", " 여러분."]),
            ("So yes—no, or “yes”--“no”.", "en", ["So", " yes—", "no,", " or", " “yes”--", "“no”."]),
            (
                "Wait—” he said — 1990–1995 and/or",
                "en",
                ["Wait—”", " he", " said —", " 1990–1995", " and/or"],
            ),
            ("₩43,000 is 3.5%…", "en", ["₩43,000", " is", " 3.5%…"]),
            ("हिन्दी में। Привет!", "hi", ["हिन्दी", " में।", " Привет!"]),
            ("...", "en", ["..."]),
        ],
    )
    def test_display_words_keep_every_mark(self, text: str, language: str, shown: list[str]) -> None:
        assert [word.lead + word.text for word in display_words.split(text, language)] == shown


class TestAlign:
    def posterior(self, *bins: int, n_bins: int = 50) -> Posterior:
        scores = np.full((len(bins), n_bins), -9.0, dtype=np.float32)
        scores[np.arange(len(bins)), bins] = -0.01
        return Posterior(scores, 80)

    def test_a_clear_answer_is_taken_as_it_is(self) -> None:
        times = monotonic_decoder.decode(self.posterior(2, 5, 5, 9), 4_000)
        assert times is not None
        assert [(unit.start_ms, unit.end_ms) for unit in times] == [(160, 400), (400, 720)]
        assert all(unit.timing is Timing.ALIGNED and unit.confidence == 0.99 for unit in times)

    def test_what_is_out_of_order_is_mended_and_marked(self) -> None:
        times = monotonic_decoder.decode(self.posterior(2, 5, 40, 9, 10, 12), 4_000)
        assert times is not None
        assert [unit.timing for unit in times] == [Timing.ALIGNED, Timing.REPAIRED, Timing.ALIGNED]
        assert times[1].start_ms < times[1].end_ms <= times[2].start_ms

    def test_a_word_always_lasts(self) -> None:
        times = monotonic_decoder.decode(self.posterior(5, 5, 5, 5), 4_000)
        assert times is not None
        assert all(unit.end_ms - unit.start_ms >= 80 for unit in times)

    def test_more_words_than_time_are_nobody_s(self) -> None:
        assert monotonic_decoder.decode(self.posterior(*range(40), n_bins=41), 400) is None
        assert monotonic_decoder.decode(Posterior(np.zeros((0, 5), np.float32), 80), 400) == []


class TestTranscribe:
    def run(self, factory: Callable[[EngineOptions], Engines], seconds: list[float]) -> list[Segment | None]:
        audio = [np.zeros(int(16_000 * length), np.float32) for length in seconds]
        chunks = [
            Chunk(0, i, i * 60_000, i * 60_000 + int(length * 1000)) for i, length in enumerate(seconds)
        ]
        session = Session(factory(EngineOptions()))
        return recognize_and_align(audio, chunks, session)

    def test_segments_come_in_order_with_container_times(self) -> None:
        segments = self.run(fakes.echo, [2, 4])
        assert [segment.text for segment in segments if segment] == [
            "One two three four five.",
            "One two three four five six seven eight nine ten.",
        ]
        assert segments[1] is not None
        first = segments[1].words[0]
        assert (first.start_ms, first.timing) == (60_000, Timing.ALIGNED)

    def test_little_memory_changes_nothing(self) -> None:
        assert self.run(fakes.cramped, [1, 2, 3, 4, 5]) == self.run(fakes.echo, [1, 2, 3, 4, 5])

    def test_without_an_aligner_words_are_estimated(self) -> None:
        segment = self.run(fakes.unaligned, [3])[0]
        assert segment is not None
        assert {word.timing for word in segment.words} == {Timing.INTERPOLATED}

    def test_nothing_heard_is_no_segment(self) -> None:
        assert self.run(fakes.silent, [3]) == [None]

    @pytest.mark.parametrize("text", ["...", "。", "-", " ¿? ", "\u200b", "\u0301", "'", "$"])
    def test_marks_alone_are_nothing_heard(self, text: str) -> None:
        loud = Chunk(0, 0, 0, 3_000, (Span(0, 3_000),), 3_000)
        dim = Chunk(0, 1, 5_000, 8_000, (Span(5_000, 8_000),), 0)
        audio = [np.zeros(48_000, np.float32)] * 2
        for finish in Finish:
            session = Session(fakes.saying(text, finish))
            said = recognize.recognize_batch(audio, [loud, dim], session, DecodeOptions(language="en"))
            silent = Session(fakes.silent(EngineOptions()))
            nothing = recognize.recognize_batch(audio, [loud, dim], silent, DecodeOptions(language="en"))
            assert [(piece.hypothesis.text, piece.flags) for piece in said] == [("", ("empty",)), ("", ())]
            assert [piece.flags for piece in said] == [piece.flags for piece in nothing]
            assert recognize_and_align(audio, [loud, dim], session) == [None, None]

    @pytest.mark.parametrize("text", ["♪", "♪ ♫", "🎵", "½", "7.", "...a"])
    def test_what_says_something_is_kept(self, text: str) -> None:
        (segment,) = recognize_and_align(
            [np.zeros(48_000, np.float32)], [Chunk(0, 0, 0, 3_000)], Session(fakes.saying(text))
        )
        assert segment is not None
        assert segment.text == text

    def test_what_was_cut_short_is_flagged(self) -> None:
        (segment,) = self.run(fakes.truncating, [3])
        assert segment is not None
        assert segment.flags == ("truncated",)
