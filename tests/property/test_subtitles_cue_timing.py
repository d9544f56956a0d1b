"""When cues come and go: in time with speech, on the frames, at the shots, and blind to what is far away."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.options import CueOptions
from qasr_cli.records import Cue, Video, Word
from qasr_cli.subtitles.rules.limits import HARD_PAUSE_MS, resolve
from tests.cue_building import build_cues
from tests.property.spoken import CODES, FILMS, FRAME_RATES, OPTIONS, PROFILED, clean_words, hostile_words

NEAR_SHOT_MS, FRAME_MS = 500, 42


def _moved(built: tuple[Cue, ...], by_ms: int) -> tuple[Cue, ...]:
    return tuple(replace(cue, start_ms=cue.start_ms + by_ms, end_ms=cue.end_ms + by_ms) for cue in built)


@given(clean_words(), st.sampled_from(["en", "ko", None]), PROFILED, FILMS, st.integers(1, 10**4))
def test_a_shift_of_all_words_shifts_all_cues(
    words: list[Word], language: str | None, options: CueOptions, video: Video, n_steps: int
) -> None:
    # (12) by whole frames where times are true to them: the fewest that are whole milliseconds as well
    step_ms = 1 if video.frame_rate is None else (1_000 / video.frame_rate).numerator
    shift_ms = n_steps * step_ms
    duration_ms = words[-1].end_ms + 3_000
    moved = [
        replace(word, start_ms=word.start_ms + shift_ms, end_ms=word.end_ms + shift_ms) for word in words
    ]
    later = replace(video, shots_ms=tuple(shot_ms + shift_ms for shot_ms in video.shots_ms))
    before = build_cues(words, language, duration_ms, options, video)
    assert build_cues(moved, language, duration_ms + shift_ms, options, later) == _moved(before, shift_ms)


@given(clean_words(), PROFILED, FILMS, st.integers(0, 10**6))
def test_silence_at_the_end_changes_nothing(
    words: list[Word], options: CueOptions, video: Video, silence_ms: int
) -> None:
    # (12)
    duration_ms = words[-1].end_ms + 3_000
    before = build_cues(words, "en", duration_ms, options, video)
    assert build_cues(words, "en", duration_ms + silence_ms, options, video) == before


@given(clean_words(), clean_words(), st.sampled_from(["en", "ja", "th"]), PROFILED, FILMS)
def test_what_is_said_after_a_long_pause_changes_nothing_before_it(
    words: list[Word], later: list[Word], language: str | None, options: CueOptions, video: Video
) -> None:
    # (12)
    offset_ms = words[-1].end_ms + 4_000
    later = [
        replace(word, start_ms=word.start_ms + offset_ms, end_ms=word.end_ms + offset_ms) for word in later
    ]  # fmt: skip
    before = build_cues(words, language, offset_ms, options, video)
    after = build_cues([*words, *later], language, later[-1].end_ms + 3_000, options, video)
    assert after[: len(before)] == before


@given(clean_words(), st.sampled_from(["en", "de", None]), PROFILED, FILMS)
def test_clean_speech_is_in_time(
    words: list[Word], language: str | None, options: CueOptions, video: Video
) -> None:
    limits = resolve(options, language, ["the"], video.frame_rate, video.shots_ms)
    at_shot_ms = NEAR_SHOT_MS + FRAME_MS if video.shots_ms else 0
    for cue in build_cues(words, language, words[-1].end_ms + 3_000, options, video):
        first, last = cue.word_range
        spoken = words[first:last]
        # (8) no silence is held
        assert all(b.start_ms - a.end_ms < HARD_PAUSE_MS for a, b in pairwise(spoken))
        # (9) with its speech: a little before, not late, not gone too soon, not lingering
        assert cue.start_ms >= spoken[0].start_ms - limits.lead_in_ms - at_shot_ms
        assert cue.start_ms <= spoken[0].start_ms + 83 or "late" in cue.flags or at_shot_ms
        gone_ms = min(spoken[-1].end_ms - limits.min_gap_ms - 40, cue.start_ms + limits.max_duration_ms)
        assert cue.end_ms >= gone_ms - FRAME_MS * bool(video.frame_rate) or "dur_min" in cue.flags
        lingered_ms = spoken[-1].end_ms + limits.max_linger_ms + limits.chain_ms + FRAME_MS
        assert cue.end_ms <= max(lingered_ms, cue.start_ms + limits.min_duration_ms + FRAME_MS)


@given(
    st.one_of(hostile_words(), clean_words()),
    st.sampled_from(CODES),
    OPTIONS,
    st.sampled_from(FRAME_RATES),
    FILMS,
)
def test_times_are_frames_of_the_video(
    words: list[Word], language: str | None, options: CueOptions, rate: Fraction, video: Video
) -> None:
    built = build_cues(words, language, 60_000, options, Video(rate, video.shots_ms))
    limits = resolve(options, language, [word.text for word in words], rate)
    if limits.min_duration_ms * rate / 1_000 > limits.max_duration_ms * rate // 1_000:
        return  # no whole number of frames is as long as a cue must be

    def frame(time_ms: int) -> int:
        number: int = math.floor(time_ms * rate / 1_000)
        assert math.ceil(number * 1_000 / rate) == time_ms  # the first whole millisecond inside the frame
        return number

    shown = [(frame(cue.start_ms), frame(cue.end_ms), cue) for cue in built]
    least = math.ceil(limits.min_gap_ms * rate / 1_000)
    if options.min_gap_ms is None and options.profile == "netflix-sdh":
        assert least == 2
    for (_, end, cue), (start, _, _) in pairwise(shown):
        # (5) in frames: exactly the least gap, or wide enough
        is_held = start - end == least or start - end >= max(limits.chain_ms * rate / 1_000, Fraction(least))
        assert is_held != ("gap" in cue.flags)


@given(clean_words(), PROFILED, st.sampled_from([None, *FRAME_RATES]), st.data())
def test_shots_move_times_and_break_nothing(
    words: list[Word], options: CueOptions, rate: Fraction, data: st.DataObject
) -> None:
    duration_ms = words[-1].end_ms + 3_000
    plain = build_cues(words, "en", duration_ms, options, Video(rate))
    near = st.sampled_from([time_ms for cue in plain for time_ms in (cue.start_ms, cue.end_ms)])
    shots_ms = {
        data.draw(near) + data.draw(st.integers(-700, 700)) for _ in range(data.draw(st.integers(1, 6)))
    }
    video = Video(rate, tuple(sorted(time_ms for time_ms in shots_ms if time_ms >= 0)))
    snapped = build_cues(words, "en", duration_ms, options, video)
    assert [cue.lines for cue in snapped] == [cue.lines for cue in plain]
    for cue, before in zip(snapped, plain, strict=True):
        # A move that costs a reader's time is not made.
        assert set(cue.flags) - {"late", "gap"} <= set(before.flags)
        assert abs(cue.start_ms - before.start_ms) <= NEAR_SHOT_MS + FRAME_MS


SAID = [Word("", "Hello.", 1_000, 2_000), Word(" ", "Yes.", 2_300, 3_300)]


def test_a_frame_never_drifts() -> None:
    # Ten hours in, at a rate that is no decimal number.
    rate = Fraction(24_000, 1_001)
    words = [
        replace(word, start_ms=word.start_ms + 36_000_000, end_ms=word.end_ms + 36_000_000) for word in SAID
    ]
    first, second = build_cues(words, "en", 36_100_000, CueOptions(), Video(rate))
    frames = [math.floor(time_ms * rate / 1_000) for time_ms in (first.end_ms, second.start_ms)]
    assert frames[1] - frames[0] == 2
    assert math.ceil(frames[1] * 1_000 / rate) == second.start_ms
