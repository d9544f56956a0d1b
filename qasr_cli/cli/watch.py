"""`qasr watch`: from flags to options; the work itself is in `tasks.watch`, imported when needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from qasr_cli.cli import signals, typer_adapter
from qasr_cli.cli.params.grouped import Selection, grouped
from qasr_cli.cli.typer_adapter import Operand
from qasr_cli.errors import UsageError
from qasr_cli.options import LogOptions, Options, WatchOptions

EPILOG = """
Runs until SIGTERM (exit code 143) or Ctrl-C (130), and prints nothing while idle. SIGHUP reopens the log
file.

Spellings of whisper, variables and qasr.toml work as for qasr transcribe. A systemd unit and examples for
hooks: docs/how-to/services.md.
"""

Folders = Annotated[list[Path], Operand("FOLDER...", "Folders to watch, with their subfolders.")]
# A pass always searches subfolders and waits for another run; JSON lines need stdout; a cluster's actors
# would load the model for each pass.
WatchedOptions = Annotated[
    Options,
    Selection(
        without=(
            *("recursive", "settle", "limit", "json_lines", "retries", "wait"),
            *("cluster", "cluster_cpus"),
        ),
        changed={
            "output": {
                "metavar": "DIR",
                "help": "Folder for the results; the tree of each watched folder is mirrored. Default: "
                "beside the media.",
            },
            "strict": {"help": "Count a file as failed if its cues break a hard rule."},
        },
    ),
]


@grouped
def command(folders: Folders, *, options: WatchedOptions, watching: WatchOptions, log: LogOptions) -> None:
    """Watch folders and transcribe new media files.

    Files that are there already come first. The model stays loaded between files and is unloaded when idle.
    """
    if options.output.is_stdout:
        raise UsageError(
            "qasr watch writes files and nothing to stdout",
            "name a folder with -o, or leave it out",
            flag="--output",
        )
    options = replace(
        options,
        find=replace(options.find, recursive=True, settle_s=watching.settle_s),
        run=replace(options.run, wait=True),
    )
    from qasr_cli.terminal import logs

    signals.allow_for_hooks(options.hooks.timeout_s)
    signals.reload_on_hangup(logs.reopen)  # before what takes long to import
    from qasr_cli.tasks import watch

    watch.watch(folders, options, watching, log)


app = typer_adapter.single(command, epilog=EPILOG)
