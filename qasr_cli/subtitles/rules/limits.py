"""The limits of one text's cues: profile, language and the user's flags combined.

In go `CueOptions`, a language (or a text, if the language is unknown) and the frame rate; out come `Limits`,
complete numbers. They are resolved once per text and passed on; no other module reads `CueOptions`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from qasr_cli.errors import UsageError
from qasr_cli.options import CueOptions
from qasr_cli.records import Transcript, Video
from qasr_cli.subtitles.rules import profiles, speaker_marks
from qasr_cli.subtitles.rules.presets import Preset, preset
from qasr_cli.subtitles.rules.profiles import LATIN_CPS, LATIN_LINE_CELLS, Profile, ReadingSpeed
from qasr_cli.subtitles.rules.speaker_marks import SpeakerMarks
from qasr_cli.subtitles.rules.width import HALF_CELLS_PER_CELL, Counting
from qasr_cli.timebase import MS_PER_S

MIN_LINE_CELLS = 8
SLOWEST_RATE = 20  # frames a second; no film or broadcast has fewer
HARD_PAUSE_MS = 1_500  # BBC 6: text is not shown during more than 1.5 s of silence


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one text's cues; times in ms, speeds in cells a second.

    Attributes:
        max_words: Maximum words in a cue; None for as many as fit.
        frame_rate: Frame rate that times are rounded to, or None.
        shots_ms: Shot changes, in order.
        counting: How cells are counted.
        is_spaced: Words are written with spaces between them.
        speakers: What a cue shows of its speakers.

    The rest is explained in `profiles.Profile`.
    """

    max_line_cells: int
    max_lines: int
    max_words: int | None
    hard_cps: float
    soft_cps: float
    min_duration_ms: int
    max_duration_ms: int
    min_gap_ms: int
    chain_ms: int
    lead_in_ms: int
    linger_ms: int
    max_linger_ms: int
    frame_rate: Fraction | None
    shots_ms: tuple[int, ...]
    counting: Counting
    is_spaced: bool
    speakers: SpeakerMarks

    @property
    def max_half_cells(self) -> int:
        """Width of a line in half cells."""
        return self.max_line_cells * HALF_CELLS_PER_CELL

    @property
    def hard_rate(self) -> float:
        """Maximum half cells a second; a faster cue is flagged."""
        return self.hard_cps * HALF_CELLS_PER_CELL

    @property
    def soft_rate(self) -> float:
        """Half cells a second that cue durations aim at, if there is time."""
        return self.soft_cps * HALF_CELLS_PER_CELL


def resolve(
    options: CueOptions,
    language: str | None,
    texts: Iterable[str] = (),
    frame_rate: Fraction | None = None,
    shots_ms: tuple[int, ...] = (),
) -> Limits:
    """Return the limits of a text.

    Args:
        options: The user's options; None in them means the profile's number for the language.
        language: Code; None takes the script of `texts`.
        texts: The text itself; used only if the language is unknown.
        frame_rate: Frame rate of the video; that of the options has priority.
        shots_ms: Shot changes of the video.

    Raises:
        UsageError: The profile does not exist, or limits contradict each other.
    """
    profile, language_preset = profiles.find(options.profile), preset(language, texts)
    hard_cps, soft_cps = _speeds(profile, language_preset)
    if options.max_cps is not None:
        hard_cps, soft_cps = options.max_cps, min(soft_cps, options.max_cps)
    rate = _rate(options, frame_rate)
    min_gap_ms = profile.min_gap_ms
    if rate is not None:
        # Down, so that the gap is never more frames than that; `frame_grid` counts them.
        min_gap_ms = int(profile.gap_frames * MS_PER_S / rate)
    limits = Limits(
        max_line_cells=options.max_line_width or _line_cells(profile, language_preset),
        max_lines=options.max_lines or profile.max_lines,
        max_words=options.max_words,
        hard_cps=hard_cps,
        soft_cps=soft_cps,
        min_duration_ms=_first(options.min_duration_ms, _min_duration_ms(profile, language_preset)),
        max_duration_ms=_first(options.max_duration_ms, profile.max_duration_ms),
        min_gap_ms=_first(options.min_gap_ms, min_gap_ms),
        chain_ms=profile.chain_ms,
        lead_in_ms=profile.lead_in_ms,
        linger_ms=profile.linger_ms,
        max_linger_ms=profile.max_linger_ms,
        frame_rate=rate,
        shots_ms=shots_ms,
        counting=language_preset.counting,
        is_spaced=language_preset.is_spaced,
        speakers=speaker_marks.resolve(options.speaker_style, profile.name_form, language),
    )
    if limits.min_duration_ms > limits.max_duration_ms:
        raise UsageError(
            f"cues of at least {limits.min_duration_ms / MS_PER_S:g} s cannot be at most "
            f"{limits.max_duration_ms / MS_PER_S:g} s: give --min-duration and --max-duration that agree",
            flag="--max-duration" if options.min_duration_ms is None else "--min-duration",
        )
    return limits


def of_transcript(transcript: Transcript, options: CueOptions) -> Limits:
    """Return the limits of a transcript's cues, by its language, words and video.

    Raises:
        UsageError: As for `resolve`.
    """
    video = transcript.video or Video()
    texts = (word.text for word in transcript.words)
    return resolve(options, transcript.language, texts, video.frame_rate, video.shots_ms)


def _rate(options: CueOptions, of_video: Fraction | None) -> Fraction | None:
    """Return the frame rate that times are rounded to, if any: the user's, else the video's."""
    if options.frame_rate is not None or not options.is_frame_true:
        return options.frame_rate if options.is_frame_true else None
    # A slide show's frames are too long to wait for: players show a cue between them.
    return of_video if of_video is not None and of_video >= SLOWEST_RATE else None


def _first(chosen: int | None, other: int) -> int:
    return other if chosen is None else chosen


def _min_duration_ms(profile: Profile, language_preset: Preset) -> int:
    # Japanese words are short and their cues may be: 0.5 s where others need 5/6 (Netflix 215767517).
    return min(profile.min_duration_ms, language_preset.min_duration_ms or profile.min_duration_ms)


def _line_cells(profile: Profile, language_preset: Preset) -> int:
    return max(MIN_LINE_CELLS, round(language_preset.line_cells * profile.line_cells / LATIN_LINE_CELLS))


def _speeds(profile: Profile, language_preset: Preset) -> tuple[float, float]:
    """Return the hard and the soft reading speed of a language under a profile."""
    if profile.cps is not None:
        hard, soft = profile.cps
        return hard * language_preset.spoken_cps / LATIN_CPS, soft * language_preset.spoken_cps / LATIN_CPS
    hard = {
        ReadingSpeed.SPOKEN: language_preset.spoken_cps,
        ReadingSpeed.TRANSLATED: language_preset.translated_cps,
        ReadingSpeed.CHILDREN: language_preset.children_cps,
    }[profile.reading_speed]
    # The speed of translated subtitles is lower: cues with enough time are shown at that speed.
    soft = language_preset.translated_cps * hard / language_preset.spoken_cps
    return float(hard), soft
