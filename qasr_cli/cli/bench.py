"""`qasr bench`: measures the stages on this machine; the work itself is in `tasks.bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from qasr_cli.cli import typer_adapter
from qasr_cli.cli.params.grouped import Selection, grouped
from qasr_cli.cli.typer_adapter import Operand
from qasr_cli.options import DecodeOptions, EngineOptions, FlagSpec, LogOptions, Options, RemoteOptions
from qasr_cli.options.flag import FORMATS, MODEL

EPILOG = """
RTFx is audio seconds per second: 10 means that an hour takes 6 minutes. The stages are measured one after the
other; a run decodes the next files while the models work.
"""

Media = Annotated[
    Path | None,
    Operand("FILE", "A recording with speech. Default: a talk of 18 s that ships with qasr."),
]
Json = Annotated[
    bool,
    FlagSpec(FORMATS, "Print the figures as JSON.", ("--json",), kind=bool, default=False, is_setting=False),
]
Seconds = Annotated[
    float,
    FlagSpec(
        MODEL,
        "Time for batches of several chunks. 0: single chunks only.",
        ("--batch-seconds",),
        metavar="SECONDS",
        kind=float,
        default=30.0,
        is_setting=False,
    ),
]
_CHANGED = {
    "batch_size": {"help": "Maximum chunks in a batch. Default: as many as fit into memory and time."},
    "device": {"help": "auto, cpu, cuda, cuda:N or mps. Of several, the first is measured."},
}


@grouped
def command(
    media: Media = None,
    *,
    engine: Annotated[EngineOptions, Selection(without=("offline", RemoteOptions), changed=_CHANGED)],
    spoken: Annotated[DecodeOptions, Selection(only=("language",))],
    batch_seconds: Seconds = 30.0,
    as_json: Json = False,
    log: Annotated[LogOptions, Selection(only=("quiet", "verbose"))],
) -> None:
    """Measure what this machine gives with a model: each stage, batches, memory, and what limits it.

    No model is downloaded: without the default model the toy model demo is measured.
    """
    from qasr_cli.tasks import bench

    options = Options(engine=engine, decode=spoken)
    request = bench.BenchRequest(options, media, batch_seconds, as_json)
    bench.bench(request, verbosity=log.verbosity)


app = typer_adapter.single(command, epilog=EPILOG)
