"""Frames and shots: what Netflix's timing guide asks for, in numbers."""

from __future__ import annotations

from fractions import Fraction

import pytest

from qasr_cli.options import CueOptions
from qasr_cli.records import Cue, Video, Word
from qasr_cli.subtitles.layout import shot_snapping
from qasr_cli.subtitles.layout.frame_grid import CueDemand, FrameGrid, TickLimits
from qasr_cli.subtitles.rules.limits import resolve
from tests.cue_building import build_cues

FILM, PAL, NTSC = Fraction(24_000, 1_001), Fraction(25), Fraction(30_000, 1_001)


def show(*spoken_ms: tuple[int, int], video: Video, **limits: object) -> tuple[Cue, ...]:
    """Return a cue for each stretch of speech."""
    words = [Word(" ", f"Word{k}.", *span_ms) for k, span_ms in enumerate(spoken_ms)]
    return build_cues(words, "en", 60_000, CueOptions(**limits), video)  # type: ignore[arg-type]


def times(built: tuple[Cue, ...]) -> list[tuple[int, int]]:
    return [(cue.start_ms, cue.end_ms) for cue in built]


@pytest.mark.parametrize(
    ("rate", "frame", "first_ms"),
    [
        (Fraction(24), 1, 42),
        (FILM, 1, 42),
        (FILM, 24, 1_001),
        (PAL, 1, 40),
        (NTSC, 2, 67),
        (FILM, 863_136, 35_999_964),  # ten hours in: nothing drifts
    ],
)  # fmt: skip
def test_a_frame_begins_at_its_first_whole_millisecond(rate: Fraction, frame: int, first_ms: int) -> None:
    grid = FrameGrid.of_frames(rate)
    assert grid.ms(frame) == first_ms
    assert grid.at_or_after(first_ms - 1) == frame
    assert grid.at_or_before(first_ms) == frame
    assert grid.at_or_before(first_ms - 1) == frame - 1
    assert grid.nearest(first_ms) == frame == grid.nearest(first_ms - 1)


@pytest.mark.parametrize("rate", [FILM, Fraction(24), PAL, NTSC, Fraction(60), Fraction(120)])
def test_the_gap_is_two_frames_at_any_rate(rate: Fraction) -> None:
    limits = resolve(CueOptions(), "en", frame_rate=rate)
    assert TickLimits.on(FrameGrid.of_frames(rate), limits).gap == 2
    first, second = show((1_000, 2_000), (2_200, 3_200), video=Video(rate))
    frames = FrameGrid.of_frames(rate)
    assert frames.at_or_before(second.start_ms) - frames.at_or_before(first.end_ms) == 2


def test_a_gap_of_ones_own_is_never_made_smaller_by_frames() -> None:
    limits = resolve(CueOptions(min_gap_ms=100), "en", frame_rate=Fraction(24))
    assert TickLimits.on(FrameGrid.of_frames(Fraction(24)), limits).gap == 3  # 125 ms


def test_without_frames_nothing_is_rounded() -> None:
    video = Video(FILM)
    assert times(show((1_234, 2_345), video=video, is_frame_true=False)) == [(1_194, 2_845)]
    assert times(show((1_234, 2_345), video=Video())) == [(1_194, 2_845)]
    assert times(show((1_234, 2_345), video=video)) == [(1_210, 2_878)]  # frames 29 and 69


SPEECH = (3_000, 4_500)  # shown from 2,960 to 5,000 where nothing is near


@pytest.mark.parametrize(
    ("shot_ms", "start_ms"),
    [
        (2_500, 2_500),  # half a second before the speech: the cue comes with the shot
        (2_450, 2_960),  # further away: the shot is nothing to it
        (2_959, 2_959),
        (3_200, 3_200),  # a moment after: the cue waits for the shot, not to be read twice
        (3_252, 3_252),
        (3_260, 2_760),  # too long to wait, too close to start: half a second before the shot
        (3_460, 2_960),
    ],
)
def test_a_cue_starts_with_its_shot(shot_ms: int, start_ms: int) -> None:
    assert times(show(SPEECH, video=Video(None, (shot_ms,))))[0][0] == start_ms


@pytest.mark.parametrize(
    ("shot_ms", "end_ms"),
    [
        (4_900, 4_817),  # two frames before the shot
        (4_500, 4_417),  # the last two frames of speech may give way, as they do to a cue
        (4_490, 5_000),  # more of the speech may not
        (5_300, 5_217),  # a moment longer, up to the shot
        (5_600, 5_000),
    ],
)
def test_a_cue_ends_before_its_shot(shot_ms: int, end_ms: int) -> None:
    assert times(show(SPEECH, video=Video(None, (shot_ms,))))[-1][1] == end_ms


def test_a_shot_between_two_cues_parts_them_at_the_shot() -> None:
    first, second = show((1_000, 2_500), (2_700, 4_200), video=Video(Fraction(24), (2_625,)))
    frames = FrameGrid.of_frames(Fraction(24))
    assert frames.at_or_before(second.start_ms) == 63  # 2,625 ms
    assert frames.at_or_before(first.end_ms) == 61


def test_a_shot_is_not_worth_an_unreadable_cue() -> None:
    # To wait for the shot would leave the first cue too little time before the second.
    first, _ = show((1_000, 1_700), (1_850, 3_000), video=Video(None, (1_200,)))
    assert first.start_ms == 960
    assert not first.flags


def test_speech_is_not_cut_for_a_shot() -> None:
    plain = show((1_000, 2_800), (2_900, 4_500), video=Video())
    assert show((1_000, 2_800), (2_900, 4_500), video=Video(None, (2_500,)))[1] == plain[1]


def test_a_slide_show_s_frames_are_too_long_to_wait_for() -> None:
    slides = Fraction(5)
    assert resolve(CueOptions(), "en", frame_rate=slides).frame_rate is None
    assert resolve(CueOptions(frame_rate=slides), "en").frame_rate == slides
    assert resolve(CueOptions(is_frame_true=False), "en", frame_rate=PAL).frame_rate is None


@pytest.mark.parametrize(("spoken", "start"), [(110, 112), (100, 102)])
def test_a_cue_that_is_late_already_does_not_wait_for_a_shot(spoken: int, start: int) -> None:
    """It may wait for the cut at 112, unless it then came more than 10 ticks after its speech."""
    ticks = TickLimits(20, 200, 2, 12, 6, 24, 5, 5, just_before_shot=10, near_shot=12)
    demand = CueDemand(wanted=98, spoken=spoken, spoken_until=160, reading=30, quick_reading=20)
    assert shot_snapping.snap_starts([102], [demand], [112], ticks, 1_000) == [start]
