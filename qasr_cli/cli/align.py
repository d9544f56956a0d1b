"""`qasr align`: words of a script that exists get their times; the work itself is in `jobs`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from qasr_cli import languages
from qasr_cli.cli import choices, flags, telling
from qasr_cli.cli.flags import DEFAULTS
from qasr_cli.options import DecodeOptions, EngineOptions, MediaOptions, Options, PictureOptions

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


def command(
    media: Media,
    script: Script,
    srt: flags.Srt = False,
    vtt: flags.Vtt = False,
    json: flags.Json = False,
    txt: flags.Txt = False,
    tsv: flags.Tsv = False,
    output_format: flags.OutputFormat = "",
    output: flags.Output = "",
    overwrite: flags.Overwrite = DEFAULTS.output.is_overwrite,
    report: ReportFile = None,
    language: flags.Language = languages.AUTO,
    audio_track: flags.AudioTrack = DEFAULTS.media.audio_track,
    model: flags.Model = DEFAULTS.engine.model,
    aligner: flags.Aligner = DEFAULTS.engine.aligner,
    revision: flags.Revision = "",
    offline: flags.Offline = DEFAULTS.engine.is_offline,
    device: flags.Device = DEFAULTS.engine.device,
    dtype: flags.Dtype = DEFAULTS.engine.dtype,
    batch_size: flags.BatchSize = DEFAULTS.engine.batch_size,
    engine: flags.Engine = DEFAULTS.engine.engine,
    shots: flags.Shots = DEFAULTS.picture.is_finding_shots,
    progress: flags.Progress = "auto",
    log_file: telling.LogFile = "",
    log_format: telling.LogFormat = "text",
    quiet: flags.Quiet = False,
    verbose: flags.Verbose = 0,
) -> None:
    """Find when each word of a script is said, in recordings of any length.

    The recording is recognised first, so cuts, repeats, music and ad-libs do not matter.

    Subtitles (SRT, WebVTT) keep their words and their cues and get new times.
    """
    names = choices.format_names(output_format, srt=srt, vtt=vtt, json=json, txt=txt, tsv=tsv)
    found = languages.parse(language)
    options = Options(
        media=replace(MediaOptions(), audio_track=audio_track),
        decode=DecodeOptions(found.code if found else None),
        picture=PictureOptions(shots),
        output=choices.output_options(output, names, is_from_stdin=False, overwrite=overwrite),
        engine=EngineOptions(model, aligner, device, dtype, engine, batch_size, revision or None, offline),
    )
    from qasr_cli.cli import following

    job = following.Job(media, script, report)
    told = telling.Telling(progress, -1 if quiet else verbose, log_file, log_format)
    raise typer.Exit(following.align(job, options, told))
