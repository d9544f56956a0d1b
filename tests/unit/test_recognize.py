"""Batches of chunks through the engines: order, container times, flags, empty text."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from qasr_cli.options import DecodeOptions, EngineOptions
from qasr_cli.records import Chunk, Finish, Segment, Span, Timing
from qasr_cli.speech.inference.protocols import Engines
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition import recognize
from tests import fakes
from tests.recognition import recognize_and_align


class TestRecognize:
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

    def test_without_an_aligner_words_are_interpolated(self) -> None:
        segment = self.run(fakes.unaligned, [3])[0]
        assert segment is not None
        assert {word.timing for word in segment.words} == {Timing.INTERPOLATED}

    def test_no_text_is_no_segment(self) -> None:
        assert self.run(fakes.silent, [3]) == [None]

    @pytest.mark.parametrize("text", ["...", "。", "-", " ¿? ", "\u200b", "\u0301", "'", "$"])
    def test_marks_alone_count_as_no_text(self, text: str) -> None:
        loud = Chunk(0, 0, 0, 3_000, (Span(0, 3_000),), 3_000)
        dim = Chunk(0, 1, 5_000, 8_000, (Span(5_000, 8_000),), 0)
        audio = [np.zeros(48_000, np.float32)] * 2
        for finish in Finish:
            session = Session(fakes.saying(text, finish))
            results = recognize.recognize_batch(audio, [loud, dim], session, DecodeOptions(language="en"))
            silent = Session(fakes.silent(EngineOptions()))
            nothing = recognize.recognize_batch(audio, [loud, dim], silent, DecodeOptions(language="en"))
            assert [(result.hypothesis.text, result.flags) for result in results] == [
                ("", ("empty",)),
                ("", ()),
            ]
            assert [result.flags for result in results] == [result.flags for result in nothing]
            assert recognize_and_align(audio, [loud, dim], session) == [None, None]

    @pytest.mark.parametrize("text", ["♪", "♪ ♫", "🎵", "½", "7.", "...a"])
    def test_signs_with_a_meaning_stay(self, text: str) -> None:
        (segment,) = recognize_and_align(
            [np.zeros(48_000, np.float32)], [Chunk(0, 0, 0, 3_000)], Session(fakes.saying(text))
        )
        assert segment is not None
        assert segment.text == text

    def test_what_was_cut_short_is_flagged(self) -> None:
        (segment,) = self.run(fakes.truncating, [3])
        assert segment is not None
        assert segment.flags == ("truncated",)
