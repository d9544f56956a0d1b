"""Options of speakers: whether they are told apart, how many there are, their names.

The number changes a transcript, so it is part of its fingerprint; names only change how it is shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from qasr_cli.errors import UsageError
from qasr_cli.options.flag import SPEECH, STYLE, option

MAX_SPEAKERS = 20
_COUNT = re.compile(r"(\d{1,3})(?:-(\d{1,3}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class SpeakerCount:
    """How many speakers there are: at least and at most; the range of `auto` is 1 to `MAX_SPEAKERS`."""

    least: int = 1
    most: int = MAX_SPEAKERS


def speaker_count(text: str) -> SpeakerCount | None:
    """Return the number of speakers that a text means; None for no diarization.

    Raises:
        UsageError: It is none of `auto`, `none`, N and N-M.
    """
    if text.lower() in {"", "none"}:
        return None
    if text.lower() == "auto":
        return SpeakerCount()
    match = _COUNT.fullmatch(text)
    least, most = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= least <= most <= MAX_SPEAKERS:
        raise UsageError(
            f"--speakers {text}: give auto, none, a number from 1 to {MAX_SPEAKERS}, or a range such as 2-4",
            flag="--speakers",
        )
    return SpeakerCount(least, most)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",")) if text.strip() else ()


@dataclass(frozen=True, slots=True)
class SpeakerOptions:
    """Diarization: who speaks when. `count` None does not tell speakers apart."""

    count: SpeakerCount | None = option(
        None,
        SPEECH,
        "Tell speakers apart: auto, their number, or a range such as 2-4. Needs the extra speakers.",
        "--speakers",
        metavar="N|auto",
        kind=str,
        default="",
        convert=speaker_count,
        is_added=True,
        harmless=True,
    )
    names: tuple[str, ...] = option(
        (),
        STYLE,
        "Names of the speakers in the order in which they first speak, separated by commas. Default: S1, S2, "
        "and so on.",
        "--speaker-names",
        metavar="NAME,...",
        kind=str,
        default="",
        convert=_names,
        harmless=True,
    )

    def fingerprinted(self) -> dict[str, object]:
        """Return what changes a transcript: the number, and not the names."""
        return {"speakers": [self.count.least, self.count.most] if self.count else None}
