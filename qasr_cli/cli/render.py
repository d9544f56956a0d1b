"""`qasr render`: makes subtitles from existing transcripts or subtitles, without a model, in milliseconds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from qasr_cli.cli import typer_adapter
from qasr_cli.cli.params.grouped import Selection, grouped
from qasr_cli.cli.params.own_flags import Encoding
from qasr_cli.cli.typer_adapter import Operand
from qasr_cli.operating_system import streams
from qasr_cli.options import CueOptions, DecodeOptions, LogOptions, OutputOptions, SpeakerOptions

Transcripts = Annotated[
    list[Path],
    Operand("TRANSCRIPT...", "Transcripts as JSON (qasr, whisper, ...) or subtitles, or - for stdin."),
]

_SPOKEN = Selection(
    only=("language",),
    changed={
        "language": {
            "help": "Language of the text; it chooses one of several in SAMI and TTML. Default: detected."
        }
    },
)


@grouped
def command(
    inputs: Transcripts,
    *,
    output: Annotated[OutputOptions, Selection(without=("json_lines",))],
    cues: CueOptions,
    speakers: Annotated[SpeakerOptions, Selection(only=("speaker_names",))],
    encoding: Encoding = "",
    spoken: Annotated[DecodeOptions, _SPOKEN],
    log: Annotated[LogOptions, Selection(only=("quiet", "verbose"))],
) -> None:
    """Convert transcripts and subtitles to other formats or styles. No model is needed.

    Subtitles (SRT, WebVTT, ASS, TTML, SAMI, MicroDVD, ...) keep their cues and line breaks; their styling is
    left out.
    """
    where = output.beside_stdin() if any(map(streams.is_stream, inputs)) else output
    from qasr_cli.tasks import render
    from qasr_cli.tasks.caption_input import Reading

    reading = Reading(encoding, spoken.language, cues.frame_rate)
    looks = render.Looks(cues, speakers.names)
    raise typer_adapter.Exit(render.render(inputs, looks, where, reading, verbosity=log.verbosity))


app = typer_adapter.single(command)
