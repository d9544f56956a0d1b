"""`check` and the builder of our own cues agree: what breaks a hard rule was flagged when it was made."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from qasr_cli.options import CueOptions
from qasr_cli.records import Timing, Video, Word
from qasr_cli.subtitles.qc import check
from qasr_cli.subtitles.rules.limits import resolve
from tests.cue_building import build_cues
from tests.property.spoken import CODES, OPTIONS, VIDEOS, hostile_words

FLAG_OF = {"cps": "cps", "dur_min": "dur_min", "gap_min": "gap", "lines": "lines", "cpl": "lines"}
OF_TEXT = {"illegal_chars"}  # what an engine writes is shown; only the builder of files may replace it

A_LONG_ADDRESS = [Word("", "https://example.org/" + "a" * 112, 0, 5_000, Timing.ALIGNED, None)]


@example(A_LONG_ADDRESS, "ko", 5_000, CueOptions(profile="arte"), Video(None, ()))  # cut inside a word
@given(hostile_words(), st.sampled_from(CODES), st.sampled_from([5_000, 30_000]), OPTIONS, VIDEOS)
def test_no_hard_rule_is_broken_without_a_flag(
    words: list[Word], language: str | None, duration_ms: int, options: CueOptions, video: Video
) -> None:
    built = build_cues(words, language, duration_ms, options, video)
    limits = resolve(options, language, (word.text for word in words), video.frame_rate, video.shots_ms)
    found = check.check(check.of_cues(built), limits, language)
    for finding in found.hard:
        assert finding.caption is not None
        if finding.rule not in OF_TEXT:
            assert FLAG_OF[finding.rule] in built[finding.caption].flags, finding
