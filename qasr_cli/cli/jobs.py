"""What the commands do once their flags are read; the heavy rooms come in here and not before.

In go options; out comes an exit code. `qasr --help` never gets this far.
"""

from __future__ import annotations

import contextlib
import functools
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from qasr_cli import engines, formats, pipeline
from qasr_cli.cli.choices import STDIO, read_text
from qasr_cli.cli.telling import Telling, begin
from qasr_cli.errors import QasrError, UndecodableError, UsageError
from qasr_cli.media.spool import spool_stdin
from qasr_cli.options import CueOptions, Options, OutputOptions
from qasr_cli.records import Outcome, Source, Status, Transcript
from qasr_cli.runs import outputs, report_file, sources
from qasr_cli.runs.lanes import Run
from qasr_cli.runs.outputs import Plan
from qasr_cli.runs.report import Report
from qasr_cli.terminal import logs, stdio

_STDIN = Path(STDIO)


def transcribe(inputs: Sequence[Path], options: Options, telling: Telling) -> int:
    """Run over all inputs and return the exit code."""
    stdout = stdio.guard()
    reporter = begin(telling, inputs)
    options = replace(options, output=with_known_formats(options.output))
    report_path = Path(telling.report) if telling.report else None
    if report_path is not None:
        report_file.check_place(report_path, is_overwrite=options.output.is_overwrite)
    begun_s = time.monotonic()
    with _sources(inputs, options) as found:
        plans = plan_outputs(found, options.output)
        load = functools.partial(engines.load, options.engine, options.guard.rescue_model)
        run = Run(options, load, reporter, stdout.write)
        try:
            with report_file.reporting(report_path, report_file.Reported(options, found, run.report)):
                report = run.execute(plans)
        except BaseException:
            reporter.end("")  # leaves the terminal as it was, whatever ended the run
            raise
    reporter.end(report.summary(time.monotonic() - begun_s), report.quality)
    return report.exit_code


def render(inputs: Sequence[Path], cues: CueOptions, output: OutputOptions, *, verbosity: int) -> int:
    """Render each transcript and return the exit code; one that cannot be does not stop the others."""
    logs.configure(verbosity)
    output = with_known_formats(output)
    stdout = stdio.guard()
    report = Report()
    found = [Source(number, path, Path(path.name)) for number, path in enumerate(inputs)]
    for plan in plan_outputs(found, output):
        try:
            texts = pipeline.render(_read_transcript(plan), cues, output)
            for name, path in plan.targets.items():
                outputs.write(path, texts[name], is_overwrite=output.is_overwrite)
            if output.is_stdout:
                stdout.write("".join(texts.values()))
            report.add(Outcome(plan.source, Status.DONE, outputs=tuple(plan.targets.values())))
        except QasrError as error:
            logs.report_error(error)
            report.add(Outcome(plan.source, Status.FAILED, error=error))
    return report.exit_code


def _read_transcript(plan: Plan) -> Transcript:
    if plan.error is not None:
        raise plan.error
    path = plan.source.path
    text = read_text(path, str(path), "give a file that --json wrote")
    try:
        return formats.parse_transcript(text)
    except UndecodableError as error:
        raise UndecodableError(f"{path}: {error.message}", error.hint) from error


@contextlib.contextmanager
def _sources(inputs: Sequence[Path], options: Options) -> Iterator[list[Source]]:
    """Yield the sources; stdin is a file for as long as the run lasts, since mp4 cannot be read forward."""
    if _STDIN not in inputs:
        yield sources.discover(inputs, is_recursive=options.run.is_recursive)
        return
    if len(inputs) > 1:
        raise UsageError("- (stdin) is an input of its own", "transcribe the files in another call")
    with tempfile.TemporaryDirectory(prefix="qasr-stdin-") as folder:
        yield [Source(0, spool_stdin(0, Path(folder)), Path("stdin"))]


def plan_outputs(found: Sequence[Source], output: OutputOptions) -> list[Plan]:
    """Return where each source's results go.

    Raises:
        UsageError: stdout cannot take so many.
    """
    is_one = len(found) == 1 and len(output.formats) == 1
    if output.is_stdout and not output.is_json_lines and not is_one:
        raise UsageError(
            "stdout takes one format of one source", "name one format, use -o DIR, or --json-lines for many"
        )
    suffixes = {name: formats.FORMATS[name].extension for name in output.formats}
    return outputs.plan(found, output, suffixes)


def with_known_formats(output: OutputOptions) -> OutputOptions:
    """Return the options with `all` spelt out.

    Raises:
        UsageError: No such format.
    """
    known = [name for name, form in formats.FORMATS.items() if not form.is_line]
    if "all" in output.formats:
        return replace(output, formats=tuple(known))
    unknown = [name for name in output.formats if name not in formats.FORMATS]
    if unknown:
        raise UsageError(f"no format {unknown[0]!r}", f"known: {', '.join(known)}, all")
    return output
