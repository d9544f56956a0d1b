"""`qasr serve`: from flags to options; the work is in `tasks.serve`, imported when needed."""

from __future__ import annotations

import threading
from typing import Annotated

from qasr_cli.cli import signals, typer_adapter
from qasr_cli.cli.params.grouped import Selection, grouped
from qasr_cli.errors import ExitCode
from qasr_cli.options import (
    ChunkOptions,
    CueOptions,
    DecodeOptions,
    EngineOptions,
    GuardOptions,
    LogOptions,
    MediaOptions,
    Options,
    RemoteOptions,
    ServeOptions,
    VadOptions,
)

EPILOG = """
Listens on this machine only, unless --host says otherwise. The flags of model, language and style are the
defaults of every request.

Runs until SIGTERM (exit code 143) or Ctrl-C (130): it takes no more requests then, and those under way have
--drain seconds to end. A second signal ends them at once. SIGHUP reads the keys again and reopens the log
file. The first line of stdout, if that is no terminal, is the address as JSON.
"""

# A request chooses its formats; files, selection and hooks are those of runs.
ServedOptions = Annotated[
    Options,
    Selection(
        only=(
            *(EngineOptions, RemoteOptions, DecodeOptions, GuardOptions, MediaOptions, ChunkOptions),
            *(VadOptions, CueOptions, "highlight_words", "workers"),
        )
    ),
]


@grouped
def command(*, options: ServedOptions, serving: ServeOptions, log: LogOptions) -> None:
    """Serve transcription over HTTP: OpenAI's interface, Bazarr, a web page, Home Assistant.

    All clients share one model, and their recordings its batches; short ones go first.
    """
    from qasr_cli.tasks import serve

    hasten = threading.Event()
    server = serve.Serving(options, serving, log, hasten)
    signals.allow(serving.drain_s)
    signals.hasten_with(hasten.set)
    signals.reload_on_hangup(server.reload)
    try:
        server.run()
    except KeyboardInterrupt:  # a server leaves nothing that the same command would continue
        raise SystemExit(ExitCode.INTERRUPTED) from None


app = typer_adapter.single(command, epilog=EPILOG)
