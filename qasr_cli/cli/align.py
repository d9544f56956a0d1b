"""`qasr align`: words of a script that exists get their times; the work itself is in `tasks.align`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from qasr_cli import languages
from qasr_cli.cli import flags
from qasr_cli.cli.flag import grouped
from qasr_cli.cli.flags import DEFAULTS
from qasr_cli.cli.groups import EngineFlags, FormatFlags, PlaceFlags
from qasr_cli.cli.telling import Telling
from qasr_cli.options import DecodeOptions, MediaOptions, Options, PictureOptions

EPILOG = (
    "Words that are said and not written, and lines that are written and not said, do not derail the rest. "
    "Exit 4: the script is of another recording, in another language, or too long to be said in the time."
)
Media = Annotated[Path, typer.Argument(metavar="MEDIA", help="The recording.", show_default=False)]
Script = Annotated[
    Path,
    typer.Argument(
        metavar="SCRIPT",
        help="What is said in it: plain text, or an SRT file, whose cues are kept and timed anew; "
        "[bold]-[/] reads it from stdin.",
        show_default=False,
    ),
]
ReportFile = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="FILE",
        help="Write as JSON which lines nobody says and what is said beside the script.",
        show_default=False,
    ),
]


@grouped
def command(
    parsed: typer.Context,
    media: Media,
    script: Script,
    *,
    formats: FormatFlags,
    place: PlaceFlags,
    report: ReportFile = None,
    language: flags.Language = languages.AUTO,
    audio_track: flags.AudioTrack = DEFAULTS.media.audio_track,
    engine: EngineFlags,
    shots: flags.Shots = DEFAULTS.picture.shots,
    told: Telling,
) -> None:
    """Find when each word of a script is said, in recordings of any length.

    The recording is recognised first, so cuts, repeats, music and ad-libs do not matter.

    Subtitles (SRT, WebVTT) keep their words and their cues and get new times.
    """
    found = languages.parse(language)
    options = Options(
        media=replace(MediaOptions(), audio_track=audio_track),
        decode=DecodeOptions(found.code if found else None),
        picture=PictureOptions(shots),
        output=place.options(formats.chosen(parsed).names),
        engine=engine.options(),
    )
    from qasr_cli.tasks import align

    inputs = align.AlignInputs(media, script, report)
    raise typer.Exit(align.align(inputs, options, told.options()))
