"""Cues of words without a transcript, for tests: options in, the limits follow from the rules."""

from __future__ import annotations

from collections.abc import Sequence

from qasr_cli.options import CueOptions
from qasr_cli.records import Cue, Video, Word
from qasr_cli.subtitles.layout import cues
from qasr_cli.subtitles.rules.limits import resolve


def build_cues(
    words: Sequence[Word],
    language: str | None,
    duration_ms: int,
    options: CueOptions,
    video: Video | None = None,
) -> tuple[Cue, ...]:
    """Return the cues of words under the limits that follow from `options`."""
    video = video or Video()
    texts = (word.text for word in words)
    limits = resolve(options, language, texts, video.frame_rate, video.shots_ms)
    return cues.build(words, language, duration_ms, limits)
