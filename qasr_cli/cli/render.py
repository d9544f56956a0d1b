"""`qasr render`: transcripts that exist become subtitles again, without a model and in milliseconds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from qasr_cli.cli import choices, flags
from qasr_cli.cli.flags import DEFAULTS
from qasr_cli.languages import AUTO

Transcripts = Annotated[
    list[Path],
    typer.Argument(
        metavar="TRANSCRIPT...",
        help="JSON files that qasr transcribe --json wrote; [bold]-[/] reads one from stdin.",
        show_default=False,
    ),
]


def command(
    inputs: Transcripts,
    srt: flags.Srt = False,
    vtt: flags.Vtt = False,
    json: flags.Json = False,
    txt: flags.Txt = False,
    tsv: flags.Tsv = False,
    output_format: flags.OutputFormat = "",
    highlight_words: flags.HighlightWords = DEFAULTS.output.is_highlighting,
    output: flags.Output = "",
    overwrite: flags.Overwrite = DEFAULTS.output.is_overwrite,
    profile: flags.Profile = DEFAULTS.cue.profile,
    max_line_width: flags.MaxLineWidth = DEFAULTS.cue.max_line_cells,
    max_lines: flags.MaxLines = DEFAULTS.cue.max_lines,
    max_words: flags.MaxWords = DEFAULTS.cue.max_words,
    max_cps: flags.MaxCps = DEFAULTS.cue.max_cps,
    min_duration: flags.MinDuration = None,
    max_duration: flags.MaxDuration = None,
    min_gap: flags.MinGap = None,
    fps: flags.Fps = AUTO,
    quiet: flags.Quiet = False,
    verbose: flags.Verbose = 0,
) -> None:
    """Make subtitles from JSON transcripts again, in other formats or with other limits; needs no model."""
    where = choices.output_options(
        output,
        choices.format_names(output_format, srt=srt, vtt=vtt, json=json, txt=txt, tsv=tsv),
        is_from_stdin=Path(choices.STDIO) in inputs,
        overwrite=overwrite,
    )
    cues = choices.cue_options(
        profile,
        (max_line_width, max_lines, max_words),
        max_cps,
        (min_duration, max_duration, min_gap),
        fps,
    )
    from qasr_cli.cli import jobs

    where = replace(where, is_highlighting=highlight_words)
    raise typer.Exit(jobs.render(inputs, cues, where, verbosity=-1 if quiet else verbose))
