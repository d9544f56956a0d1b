"""Whose rules the cues are made by: a table of profiles, each one house's numbers.

In goes a name, out comes a `Profile`. A profile says what it asks for in English; languages whose lines are
narrower or whose readers are slower are scaled in `limits`.

Sources: Netflix Timed Text Style Guide (General Requirements, Timing Guidelines); BBC Subtitle Guidelines 3
to 6 (180 words a minute are 17 to 18 characters a second, 160 are 15); TED translators' cheat sheet;
for ARTE and short videos Subtitle Edit's profiles.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from enum import StrEnum

from qasr_cli.errors import UsageError

LATIN_LINE_CELLS = 42  # what the tables' widths are meant for; other lines are scaled by their own width
LATIN_CPS = 20


class Reader(StrEnum):
    """Whose reading speed of a language's preset counts."""

    SPOKEN = "spoken"
    TRANSLATED = "translated"
    CHILDREN = "children"


@dataclass(frozen=True, slots=True)
class Profile:
    """One house's numbers; times in ms.

    Attributes:
        summary: One line for the help.
        reader: Which column of the language's preset the hard reading speed is.
        line_cells: Widest line in Latin letters.
        cps: Hard and soft reading speed in Latin letters, or None: those of the preset's columns.
        min_gap_ms: Between two cues; with a known frame rate `gap_frames` say it exactly.
        chain_ms: A gap that is shorter than this, and not the least gap, is closed.
        lead_in_ms: How long before its speech a cue appears.
        linger_ms: How long it stays after its speech where there is room ...
        max_linger_ms: ... and at most, for slow readers.
    """

    summary: str
    reader: Reader = Reader.SPOKEN
    line_cells: int = LATIN_LINE_CELLS
    max_lines: int = 2
    cps: tuple[float, float] | None = None
    min_duration_ms: int = 833  # Netflix: 5/6 s
    max_duration_ms: int = 7_000
    min_gap_ms: int = 83  # two frames at 24 fps
    gap_frames: int = 2
    chain_ms: int = 500
    lead_in_ms: int = 40  # the aligner's mean error is 37 to 43 ms: most late onsets go, unseen
    linger_ms: int = 500  # Netflix: the out-time may follow the audio by half a second
    max_linger_ms: int = 1_500  # BBC: never longer


PROFILES: dict[str, Profile] = {
    "netflix-sdh": Profile("Netflix, subtitles in the language that is spoken"),
    "netflix": Profile("Netflix, translated subtitles: slower", reader=Reader.TRANSLATED),
    "bbc": Profile(
        "BBC: 37 characters, 160 to 180 words a minute, pauses of a second or none",
        line_cells=37, cps=(18, 15), chain_ms=1_000, linger_ms=300,
    ),
    "ted": Profile("TED and IWSLT: 21 characters a second", cps=(21, 18), min_duration_ms=1_000),
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
    "children": Profile("Netflix, for children: 3 characters a second less", reader=Reader.CHILDREN),
    "verbatim": Profile(
        "Every word as it is said, however fast",
        cps=(30, 25), min_duration_ms=500, max_duration_ms=10_000,
    ),
}  # fmt: skip


def find(name: str) -> Profile:
    """Return a profile.

    Raises:
        UsageError: There is none of that name; the nearest is named.
    """
    try:
        return PROFILES[name.lower()]
    except KeyError:
        near = difflib.get_close_matches(name.lower(), PROFILES, 1, 0.4)
        meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(PROFILES)}"
        raise UsageError(f"no profile {name!r}: {meant}", flag="--profile") from None
