"""What `qasr watch` does once its flags are read: everything is put together here and runs until a signal.

In go folders and options; out comes an error or a signal's exit code, and never anything else.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from qasr_cli import engines
from qasr_cli.cli.jobs import Work, one_pass, with_known_formats
from qasr_cli.cli.telling import begin
from qasr_cli.engines import memory
from qasr_cli.errors import NoInputError, UsageError
from qasr_cli.options import InputOptions, LogOptions, Options, WatchOptions
from qasr_cli.runs.reports import hook_reporter
from qasr_cli.runs.reports.status_file import StatusFile
from qasr_cli.runs.reports.summary import Report
from qasr_cli.runs.watch.engine_cache import EngineCache
from qasr_cli.runs.watch.file_events import FileEvents
from qasr_cli.runs.watch.loop import Sift, Watch
from qasr_cli.terminal import stdio
from qasr_cli.terminal.progress import Both

_S_PER_MIN = 60


def watch(folders: Sequence[Path], options: Options, watching: WatchOptions, log: LogOptions) -> NoReturn:
    """Watch folders until a signal.

    Raises:
        NoInputError: One of them does not exist.
        UsageError: One of them is no folder.
        QasrError: The watch cannot begin, or not go on.
    """
    stdout = stdio.guard()
    make_reporter = begin(log, [])
    options = replace(options, output=with_known_formats(options.output))
    for folder in folders:
        _check(folder)
    status = StatusFile(watching.status, folders)
    status.open()
    memory.prepare()
    engines.refuse_unknown_languages(options.engine, options.decode)
    load = functools.partial(engines.load, options.engine, options.guard.rescue_model)
    own_files = [Path(name) for name in (watching.status, log.log_file) if name]
    kept = EngineCache(load, memory.reclaim, watching.idle_unload_min * _S_PER_MIN)
    with (
        hook_reporter.hooked(options.hooks, is_strict=options.run.is_strict) as hooks,
        FileEvents(folders, watching, options.run.state_folder, own_files) as changes,
    ):
        work = Work(options, kept, lambda: Both(make_reporter(), hooks, status), stdout.write)

        def look(present: Sequence[Path], sift: Sift) -> Report:
            with hooks.run():
                try:
                    return one_pass(InputOptions(present), work, sift)
                except NoInputError:  # no media yet, or a folder that goes away in this moment
                    return Report()

        Watch(watching, look, changes, kept, status).run()


def _check(folder: Path) -> None:
    if not folder.exists():
        raise NoInputError(f"{folder}: no such folder", "create or mount it first; later it may come and go")
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder", "transcribe a file with: qasr transcribe")
