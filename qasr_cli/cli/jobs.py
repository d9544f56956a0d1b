"""What the commands do once their flags are read; the heavy rooms come in here and not before.

In go options; out comes an exit code. `qasr --help` never gets this far, and `--dry-run` no further than
planning.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qasr_cli import engines, formats, pipeline
from qasr_cli.cli import preview as previewing
from qasr_cli.cli.choices import STDIO, read_text
from qasr_cli.cli.telling import begin, refuse_inputs
from qasr_cli.errors import ExitCode, QasrError, UndecodableError, UsageError
from qasr_cli.media.spool import spool_stdin
from qasr_cli.options import CueOptions, InputOptions, LogOptions, Options, OutputOptions
from qasr_cli.records import Outcome, Source, Status, Transcript
from qasr_cli.runs.execution.run import Run
from qasr_cli.runs.files import atomic_write, scratch
from qasr_cli.runs.inputs import discovery, file_lists
from qasr_cli.runs.inputs.discovery import Discovered
from qasr_cli.runs.planning import output_names, output_plan, queue
from qasr_cli.runs.planning.existing_subtitles import ExistingSubtitles
from qasr_cli.runs.planning.output_plan import Plan
from qasr_cli.runs.planning.queue import Queue
from qasr_cli.runs.reports import hook_reporter, report_file
from qasr_cli.runs.reports.summary import Report
from qasr_cli.runs.state import journal
from qasr_cli.runs.state.journal import Journal
from qasr_cli.speech.inference.session import Session
from qasr_cli.terminal import logs, stdio
from qasr_cli.terminal.events import Reporter
from qasr_cli.terminal.progress import Both

logger = logging.getLogger(__name__)

_STDIN = Path(STDIO)


def transcribe(request: InputOptions, options: Options, log: LogOptions, report_to: Path | None) -> int:
    """Run over all inputs and return the exit code; what came of it is written to `report_to`."""
    stdout = stdio.guard()
    refuse_inputs("--report", report_to, request.inputs)
    make_reporter = begin(log, request.inputs)
    options = replace(options, output=with_known_formats(options.output))
    if report_to is not None:
        report_file.check_place(report_to, is_overwrite=options.output.is_overwrite)
    engines.refuse_unknown_languages(options.engine, options.decode)
    load = functools.partial(engines.load, options.engine, options.guard.rescue_model)
    with hook_reporter.hooked(options.hooks, is_strict=options.run.is_strict) as hooks:
        work = Work(options, load, lambda: Both(make_reporter(), hooks), stdout.write, report_to)
        with hooks.run():
            return one_pass(request, work, _said).exit_code


@dataclass(frozen=True, slots=True)
class Work:
    """How passes over inputs work, whatever they find.

    Attributes:
        options: The whole tree.
        load: Returns the engines; called when there is something to do.
        make_reporter: Called once a pass, before it works.
        deliver: Takes texts for stdout.
        report_to: Where a report goes.
    """

    options: Options
    load: Callable[[], Session]
    make_reporter: Callable[[], Reporter]
    deliver: Callable[[str], None]
    report_to: Path | None = None


def one_pass(request: InputOptions, work: Work, sift: Callable[[Discovered, Queue], Queue | None]) -> Report:
    """Find, choose and do what there is to do now; return what came of it.

    Args:
        request: Where to look.
        work: How to work.
        sift: Returns what of the chosen is really done; None ends the pass without a word.

    Raises:
        QasrError: There is nothing where to look, another run is at work there, or nothing can be begun.
    """
    options, begun_s = work.options, time.monotonic()
    reported = report_file.Reported(options)
    with (
        report_file.reporting(work.report_to, reported),
        _found(request, options) as found,
        _kept(request, found, options) as kept,
    ):
        chosen = sift(found, _choose(found, options, kept))
        if chosen is None:
            return Report()
        refuse_report(work.report_to, chosen.plans)
        reporter = work.make_reporter()
        run = Run(options, work.load, reporter, work.deliver, kept)
        reported.sources, reported.report = [plan.source for plan in chosen.plans], run.report
        try:
            report = run.execute(chosen.plans)
        except BaseException:
            reporter.end("")  # leaves the terminal as it was, whatever ended the run
            raise
    reporter.end(report.summary(time.monotonic() - begun_s), report.quality)
    return report


def refuse_report(report_to: Path | None, plans: Sequence[Plan]) -> None:
    """Refuse a report that would take the place of a result.

    Raises:
        UsageError: It has the name of one.
    """
    if report_to is None:
        return
    folder = report_to.parent.resolve()
    for plan in plans:
        for target in plan.places.values():
            if target.may_be(report_to.name) and target.folder.resolve() == folder:
                raise UsageError(
                    f"--report {report_to} is where a result of {plan.source.relative} goes",
                    "give the report another name",
                )


def preview(request: InputOptions, options: Options, *, verbosity: int) -> int:
    """Say on stdout, a line a file, what a run would do; read no media, load no model, write nothing."""
    logs.configure(verbosity)
    options = replace(options, output=with_known_formats(options.output))
    stdout = stdio.guard()
    if _STDIN in request.inputs:
        _refuse_more_than_stdin(request)
        found = Discovered([Source(0, _STDIN, Path("stdin"))], [], [])
    else:
        found = _discover(request, options)
    kept = Journal() if _is_passing(request, options) else journal.consulted(found.sources, options)
    chosen = _choose(found, options, kept)
    left_out = [*found.left_out, *chosen.left_out]
    stdout.write("".join(previewing.lines(chosen.plans, left_out)))
    return ExitCode.OK


def render(inputs: Sequence[Path], cues: CueOptions, output: OutputOptions, *, verbosity: int) -> int:
    """Render each transcript and return the exit code; one that cannot be does not stop the others."""
    logs.configure(verbosity)
    output = with_known_formats(output)
    stdout = stdio.guard()
    report = Report()
    found = [Source(number, path, Path(path.name)) for number, path in enumerate(inputs)]
    for plan in plan_outputs(found, output, _language_of_transcript):
        try:
            transcript = _read_transcript(plan)
            texts = pipeline.render(transcript, cues, output)
            paths = plan.paths(transcript.language)
            for name, path in paths.items():
                atomic_write.write(
                    path, texts[name], is_overwrite=output.is_overwrite, is_backup=output.is_backup
                )
            if output.is_stdout:
                stdout.write("".join(texts.values()))
            report.add(Outcome(plan.source, Status.DONE, outputs=tuple(paths.values())))
        except QasrError as error:
            logs.report_error(error)
            report.add(Outcome(plan.source, Status.FAILED, error=error))
    return report.exit_code


def _language_of_transcript(source: Source) -> str | None:
    """Return the language of a transcript, for its results' names; None where it cannot be read (yet)."""
    if source.path == _STDIN:  # can be read once
        return None
    try:
        return _read_transcript(Plan(source, {})).language or output_names.UNDETERMINED
    except QasrError:
        return None


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
def _found(request: InputOptions, options: Options) -> Iterator[Discovered]:
    """Yield the sources; stdin is a file for as long as the run lasts, since mp4 cannot be read forward."""
    if _STDIN not in request.inputs:
        yield _discover(request, options)
        return
    _refuse_more_than_stdin(request)
    with scratch.folder() as folder:
        yield Discovered([Source(0, spool_stdin(0, folder), Path("stdin"))], [], [])


def _refuse_more_than_stdin(request: InputOptions) -> None:
    if len(request.inputs) > 1 or request.files_from:
        raise UsageError("- (stdin) is an input of its own", "transcribe the files in another call")


def _discover(request: InputOptions, options: Options) -> Discovered:
    listed = file_lists.read(request.files_from, is_null_separated=request.null) if request.files_from else []
    return discovery.discover(request.inputs, options.find, listed)


@contextlib.contextmanager
def _kept(request: InputOptions, found: Discovered, options: Options) -> Iterator[Journal]:
    """Yield what is known of earlier runs; of what goes through a pipe nothing is."""
    if _is_passing(request, options):
        yield Journal()
        return
    with journal.opened(found.sources, options, logger.warning) as kept:
        yield kept


def _is_passing(request: InputOptions, options: Options) -> bool:
    return options.output.is_stdout or _STDIN in request.inputs


def _choose(found: Discovered, options: Options, kept: Journal) -> Queue:
    plans = kept.decide(plan_outputs(found.sources, options.output, lambda _: options.decode.language))
    plans = output_plan.refuse_unwritable(ExistingSubtitles(options, kept.is_own).pass_over(plans))
    return queue.choose(plans, found.failures, options.find)


def _said(found: Discovered, chosen: Queue) -> Queue:
    """Return all that was chosen, having said what was not."""
    for one in chosen.left_out:
        if one.reason.startswith(queue.UNSETTLED):
            logger.warning("%s: %s; left to a later run", one.relative, one.reason)
    n_left_out = len(found.left_out) + len(chosen.left_out)
    if n_left_out:
        level = logging.INFO if chosen.plans else logging.WARNING
        logger.log(level, "%d files left out; --dry-run says why", n_left_out)
    return chosen


def plan_outputs(
    found: Sequence[Source], output: OutputOptions, language_of: output_plan.LanguageOf
) -> list[Plan]:
    """Return where each source's results go; its language is asked for where names tell it.

    Raises:
        UsageError: stdout cannot take so many.
    """
    is_one = len(found) == 1 and len(output.formats) == 1
    if output.is_stdout and not output.is_json_lines and not is_one:
        raise UsageError(
            "stdout takes one format of one source", "name one format, use -o DIR, or --json-lines for many"
        )
    suffixes = {name: formats.FORMATS[name].extension for name in output.formats}
    has_language = output_names.template(output).has_language
    return output_plan.plan(found, output, suffixes, language_of if has_language else lambda _: None)


def with_known_formats(output: OutputOptions) -> OutputOptions:
    """Return the options with `all` spelt out.

    Raises:
        UsageError: No such format, or no names can be made for those.
    """
    known = [name for name, form in formats.FORMATS.items() if not form.is_line]
    if "all" in output.formats:
        output = replace(output, formats=tuple(known))
    output_names.template(output)
    unknown = [name for name in output.formats if name not in formats.FORMATS]
    if unknown:
        raise UsageError(f"no format {unknown[0]!r}", f"known: {', '.join(known)}, all")
    return output
