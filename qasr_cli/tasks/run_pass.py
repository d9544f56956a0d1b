"""One pass of a run: discover sources, select the work, and do it.

In go inputs and settings; out comes a report. `transcribe` makes one pass, `watch` one after another.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from qasr_cli.options import InputOptions, Options
from qasr_cli.runs.execution.finish_lane import OnFinished
from qasr_cli.runs.execution.lanes import Lanes
from qasr_cli.runs.execution.run import Run
from qasr_cli.runs.inputs.discovery import Discovered
from qasr_cli.runs.planning import name_limits, output_plan, queue
from qasr_cli.runs.planning.existing_subtitles import ExistingSubtitles
from qasr_cli.runs.planning.output_names import OutputLayout
from qasr_cli.runs.planning.queue import Queue
from qasr_cli.runs.reports import report_file
from qasr_cli.runs.reports.summary import RunReport
from qasr_cli.runs.state import journal
from qasr_cli.runs.state.journal import Journal
from qasr_cli.speech.inference.session import Session
from qasr_cli.tasks import outputs, sources
from qasr_cli.terminal.events import Reporter

logger = logging.getLogger(__name__)

Sift = Callable[[Discovered, Queue], Queue | None]


@dataclass(frozen=True, slots=True)
class PassSettings:
    """The settings of every pass.

    Attributes:
        options: The whole tree; `options.output` is that of the layout.
        layout: Folder and names of the results.
        load: Returns the engines; called when there is work.
        make_reporter: Called once a pass, before the work begins.
        deliver: Writes texts to stdout.
        report_path: Path of the report; None writes none.
        on_finished: Called with each source's results, once its files are written.
        make_lanes: Called once a pass; None transcribes on this machine.
    """

    options: Options
    layout: OutputLayout
    load: Callable[[], Session]
    make_reporter: Callable[[], Reporter]
    deliver: Callable[[str], None]
    report_path: Path | None = None
    on_finished: OnFinished | None = None
    make_lanes: Callable[[], Lanes] | None = None


def run_pass(inputs: InputOptions, settings: PassSettings, sift: Sift) -> RunReport:
    """Discover sources, select the work, do it, and return the report.

    Args:
        inputs: Paths of the user.
        settings: The settings of the pass.
        sift: Returns the part of the queue to do; None ends the pass without a message.

    Raises:
        QasrError: An input does not exist, another run holds the folder, or the run cannot begin.
    """
    options, begun_s = settings.options, time.monotonic()
    reported = report_file.ReportedRun(options)
    with (
        report_file.reporting(settings.report_path, reported),
        sources.opened(inputs, options.find) as discovered,
        _journal(inputs, discovered, options) as run_journal,
    ):
        chosen = sift(discovered, choose(discovered, settings.layout, options, run_journal))
        if chosen is None:
            return RunReport()
        chosen = replace(chosen, plans=name_limits.refuse_unnameable(chosen.plans))
        outputs.refuse_report(settings.report_path, chosen.plans)
        reporter = settings.make_reporter()
        run = Run(options, settings.load, reporter, settings.deliver, run_journal)
        run.report.passed_over = discovered.passed_over
        reported.sources, reported.report = [plan.source for plan in chosen.plans], run.report
        try:
            lanes = settings.make_lanes() if settings.make_lanes else None
            report = run.execute(chosen.plans, on_finished=settings.on_finished, lanes=lanes)
        except BaseException:
            reporter.end("")  # restores the terminal, however the run ended
            raise
    passed_over = report.passed_over.fields() if report.passed_over.words() else None
    reporter.end(report.summary(time.monotonic() - begun_s), report.quality, passed_over)
    return report


def choose(discovered: Discovered, layout: OutputLayout, options: Options, run_journal: Journal) -> Queue:
    """Return the queue of this pass, and the files that are left out."""
    plans = outputs.plan(discovered.sources, layout, lambda _: options.decode.language)
    plans = run_journal.decide(plans)
    plans = output_plan.refuse_unwritable(ExistingSubtitles(options, run_journal.is_own).pass_over(plans))
    return queue.choose(plans, discovered.failures, options.find)


def has_state(inputs: InputOptions, options: Options) -> bool:
    """Whether a run has a state; a run from stdin or to stdout has none."""
    return not options.output.is_stdout and not sources.is_stdin(inputs)


@contextlib.contextmanager
def _journal(inputs: InputOptions, discovered: Discovered, options: Options) -> Iterator[Journal]:
    if not has_state(inputs, options):
        yield Journal()
        return
    with journal.opened(discovered.sources, options, logger.warning) as run_journal:
        yield run_journal
