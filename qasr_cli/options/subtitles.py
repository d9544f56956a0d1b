"""Options of subtitle style. Cues are made from a transcript, so none of these is in its fingerprint."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from qasr_cli.errors import UsageError
from qasr_cli.options.flag import STYLE, option, require, seconds
from qasr_cli.timebase import broadcast_rate

_RATE = re.compile(r"[0-9]{1,9}(?:\.[0-9]{0,9}|/[0-9]{1,9})?")
AUTO_RATE, NO_RATE = "auto", "none"  # values of --fps beside numbers


@dataclass(frozen=True, slots=True)
class PictureOptions:
    """Analysis of the picture.

    Not part of `MediaOptions`, because it changes neither text nor word times and so does not belong to the
    fingerprint, which takes whole groups.
    """

    shots: bool = option(
        False,
        STYLE,
        "Detect shot changes and snap cues to them. This decodes the video, which takes many times as long "
        "as decoding its audio.",
        "--shots",
        digest="is_finding_shots",
    )


def _frame_rate(text: str) -> Fraction | None:
    if text.lower() in {AUTO_RATE, NO_RATE}:
        return None
    try:
        # An exponent is no rate: that of 1e999999999 is computed for hours.
        if not _RATE.fullmatch(text):
            raise ValueError
        return broadcast_rate(Fraction(text))
    except (ValueError, ZeroDivisionError):
        raise UsageError(
            f"--fps {text}: give auto, none or a number such as 25 or 24000/1001", flag="--fps"
        ) from None


class SpeakerStyle(StrEnum):
    """What cues show of their speakers; none of them mixes two on one line."""

    AUTO = "auto"  # as the profile has it
    NAME = "name"
    DASH = "dash"
    NONE = "none"


def _speaker_style(text: str) -> SpeakerStyle:
    try:
        return SpeakerStyle(text.lower())
    except ValueError:
        raise UsageError(
            f"--speaker-style {text}: give {', '.join(SpeakerStyle)}", flag="--speaker-style"
        ) from None


@dataclass(frozen=True, slots=True)
class CueOptions:
    """Limits of a cue; None means the profile's limit for the language (`subtitles.rules.profiles`).

    `is_frame_true` without a `frame_rate` means the video's frame rate.
    """

    profile: str = option(
        "netflix-sdh",
        STYLE,
        "Style guide: netflix-sdh, netflix (slower, as for translations), bbc, ted, arte, shorts, children "
        "or verbatim. Options below override single limits.",
        "--profile",
        metavar="NAME",
        harmless=True,
    )
    max_line_width: int | None = option(
        None,
        STYLE,
        "Maximum characters per line. Default: the profile's, 42 or 16 full-width characters in Chinese, "
        "Japanese and Korean with netflix.",
        "--max-line-width",
        metavar="N",
        digest="max_line_cells",
        harmless=True,
    )
    max_lines: int | None = option(
        None,
        STYLE,
        "Maximum lines per cue, 1 to 4. Default: the profile's, usually 2.",
        "--max-lines",
        metavar="N",
        harmless=True,
    )
    max_words: int | None = option(
        None, STYLE, "Maximum words per cue. Default: no limit.", "--max-words", metavar="N", harmless=True
    )
    max_cps: float | None = option(
        None,
        STYLE,
        "Maximum reading speed in characters per second. Default: the profile's for the language, 20 in "
        "English with netflix-sdh.",
        "--max-cps",
        metavar="N",
        harmless=True,
    )
    min_duration_ms: int | None = seconds(
        None,
        STYLE,
        "Minimum cue duration in seconds, where there is room. Default: the profile's, usually 5/6.",
        "--min-duration",
        harmless=True,
    )
    max_duration_ms: int | None = seconds(
        None,
        STYLE,
        "Maximum cue duration in seconds. Default: the profile's, usually 7.",
        "--max-duration",
        harmless=True,
    )
    min_gap_ms: int | None = seconds(
        None,
        STYLE,
        "Minimum gap between two cues in seconds. Default: the profile's, usually two frames.",
        "--min-gap",
        harmless=True,
    )
    frame_rate: Fraction | None = option(
        None,
        STYLE,
        "Frame rate that cue times are rounded to, in frames per second: auto (the video's), none, or a "
        "number such as 25, 23.976 or 24000/1001.",
        "--fps",
        metavar="RATE",
        kind=str,
        default=AUTO_RATE,
        convert=_frame_rate,
        harmless=True,
    )
    is_frame_true: bool = True
    speaker_style: SpeakerStyle = option(
        SpeakerStyle.AUTO,
        STYLE,
        "What cues show of speakers: name where somebody begins to speak; dash only where a cue holds two; "
        "none. Default: as the profile has it.",
        "--speaker-style",
        metavar="NAME",
        kind=str,
        default=SpeakerStyle.AUTO.value,
        convert=_speaker_style,
        is_added=True,
        harmless=True,
    )

    def __post_init__(self) -> None:
        width = self.max_line_width
        require(width is None or width >= 8, "--max-line-width must be at least 8", "--max-line-width")
        require(
            self.max_lines is None or 1 <= self.max_lines <= 4, "--max-lines must be 1 to 4", "--max-lines"
        )
        require(
            self.max_words is None or self.max_words >= 1, "--max-words must be at least 1", "--max-words"
        )
        require(self.max_cps is None or self.max_cps > 0, "--max-cps must be above 0", "--max-cps")
        self._check_times()

    def _check_times(self) -> None:
        for name, value_ms in (
            ("--min-duration", self.min_duration_ms),
            ("--max-duration", self.max_duration_ms),
        ):
            require(value_ms is None or value_ms > 0, f"{name} must be above 0", name)
        require(
            self.min_gap_ms is None or self.min_gap_ms >= 0, "--min-gap must not be negative", "--min-gap"
        )
        require(
            self.frame_rate is None or 1 <= self.frame_rate <= 1_000,
            "--fps must be auto, none or 1 to 1000 frames per second",
            "--fps",
        )
