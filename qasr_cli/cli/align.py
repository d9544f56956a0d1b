"""`qasr align`: times the words of an existing script; the work itself is in `tasks.align`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from qasr_cli.cli import typer_adapter
from qasr_cli.cli.params.grouped import Selection, grouped
from qasr_cli.cli.params.own_flags import Encoding
from qasr_cli.cli.typer_adapter import Operand
from qasr_cli.options import (
    AlignOptions,
    EngineOptions,
    FlagSpec,
    LogOptions,
    Options,
    OutputOptions,
    RemoteOptions,
)
from qasr_cli.options.flag import LOGGING

EPILOG = """
Words that are spoken but not written, and lines that are written but not spoken, do not
disturb the rest.

Exit code 4: the script belongs to another recording or language, or is too long for the recording.
"""

Media = Annotated[Path, Operand("MEDIA", "The recording, or - for stdin.")]
Script = Annotated[
    Path,
    Operand(
        "SCRIPT",
        "Its text, or - for stdin: plain text, or subtitles of any format, which keep their cues.",
    ),
]
ReportFile = Annotated[
    Path | None,
    FlagSpec(
        LOGGING,
        "Write a JSON report of script lines that are not spoken and speech that is not in the script.",
        ("--report",),
        metavar="FILE",
        kind=Path,
        is_setting=False,
    ),
]
ScriptOptions = Annotated[
    Options,
    Selection(
        only=(OutputOptions, EngineOptions, RemoteOptions, "language", "audio_track", "shots", "state"),
        without=("json_lines", "highlight_words"),
        changed={
            "overwrite": {"help": "Replace existing results."},
            "state": {
                "help": "Folder for the checkpoint, which is removed when the results are written. "
                "Default: .qasr in the -o folder, or beside the media."
            },
        },
    ),
]


@grouped
def command(
    media: Media,
    script: Script,
    *,
    options: ScriptOptions,
    encoding: Encoding = "",
    log: LogOptions,
    report: ReportFile = None,
) -> None:
    """Find when each word of a script is spoken, in recordings of any length.

    The recording is transcribed first, so cuts, repeats, music and ad-libs do no harm.

    Subtitles (SRT, WebVTT, ASS, SAMI, ...) keep their words and cues and get new times.
    """
    from qasr_cli.tasks import align

    options = replace(options, align=AlignOptions())
    raise typer_adapter.Exit(align.align(align.AlignInputs(media, script, report, encoding), options, log))


app = typer_adapter.single(command, epilog=EPILOG)
