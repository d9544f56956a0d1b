"""What holds for every session: utterances, stable text, and that blocks of any size give the same text."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from qasr_cli.options import StreamOptions, VadOptions
from qasr_cli.speech.streaming.events import Final, SpeechStarted, SpeechStopped
from qasr_cli.speech.streaming.stable_prefix import StablePrefix, split
from qasr_cli.speech.streaming.utterances import UtteranceDetector
from tests.live_sessions import events_of, of_kind, spoken

# Stretches of speech, of silence and of something between them, as frames of a detector.
STRETCHES = st.lists(
    st.tuples(st.sampled_from([0.0, 0.2, 0.36, 0.49, 0.5, 0.7, 0.8, 1.0]), st.integers(1, 120)), max_size=30
)
WORDS = st.lists(
    st.sampled_from(["one", "two", "three,", "four.", "今", "天气", "\ufffd", "e\u0301"]), max_size=9
)
SPOKEN = spoken(1_200, 2_300, 900)


@given(STRETCHES, st.integers(100, 3_000), st.integers(5_000, 9_000))
def test_utterances_are_ordered_bounded_and_hold_all_speech(
    stretches: list[tuple[float, int]], pause_ms: int, max_utterance_ms: int
) -> None:
    probs = [probability for probability, n_frames in stretches for _ in range(n_frames)]
    detector = UtteranceDetector(VadOptions(), StreamOptions(500, pause_ms, max_utterance_ms))
    found = [closed for probability in probs if (closed := detector.add(probability))]
    found += [closed for closed in [detector.close()] if closed]
    for before, after in itertools.pairwise(found):
        assert before.end <= after.start
    inside = set()
    for one in found:
        assert 0 <= one.start < one.end <= len(probs)
        assert (one.end - one.start) * 32 <= max_utterance_ms
        assert np.array_equal(one.probs, np.array(probs[one.start : one.end], dtype=np.float32))
        inside |= set(range(one.start, one.end))
    assert all(frame in inside for frame, probability in enumerate(probs) if probability >= 0.5)


@given(st.lists(st.tuples(WORDS, st.integers(0, 1_500)), max_size=12))
def test_stable_text_grows_and_is_the_begin_of_what_is_shown(steps: list[tuple[list[str], int]]) -> None:
    prefix = StablePrefix()
    end_ms = 0
    before = ""
    for words, step_ms in steps:
        end_ms += step_ms
        text = " ".join(words)
        n_contradictions = prefix.n_contradictions
        stable, unstable = prefix.update(text, end_ms)
        assert stable.startswith(before)
        assert "\ufffd" not in stable
        if prefix.n_contradictions == n_contradictions:
            assert stable + unstable == text
            if stable != before:
                assert len(split(unstable)) >= 2
        before = stable


@given(st.text())
def test_the_parts_of_a_text_are_the_text(text: str) -> None:
    assert "".join(split(text)) == text


@settings(max_examples=10)
@given(st.lists(st.integers(1, 20_000), max_size=40))
def test_blocks_of_any_size_give_the_same_text_and_times(blocks: list[int]) -> None:
    def outcome(blocks: list[int] | None) -> list[object]:
        events = events_of(SPOKEN, blocks=blocks)
        finals = [(one.utterance, one.start_ms, one.end_ms, one.segments) for one in of_kind(events, Final)]
        return [finals, of_kind(events, SpeechStarted), of_kind(events, SpeechStopped)]

    assert outcome(blocks) == outcome(None)
