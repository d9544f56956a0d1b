"""Where utterances begin and end, by probabilities that are given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qasr_cli.options import StreamOptions, VadOptions
from qasr_cli.speech.streaming.utterances import Closed, UtteranceDetector

SPEECH, DIM, QUIET = 0.95, 0.4, 0.05


def found(probs: Sequence[float], *, is_ended: bool = True, **stream: int) -> list[Closed]:
    detector = UtteranceDetector(VadOptions(), StreamOptions(**stream))
    closed = [detector.add(probability) for probability in probs]
    if is_ended:
        closed.append(detector.close())
    return [one for one in closed if one is not None]


def bounds(probs: Sequence[float], **stream: int) -> list[tuple[int, int]]:
    return [(one.start, one.end) for one in found(probs, is_ended=True, **stream)]


def test_an_utterance_has_a_little_sound_before_and_after_it() -> None:
    assert bounds([QUIET] * 30 + [SPEECH] * 40 + [QUIET] * 30) == [(20, 77)]


def test_it_begins_with_the_session_at_the_earliest() -> None:
    assert bounds([QUIET] * 3 + [SPEECH] * 40 + [QUIET] * 30) == [(0, 50)]


def test_it_never_begins_before_the_end_of_the_one_before() -> None:
    probs = [SPEECH] * 40 + [QUIET] * 16 + [SPEECH] * 40
    assert bounds(probs) == [(0, 47), (47, 96)]


def test_a_pause_ends_it_and_a_shorter_one_does_not() -> None:
    assert len(bounds([SPEECH] * 20 + [QUIET] * 15 + [SPEECH] * 20)) == 1
    assert len(bounds([SPEECH] * 20 + [QUIET] * 16 + [SPEECH] * 20)) == 2
    assert len(bounds([SPEECH] * 20 + [QUIET] * 16 + [SPEECH] * 20, pause_ms=1_000)) == 1


def test_soft_speech_between_the_thresholds_goes_on() -> None:
    assert bounds([SPEECH] * 20 + [DIM] * 40 + [SPEECH] * 5) == [(0, 65)]


def test_soft_speech_alone_begins_nothing() -> None:
    assert bounds([DIM] * 100) == []


def test_what_has_hardly_any_clear_speech_is_not_real() -> None:
    assert [one.is_real for one in found([QUIET] * 20 + [SPEECH] * 7 + [QUIET] * 20)] == [False]
    assert [one.is_real for one in found([QUIET] * 20 + [SPEECH] * 8 + [QUIET] * 20)] == [True]


def test_a_long_one_is_cut_at_the_best_silence_of_its_last_seconds() -> None:
    probs = [SPEECH] * 625
    probs[100:105] = [0.36] * 5  # a better silence, but too early
    probs[550:555] = [0.4] * 5
    ((start, end), *rest) = bounds(probs + [SPEECH] * 20)
    assert (start, end) == (0, 552)
    assert rest == [(552, 645)]


def test_the_rest_after_a_cut_is_no_utterance_without_speech() -> None:
    probs = [SPEECH] * 612 + [QUIET] * 30
    assert [one.is_real for one in found(probs)] == [True, False]


def test_the_rest_after_a_cut_is_real_however_short_its_word() -> None:
    probs = [SPEECH] * 600 + [DIM] * 20 + [SPEECH] * 7 + [QUIET] * 40
    assert [one.is_real for one in found(probs)] == [True, True]


def test_so_is_the_rest_after_an_end_in_the_middle_of_a_word() -> None:
    for n_quiet, is_real in ((0, True), (1, False)):
        detector = UtteranceDetector(VadOptions(), StreamOptions())
        for probability in [SPEECH] * 20 + [QUIET] * n_quiet:
            detector.add(probability)
        first = detector.close()
        rest = [detector.add(probability) for probability in [SPEECH] * 3 + [QUIET] * 20]
        assert first is not None
        assert [(one.start >= first.end, one.is_real) for one in rest if one] == [(True, is_real)]


def test_the_rest_of_what_was_not_real_is_no_more_real() -> None:
    probs = [SPEECH] * 3 + [DIM] * 640 + [SPEECH] * 3 + [QUIET] * 40
    assert {one.is_real for one in found(probs)} == {False}


def test_skipped_silence_is_that_which_was_added() -> None:
    added, skipped = (UtteranceDetector(VadOptions(), StreamOptions()) for _ in range(2))
    skipped.skip(90)
    for _ in range(90):
        added.add(0.0)
    ends = [[detector.add(one) for one in [SPEECH] * 9 + [QUIET] * 40] for detector in (added, skipped)]
    (first,), (second,) = ([one for one in each if one] for each in ends)
    assert (first.start, first.end) == (second.start, second.end) == (80, 106)
    assert np.array_equal(first.probs, second.probs)


def test_the_open_one_ends_with_its_session_less_the_silence() -> None:
    assert bounds([SPEECH] * 20 + [QUIET] * 10) == [(0, 27)]
    assert found([SPEECH] * 20, is_ended=False) == []


def test_its_end_is_certain_up_to_the_padding_while_it_falls_silent() -> None:
    detector = UtteranceDetector(VadOptions(), StreamOptions())
    for probability in [SPEECH] * 20 + [QUIET] * 12:
        detector.add(probability)
    assert (detector.n_frames, detector.certain_end) == (32, 27)
