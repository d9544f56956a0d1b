"""The values that travel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qasr_cli.records import Segment, Span, Timing, Track, Transcript, Waveform, Word


class TestRecords:
    def test_a_waveform_reads_exactly_its_samples(self, tmp_path: Path) -> None:
        samples = np.arange(-800, 800, dtype="<i2")
        samples.tofile(tmp_path / "w")
        waveform = Waveform(tmp_path / "w", len(samples))
        assert waveform.duration_ms == 100
        np.testing.assert_array_equal(waveform.read(10, 30), samples[160:480].astype(np.float32) / 32768)
        assert len(waveform.read(90, 500)) == 160
        assert len(waveform.read(500, 600)) == 0
        assert waveform.read(0, 1).dtype == np.float32

    @pytest.mark.parametrize(("start_ms", "end_ms"), [(5, 5), (6, 5), (-1, 5)])
    def test_what_is_not_a_span_cannot_be_one(self, start_ms: int, end_ms: int) -> None:
        with pytest.raises(ValueError, match="not a span"):
            Span(start_ms, end_ms)

    def test_a_segment_s_words_are_its_text(self) -> None:
        words = (Word("", "Hello,", 0, 10), Word(" ", "you", 10, 20, Timing.REPAIRED))
        assert Segment(0, 20, "en", "Hello, you", words).words == words
        with pytest.raises(ValueError, match="words are"):
            Segment(0, 20, "en", "Hello you", words)

    def test_a_transcript_speaks_the_language_spoken_longest(self) -> None:
        def segment(start_ms: int, end_ms: int, language: str | None) -> Segment:
            return Segment(start_ms, end_ms, language, "", ())

        track = Track(0, "aac", 2, 48_000)
        segments = (segment(0, 9, "en"), segment(9, 14, "ko"), segment(14, 19, "ko"), segment(20, 90, None))
        assert Transcript("a", track, 100, segments, "f").language == "ko"
        assert Transcript("a", track, 100, (), "f").language is None

    def test_a_quoted_language_keeps_its_spaces_where_segments_meet(self) -> None:
        texts = ("你好", "hello", "world", "再见")
        segments = tuple(
            Segment(i, i + 1, "zh", text, (Word("", text, i, i + 1),)) for i, text in enumerate(texts)
        )
        words = Transcript("a", Track(0, "aac", 2, 48_000), 9, segments, "f").words
        assert "".join(word.lead + word.text for word in words) == "你好hello world再见"
