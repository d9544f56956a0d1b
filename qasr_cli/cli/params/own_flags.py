"""The flags that are no field of an option group: format switches, and what several flags say together.

A format's switch follows from its row below, so that a new format gets its flag, its key and its help.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from qasr_cli.options.flag import FORMATS, LOGGING, SELECTION, SPEECH, FlagSpec

# The file formats, name and help. `formats.FORMATS` has the writers, which load what --help does without;
# a test holds the two together.
FORMAT_HELP = {
    "srt": "SubRip subtitles (the default).",
    "vtt": "WebVTT subtitles with a timestamp before every word.",
    "json": "The whole transcript: words with times, segments, cues.",
    "txt": "Plain text without times.",
    "tsv": "One row per cue: start and end in milliseconds, text.",
}


def format_switches() -> tuple[FlagSpec, ...]:
    """Return a switch for every file format."""
    return tuple(
        FlagSpec(FORMATS, text, (f"--{name}",), kind=bool, default=False)
        for name, text in FORMAT_HELP.items()
    )


def named_formats(flag: FlagSpec) -> FlagSpec:
    """Return `--output-format` with the formats in its help, which its option does not know."""
    return replace(flag, help=f"{flag.help} LIST: {', '.join(FORMAT_HELP)} or all, separated by commas.")


HOTWORDS = FlagSpec(
    SPEECH,
    "Names and terms to expect, separated by commas. @FILE reads one per line.",
    ("--hotwords",),
    metavar="WORD,...",
    default="",
)

DryRun = Annotated[
    bool,
    FlagSpec(
        SELECTION,
        "Print what a run would do with each file, and why. Nothing is transcribed or written.",
        ("--dry-run", "-n"),
        kind=bool,
    ),
]
ReportFile = Annotated[
    Path | None,
    FlagSpec(
        LOGGING,
        "Write a run report (FILE.json, or FILE.html with plots), even if the run is interrupted.",
        ("--report",),
        metavar="FILE",
        kind=Path,
    ),
]
