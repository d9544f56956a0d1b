"""Chunks of speech: packed, cut at pauses, in linear time."""

from __future__ import annotations

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
