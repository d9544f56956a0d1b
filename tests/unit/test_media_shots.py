"""Which differences between frames are cuts; no ffmpeg needed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from qasr_cli.media.shots import CutFinder


def cuts(changes: Sequence[float], frame_ms: int = 40) -> tuple[int, ...]:
    finder = CutFinder()
    for number, change in enumerate(changes):
        finder.feed(number * frame_ms, change)
    return finder.finish()


STILL = [0.1] * 20


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([*STILL, 12.0, *STILL], (800,)),
        ([*STILL, 2.5, *STILL], (800,)),  # between two dark shots
        ([*STILL, 1.4, *STILL], ()),  # a key frame
        ([*STILL, 30.0, 30.0, *STILL], ()),  # a flash
        ([*STILL, 30.0, 0.1, 30.0, *STILL], ()),  # a longer one
        ([5.0] * 50, ()),  # a pan
        ([*STILL, *([5.0] * 30), *STILL], ()),  # one that begins and ends
        ([*([5.0] * 20), 16.0, *([6.0] * 20)], (800,)),  # a cut within motion
        ([*([5.0] * 20), 9.0, *([5.0] * 20)], ()),
        ([*STILL, 12.0, *STILL, 12.0, *STILL], (800, 1640)),
        ([*STILL, 6.0, 1.0, 20.0, *STILL], (880,)),
        ([12.0, *STILL], ()),  # the first frame is no change
        ([0.0, 12.0, *STILL], (40,)),
        ([*STILL, 12.0, 0.1], (800,)),  # the film ends before a quarter of a second is over
        ([*STILL, 12.0], ()),
        ([], ()),
    ],
)
def test_a_cut_stands_out_of_all_around_it(changes: list[float], expected: tuple[int, ...]) -> None:
    assert cuts(changes) == expected


def test_a_frame_has_neighbours_however_slow_the_film() -> None:
    assert cuts([0.1, 9.0, 0.1, 9.0, 9.0, 0.1], frame_ms=1000) == (1000,)
