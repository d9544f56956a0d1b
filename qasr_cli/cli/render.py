"""`qasr render`: makes subtitles from existing transcripts, without a model and in milliseconds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from qasr_cli.cli import typer_adapter
from qasr_cli.cli.params.grouped import Selection, grouped
from qasr_cli.cli.typer_adapter import Operand
from qasr_cli.operating_system import streams
from qasr_cli.options import CueOptions, LogOptions, OutputOptions

Transcripts = Annotated[
    list[Path],
    Operand("TRANSCRIPT...", "JSON files of qasr transcribe --json, or - for stdin."),
]


@grouped
def command(
    inputs: Transcripts,
    *,
    output: Annotated[OutputOptions, Selection(without=("json_lines",))],
    cues: CueOptions,
    log: Annotated[LogOptions, Selection(only=("quiet", "verbose"))],
) -> None:
    """Convert JSON transcripts to subtitles, in other formats or styles. No model is needed."""
    where = output.beside_stdin() if any(map(streams.is_stream, inputs)) else output
    from qasr_cli.tasks import render

    raise typer_adapter.Exit(render.render(inputs, cues, where, verbosity=log.verbosity))


app = typer_adapter.single(command)
