"""Style guides: a table of profiles, each with the numbers of one guide.

In goes a name, out comes a `Profile`. Its numbers are those for English; `limits` scales them for languages
with narrower lines or slower readers.

Sources: Netflix Timed Text Style Guide (General Requirements, Timing Guidelines); BBC Subtitle Guidelines 3
to 6 (180 words a minute are 17 to 18 characters a second, 160 are 15); TED translators' cheat sheet;
for ARTE and short videos Subtitle Edit's profiles. Names of speakers: Netflix SDH (217350977, speaker IDs in
brackets), BBC (labels in capitals where colours cannot be used), TED (name and colon).
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from enum import StrEnum

from qasr_cli.errors import UsageError

LATIN_LINE_CELLS = 42  # the line width of the tables; other widths are scaled
LATIN_CPS = 20


class ReadingSpeed(StrEnum):
    """The reading speed of a language's preset that counts: by audience and kind of subtitles."""

    SPOKEN = "spoken"
    TRANSLATED = "translated"
    CHILDREN = "children"


class NameForm(StrEnum):
    """How a guide shows the name of whoever begins to speak."""

    NONE = "none"  # a dash, and that only where one cue holds two speakers
    BRACKETS = "brackets"  # [Anna] Yes.
    CAPITALS = "capitals"  # ANNA: Yes.
    COLON = "colon"  # Anna: Yes.


@dataclass(frozen=True, slots=True)
class Profile:
    """The numbers of one style guide; times in ms.

    Attributes:
        summary: One line for the help.
        reading_speed: Column of the language's preset that is the hard reading speed.
        line_cells: Maximum line width in Latin letters.
        cps: Hard and soft reading speed in Latin letters; None takes the preset's columns.
        min_gap_ms: Minimum gap between two cues; with a frame rate, `gap_frames` counts instead.
        chain_ms: A gap that is shorter than this, and not the minimum gap, is closed.
        lead_in_ms: How long before its speech a cue appears.
        linger_ms: How long it stays after its speech if there is room ...
        max_linger_ms: ... and at most, for slow readers.
        name_form: How names of speakers are shown, if they are told apart.
    """

    summary: str
    reading_speed: ReadingSpeed = ReadingSpeed.SPOKEN
    line_cells: int = LATIN_LINE_CELLS
    max_lines: int = 2
    cps: tuple[float, float] | None = None
    min_duration_ms: int = 833  # Netflix: 5/6 s
    max_duration_ms: int = 7_000
    min_gap_ms: int = 83  # two frames at 24 fps
    gap_frames: int = 2
    chain_ms: int = 500
    lead_in_ms: int = 40  # the aligner's mean error is 37 to 43 ms: this hides most late starts
    linger_ms: int = 500  # Netflix: the out-time may follow the audio by half a second
    max_linger_ms: int = 1_500  # BBC: never longer
    name_form: NameForm = NameForm.NONE


PROFILES: dict[str, Profile] = {
    "netflix-sdh": Profile(
        "Netflix, subtitles in the language that is spoken", name_form=NameForm.BRACKETS
    ),
    "netflix": Profile("Netflix, translated subtitles: slower", reading_speed=ReadingSpeed.TRANSLATED),
    "bbc": Profile(
        "BBC: 37 characters, 160 to 180 words a minute, pauses of a second or none",
        line_cells=37, cps=(18, 15), chain_ms=1_000, linger_ms=300, name_form=NameForm.CAPITALS,
    ),
    "ted": Profile(
        "TED and IWSLT: 21 characters a second",
        cps=(21, 18), min_duration_ms=1_000, name_form=NameForm.COLON,
    ),
    "arte": Profile(
        "ARTE: 40 characters, gaps of 200 ms",
        line_cells=40, cps=(20, 17), min_duration_ms=1_000, max_duration_ms=10_000, min_gap_ms=200,
        gap_frames=5,
    ),
    "shorts": Profile(
        "Short upright videos: 24 characters, quick, without gaps",
        line_cells=24, cps=(25, 20), min_duration_ms=700, max_duration_ms=5_000, min_gap_ms=0, gap_frames=0,
        linger_ms=300,
    ),
    "children": Profile(
        "Netflix, for children: 3 characters a second less",
        reading_speed=ReadingSpeed.CHILDREN, name_form=NameForm.BRACKETS,
    ),
    "verbatim": Profile(
        "Every word as it is said, however fast",
        cps=(30, 25), min_duration_ms=500, max_duration_ms=10_000, name_form=NameForm.COLON,
    ),
}  # fmt: skip


def find(name: str) -> Profile:
    """Return a profile.

    Raises:
        UsageError: The profile is unknown; the message suggests the nearest name.
    """
    try:
        return PROFILES[name.lower()]
    except KeyError:
        near = difflib.get_close_matches(name.lower(), PROFILES, 1, 0.4)
        meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(PROFILES)}"
        raise UsageError(f"no profile {name!r}: {meant}", flag="--profile") from None
