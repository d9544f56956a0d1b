"""The time a run still takes, against runs whose end is known."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from qasr_cli.records import Source
from qasr_cli.terminal import estimate
from qasr_cli.terminal.estimate import Estimate
from tests.effort import growth

LOADED_S = 20.0


def sources(n: int, suffix: str = ".mp3") -> list[Source]:
    return [Source(i, Path(f"{i}{suffix}"), Path(f"{i}{suffix}")) for i in range(n)]


def told(
    speech_ms: list[int], *, ahead: int, rtfx: float, batch_ms: int = 60_000
) -> list[tuple[float, float]]:
    """Return (what is really left, what is said to be left), in seconds, after each result of a run."""
    files = sources(len(speech_ms))
    known = Estimate(files, {i: ms * 16 for i, ms in enumerate(speech_ms)})  # 128 kbit/s
    known.ready(LOADED_S)
    now_s, n_read, answers = LOADED_S, 0, []
    todo = [ms for whole in speech_ms for ms in [batch_ms] * (whole // batch_ms) + [whole % batch_ms] if ms]
    end_s = LOADED_S + sum(todo) / 1000 / rtfx
    heard = 0
    for ms in todo:
        while n_read < len(files) and sum(speech_ms[:n_read]) < heard + ahead:
            known.prepared(files[n_read], speech_ms[n_read], speech_ms[n_read])
            n_read += 1
        heard += ms
        now_s += ms / 1000 / rtfx
        known.recognized(ms, now_s)
        left_s = known.left_s(now_s)
        if left_s is not None:
            answers.append((end_s - now_s, left_s))
    return answers


@pytest.mark.parametrize("n_files", [1, 3, 40, 400])
@pytest.mark.parametrize("rtfx", [0.5, 20, 200])
def test_the_first_minute_tells_the_end_of_the_last_file(n_files: int, rtfx: float) -> None:
    dice = random.Random(7)
    speech_ms = [dice.randint(60_000, 1_200_000) for _ in range(n_files)]
    answers = told(speech_ms, ahead=240_000, rtfx=rtfx)
    assert answers
    for really_s, said_s in answers:
        assert said_s == pytest.approx(really_s, rel=0.05, abs=1)


def test_files_of_another_kind_are_not_measured_by_these() -> None:
    small, large = sources(2, ".mp3"), sources(4, ".mkv")[2:]
    known = Estimate([*small, *large], {0: 1_000, 1: 3_000, 2: 1_000_000, 3: 1_000_000})
    known.prepared(small[0], 60_000, 50_000)
    known.prepared(large[0], 60_000, 40_000)
    assert known.total_ms == 50_000 + 150_000 + 40_000 + 40_000
    assert not known.is_total_known


def test_what_is_skipped_or_broken_holds_no_work() -> None:
    files = sources(3)
    known = Estimate(files, dict.fromkeys(range(3), 100))
    known.prepared(files[0], 10_000, 8_000)
    assert known.total_ms == 24_000
    known.finished(files[1])
    known.finished(files[2])
    assert (known.total_ms, known.is_total_known) == (8_000, True)


def test_what_has_no_size_is_counted_like_the_mean() -> None:
    first, second, third = sources(3)
    known = Estimate([first, second, third], {0: 100, 1: 300, 2: 0})
    known.prepared(first, 10_000, 8_000)
    assert known.total_ms == 8_000 + 24_000 + 8_000


def test_an_event_costs_the_same_however_many_files_wait() -> None:
    def finish_all(n_files: int) -> None:
        files = sources(n_files)
        known = Estimate(files, {})
        for file in files:
            known.finished(file)
            assert known.total_ms == 0

    assert growth(finish_all, 100, 400) < 5  # were all files looked at, at every event, it would be 16


def test_between_results_it_counts_down_and_rises_when_one_is_overdue() -> None:
    (file,) = sources(1)
    known = Estimate([file], {0: 1})
    known.prepared(file, 100_000, 100_000)
    assert known.left_s(0) is None
    known.ready(10)
    known.recognized(10_000, 20)
    assert known.rtfx(20) == pytest.approx(1)
    seen = [known.left_s(20 + second) for second in (0, 5, 10, 11, 20)]
    assert seen == [90, 85, 80, 89, 170]


def test_before_there_is_a_pace_nothing_is_said() -> None:
    (file,) = sources(1)
    known = Estimate([file], {})
    known.prepared(file, 0, 0)
    known.ready(0)
    assert (known.left_s(5), known.rtfx(5), known.total_ms) == (None, None, 0)
    known.recognized(0, 6)
    assert (known.left_s(7), known.rtfx(7)) == (None, None)


@pytest.mark.parametrize(
    ("left_s", "words"),
    [
        (0.2, "a few seconds left"), (11, "about 20 s left"), (61, "about 2 min left"),
        (3_600, "about 60 min left"), (7_190, "about 2 h left"), (9_000, "about 2 h 30 min left"),
    ],
)  # fmt: skip
def test_it_is_said_no_more_exactly_than_it_is_known(left_s: float, words: str) -> None:
    assert estimate.in_words(left_s) == words
