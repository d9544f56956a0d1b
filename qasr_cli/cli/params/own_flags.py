"""The flags that are not fields of an option group: format switches, and flags that share a field.

A format's switch, its key and its help follow from its row in `formats.FORMATS`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from qasr_cli.formats import COMMON_FORMATS, FILE_FORMATS, FORMATS
from qasr_cli.options.flag import FORMATS as FORMAT_PANEL
from qasr_cli.options.flag import LOGGING, SELECTION, SPEECH, FlagSpec
from qasr_cli.options.harmless import is_own_text


def format_switches() -> tuple[FlagSpec, ...]:
    """Return a switch for every file format."""
    return tuple(
        FlagSpec(FORMAT_PANEL, FORMATS[name].summary, (f"--{name}",), kind=bool, default=False, harmless=True)
        for name in FILE_FORMATS
    )


def named_formats(flag: FlagSpec) -> FlagSpec:
    """Return `--output-format` with the formats added to its help."""
    listed = f"{', '.join(FILE_FORMATS)}, or all for {', '.join(COMMON_FORMATS)}"
    return replace(flag, help=f"{flag.help} LIST: {listed}, separated by commas.")


HOTWORDS = FlagSpec(
    SPEECH,
    "Names and terms to expect, separated by commas. @FILE reads one per line.",
    ("--hotwords",),
    metavar="WORD,...",
    default="",
    harmless=is_own_text,
)

DryRun = Annotated[
    bool,
    FlagSpec(
        SELECTION,
        "Print what a run would do with each file, and why. Nothing is transcribed or written.",
        ("--dry-run", "-n"),
        kind=bool,
        default=False,
        harmless=True,
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
Encoding = Annotated[
    str,
    FlagSpec(
        SPEECH,
        "Text encoding: cp949, cp1251, ... Default: UTF-8 or UTF-16 where the text is valid as such, else a "
        "guess, which is reported. The language in the file's name (film.ko.srt) helps.",
        ("--encoding",),
        metavar="NAME",
        default="",
        is_setting=False,
    ),
]
