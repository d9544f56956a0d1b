"""`qasr render`: transcripts that exist become subtitles again, without a model and in milliseconds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from qasr_cli.cli import flags
from qasr_cli.cli.choices import STDIO
from qasr_cli.cli.flag import grouped
from qasr_cli.cli.flags import DEFAULTS
from qasr_cli.cli.groups import CueFlags, FormatFlags, PlaceFlags

Transcripts = Annotated[
    list[Path],
    typer.Argument(
        metavar="TRANSCRIPT...",
        help="JSON files that qasr transcribe --json wrote; [bold]-[/] reads one from stdin.",
        show_default=False,
    ),
]


@grouped
def command(
    parsed: typer.Context,
    inputs: Transcripts,
    *,
    formats: FormatFlags,
    highlight_words: flags.HighlightWords = DEFAULTS.output.highlight_words,
    place: PlaceFlags,
    cue: CueFlags,
    quiet: flags.Quiet = False,
    verbose: flags.Verbose = 0,
) -> None:
    """Make subtitles from JSON transcripts again, in other formats or with other limits; needs no model."""
    where = place.options(formats.chosen(parsed).names, is_from_stdin=Path(STDIO) in inputs)
    cues = cue.options()
    from qasr_cli.tasks import render

    where = replace(where, highlight_words=highlight_words)
    raise typer.Exit(render.render(inputs, cues, where, verbosity=-1 if quiet else verbose))
