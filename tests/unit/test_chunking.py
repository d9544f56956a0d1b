"""Chunks of speech: packed, cut at pauses, in linear time."""

from __future__ import annotations

import random

import numpy as np

from qasr_cli.options import ChunkOptions
from qasr_cli.records import Span
from qasr_cli.speech.audio import chunking
from qasr_cli.speech.audio.vad import SpeechMap
from tests.effort import growth


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


class TestGivenSpans:
    def plan(self, speech: SpeechMap, *edges_s: float) -> list[tuple[float, float, int]]:
        spans = [Span(int(a * 1000), int(b * 1000)) for a, b in zip(edges_s[::2], edges_s[1::2], strict=True)]
        inside = chunking.within(speech, spans)
        chunks = chunking.plan_spans(7, spans, inside, ChunkOptions())
        assert [chunk.index for chunk in chunks] == list(range(len(chunks)))
        assert {chunk.source_id for chunk in chunks} <= {7}
        return [(chunk.start_ms / 1000, chunk.end_ms / 1000, chunk.clear_ms) for chunk in chunks]

    def test_speech_within_spans_is_what_both_have(self) -> None:
        chance = random.Random(3)
        for _ in range(300):
            speech, spans = (self.disjoint(chance, n) for n in (chance.randint(0, 9), chance.randint(0, 6)))
            found = chunking.within(SpeechMap(speech, np.zeros(2, np.float32), 60), spans).spans
            both = [at for span in spans for at in range(span.start_ms, span.end_ms)]
            assert [at for span in found for at in range(span.start_ms, span.end_ms)] == [
                at for at in both if any(one.start_ms <= at < one.end_ms for one in speech)
            ]
            assert all(span.duration_ms > 0 for span in found)

    def disjoint(self, chance: random.Random, n: int) -> tuple[Span, ...]:
        edges = sorted(chance.sample(range(60), 2 * n))
        return tuple(Span(*pair) for pair in zip(edges[::2], edges[1::2], strict=True))

    def test_each_span_is_a_chunk_with_its_silence(self) -> None:
        speech = TestChunking().speech(1, 4, 5, 9, 20, 24)
        assert [chunk[:2] for chunk in self.plan(speech, 0, 4.5, 4.5, 10, 20.5, 22)] == [
            (0, 4.5),
            (4.5, 10),
            (20.5, 22),
        ]

    def test_a_span_that_is_too_long_is_cut_at_a_pause(self) -> None:
        speech = TestChunking().speech(0, 10, 10.9, 21, 21.3, 25, 26, 29, 29.2, 40)
        assert [chunk[:2] for chunk in self.plan(speech, 0, 40)] == [(0, 25), (26, 40)]

    def test_a_long_span_without_speech_is_recognised_all_the_same(self) -> None:
        silence = SpeechMap((), np.zeros(45_000 // 32 + 1, np.float32), 45_000)
        chunks = self.plan(silence, 1, 44)
        assert (chunks[0][0], chunks[-1][1]) == (1, 44)
        assert all(end_s - start_s <= 30 for start_s, end_s, _ in chunks)

    def test_what_is_behind_the_end_is_left_out(self) -> None:
        speech = TestChunking().speech(0, 10)
        assert [chunk[:2] for chunk in self.plan(speech, 8, 12, 20, 30)] == [(8, 10)]

    def test_only_speech_in_the_spans_counts(self) -> None:
        speech = TestChunking().speech(1, 4, 5, 9)
        assert chunking.within(speech, [Span(2_000, 6_000), Span(8_000, 8_500)]).spans == (
            Span(2_000, 4_000),
            Span(5_000, 6_000),
            Span(8_000, 8_500),
        )
