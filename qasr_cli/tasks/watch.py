"""`qasr watch`: transcribes new files in folders until a signal.

In go folders and options; nothing comes out but an error or a signal's exit code.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from qasr_cli import engines
from qasr_cli.engines import memory
from qasr_cli.errors import NoInputError, UnreachableError, UsageError
from qasr_cli.operating_system import processes
from qasr_cli.options import InputOptions, LogOptions, Options, WatchOptions
from qasr_cli.pipeline.engine_cache import EngineCache
from qasr_cli.runs.reports import hook_reporter
from qasr_cli.runs.reports.status_file import StatusFile
from qasr_cli.runs.reports.summary import RunReport
from qasr_cli.runs.watch.file_events import FileEvents
from qasr_cli.runs.watch.loop import Watch
from qasr_cli.tasks import observers, outputs, telling_apart
from qasr_cli.tasks.run_pass import PassSettings, Sift, run_pass
from qasr_cli.terminal import stdio
from qasr_cli.terminal.progress import Both

_S_PER_MIN = 60


def watch(folders: Sequence[Path], options: Options, watching: WatchOptions, log: LogOptions) -> NoReturn:
    """Watch folders until a signal.

    Raises:
        NoInputError: A folder does not exist.
        UsageError: A path is not a folder.
        QasrError: The watch cannot begin or cannot continue.
    """
    processes.require_posix()
    stdout = stdio.guard()
    make_reporter = observers.set_up(log, [])
    layout = outputs.resolve(options.output)
    options = replace(options, output=layout.options)
    for folder in folders:
        _check(folder)
    status = StatusFile(watching.status, folders)
    own_files = [Path(name) for name in (watching.status, log.log_file) if name]
    processes.at_stop(status.stop)
    with status.kept():
        memory.prepare()
        engines.refuse_unknown_languages(options.engine, options.decode)
        telling_apart.refuse_impossible(options)
        load = functools.partial(engines.load, options.engine, options.guard.fallback_model)
        cache = EngineCache(load, memory.reclaim, watching.idle_unload_min * _S_PER_MIN)
        with (
            hook_reporter.hooked(options.hooks, is_strict=options.run.strict) as hooks,
            FileEvents(folders, watching, options.run.state, own_files) as changes,
        ):
            settings = PassSettings(
                options, layout, cache, lambda: Both(make_reporter(), hooks, status), stdout.write
            )

            def make_pass(present: Sequence[Path], sift: Sift) -> RunReport:
                with hooks.run():
                    try:
                        return run_pass(InputOptions(present), settings, sift)
                    except (NoInputError, UnreachableError):  # no media yet, or a folder just vanished
                        return RunReport()

            Watch(watching, make_pass, changes, cache, status).run()


def _check(folder: Path) -> None:
    if not os.path.exists(folder):
        hint = "create or mount it first; it may vanish later"
        raise NoInputError(f"{folder}: no such folder", hint, path=folder)
    if not os.path.isdir(folder):
        raise UsageError(f"{folder}: not a folder", "transcribe a file with: qasr transcribe", path=folder)
