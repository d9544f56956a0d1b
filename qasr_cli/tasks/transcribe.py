"""`qasr transcribe`: media to subtitles, once.

In go inputs and options; out comes an exit code. The heavy packages are imported here and not earlier, so
that `qasr --help` never imports them.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from qasr_cli import engines
from qasr_cli.errors import UsageError
from qasr_cli.operating_system import processes
from qasr_cli.options import InputOptions, LogOptions, Options
from qasr_cli.runs.execution.lanes import Lanes
from qasr_cli.runs.inputs.discovery import Discovered
from qasr_cli.runs.inputs.selection import LeftOutKind
from qasr_cli.runs.planning.queue import Queue
from qasr_cli.runs.reports import hook_reporter, report_file
from qasr_cli.tasks import observers, outputs, sources, telling_apart
from qasr_cli.tasks.run_pass import PassSettings, run_pass
from qasr_cli.terminal import stdio
from qasr_cli.terminal.progress import Both

logger = logging.getLogger(__name__)

_CLUSTER_DEVICES = ("auto", "cuda", "cpu")


def transcribe(inputs: InputOptions, options: Options, log: LogOptions, report_path: Path | None) -> int:
    """Run over all inputs and return the exit code; a report of the run is written to `report_path`.

    Raises:
        QasrError: An input does not exist, another run holds the folder, or the run cannot begin.
    """
    processes.require_posix()
    stdout = stdio.guard()
    observers.refuse_inputs("--report", report_path, inputs.inputs)
    make_reporter = observers.set_up(log, inputs.inputs)
    layout = outputs.resolve(options.output)
    options = replace(options, output=layout.options)
    if report_path is not None:
        report_file.check_place(report_path, is_overwrite=options.output.overwrite)
    engines.refuse_unknown_languages(options.engine, options.decode)
    telling_apart.refuse_impossible(options)
    load = functools.partial(engines.load, options.engine, options.guard.fallback_model)
    make_lanes = _cluster_lanes(inputs, options) if options.cluster.address else None
    with hook_reporter.hooked(options.hooks, is_strict=options.run.strict) as hooks:
        settings = PassSettings(
            options,
            layout,
            load,
            lambda: Both(make_reporter(), hooks),
            stdout.write,
            report_path,
            make_lanes=make_lanes,
        )
        with hooks.run():
            return run_pass(inputs, settings, log_left_out).exit_code


def _cluster_lanes(inputs: InputOptions, options: Options) -> Callable[[], Lanes]:
    """Return what makes the lanes on a cluster, once what cannot go there is refused.

    Raises:
        UsageError: The media comes from a stream, servers recognise, or the device is one of several.
    """
    if sources.is_stdin(inputs):
        raise UsageError(
            "--cluster needs files that every machine sees", "store the stream first", flag="--cluster"
        )
    if options.engine.remote.server:
        raise UsageError(
            "--server with --cluster",
            "leave one of them out: the machines of a cluster recognise themselves",
            flag="--server",
        )
    if options.engine.device not in _CLUSTER_DEVICES:
        raise UsageError(
            f"--device {options.engine.device} with --cluster",
            f"give {', '.join(_CLUSTER_DEVICES)}: each copy of the model has one GPU",
            flag="--device",
        )
    from qasr_cli.runs.cluster import connection
    from qasr_cli.runs.cluster.cluster_lanes import ClusterLanes

    return lambda: ClusterLanes(engines.load, connection.connected)


def log_left_out(discovered: Discovered, chosen: Queue) -> Queue:
    """Log the files that are left out, and return the queue."""
    for left_out in chosen.left_out:
        if left_out.kind is LeftOutKind.UNSETTLED:
            logger.warning("%s: %s; left to a later run", left_out.relative, left_out.reason)
    n_left_out = len(discovered.left_out) + len(chosen.left_out)
    if n_left_out:
        level = logging.INFO if chosen.plans else logging.WARNING
        files = "file" if n_left_out == 1 else "files"
        logger.log(level, "%d %s left out; --dry-run shows why", n_left_out, files)
    return chosen
