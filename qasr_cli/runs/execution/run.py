"""A run: three lanes over many sources, joined by bounded queues, with one pool of chunks for all of them.

    prepare (threads)        engine (the calling thread)            finish (one thread)
    decode, find speech  ->  chunks of all sources, batched,    ->  transcript, cues, files
    a few sources ahead      recognised, aligned, reviewed          as soon as a source is reviewed

In go plans; out comes a report. The first two lanes are on this machine (`local_lanes`) or on others; the
third one, the outcomes and the state are always here, so that each file is written once.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from qasr_cli.formats.readers.script_reading import ScriptFile
from qasr_cli.operating_system import processes
from qasr_cli.options import Options
from qasr_cli.records import Outcome, Status
from qasr_cli.runs.execution.finish_lane import FinishLane, OnFinished, OrderedStdout
from qasr_cli.runs.execution.lanes import FinalSource, Lanes, LaneSetting
from qasr_cli.runs.execution.local_lanes import LocalLanes
from qasr_cli.runs.planning.existing_subtitles import ExistingSubtitles
from qasr_cli.runs.planning.output_plan import Plan
from qasr_cli.runs.reports.summary import EngineFacts, RunReport
from qasr_cli.runs.state.journal import Journal
from qasr_cli.speech.inference.session import Session
from qasr_cli.terminal.events import Reporter

_MAX_FINISHING = 512  # texts that wait to be written: many machines may recognise faster than one writes


class Run:
    """One run over many sources.

    Outcomes come from two threads (the calling one and the finish lane's): `_close` holds a lock, so that
    `report`, the journal and the reporter see them one at a time.

    Args:
        options: The whole tree; each stage is given its group.
        load_engines: Called once, before the first batch.
        reporter: Handles the events of the run.
        deliver: Called in source order with each source's text when results go to stdout.
        journal: State of earlier runs; this run's outcomes are added to it.
    """

    def __init__(
        self,
        options: Options,
        load_engines: Callable[[], Session],
        reporter: Reporter,
        deliver: Callable[[str], None],
        journal: Journal | None = None,
    ) -> None:
        self._options = options
        self._load_engines = load_engines
        self._reporter = reporter
        self._stdout = OrderedStdout(deliver)
        self._journal = journal or Journal()
        self._subtitles = ExistingSubtitles(options, self._journal.is_own)
        self._closing = threading.Lock()
        self._on_finished: OnFinished = lambda source, finished: None
        self.report = RunReport(is_strict=options.run.strict)

    def execute(
        self,
        plans: Sequence[Plan],
        scripts: Mapping[int, ScriptFile] | None = None,
        on_finished: OnFinished | None = None,
        lanes: Lanes | None = None,
    ) -> RunReport:
        """Transcribe every plan's source; one source's failure never stops the others.

        Args:
            plans: The outputs to write, by source.
            scripts: By source id; the words of a source that has one are the script's.
            on_finished: Called with each source's results, once its files are written.
            lanes: What transcribes; None is this machine.

        Raises:
            UnavailableError: There is no ffmpeg, or the engines cannot be loaded; nothing has been done then.
        """
        processes.require_posix()
        self._on_finished = on_finished or self._on_finished
        self._reporter.begin([plan.source for plan in plans])
        open_plans = [plan for plan in plans if not self._is_settled(plan)]
        if open_plans:
            self._work(open_plans, lanes or LocalLanes(self._load_engines), scripts or {})
        return self.report

    def _is_settled(self, plan: Plan) -> bool:
        if plan.error is not None:
            self._close(Outcome(plan.source, Status.FAILED, error=plan.error))
        elif plan.skip:
            self._close(Outcome(plan.source, Status.SKIPPED, reason=plan.skip))
        return not plan.is_work

    def _work(self, plans: Sequence[Plan], lanes: Lanes, scripts: Mapping[int, ScriptFile]) -> None:
        setting = LaneSetting(
            self._options,
            self._reporter,
            self._journal,
            self._subtitles,
            self._close,
            self._note_engines,
            scripts,
        )
        lane = FinishLane(self._options, self._journal, self._stdout, self._on_finished)
        finishing: deque[Future[None]] = deque()  # one thread finishes them in their order
        with ThreadPoolExecutor(1, thread_name_prefix="finish") as finisher:
            with contextlib.closing(lanes.run(plans, setting)) as finals:
                for final in finals:
                    finishing.append(finisher.submit(self._finish, lane, final))
                    while finishing and (len(finishing) > _MAX_FINISHING or finishing[0].done()):
                        finishing.popleft().result()
            for future in finishing:
                future.result()

    def _note_engines(self, engines: EngineFacts) -> None:
        self.report.engines = engines

    def _finish(self, lane: FinishLane, final: FinalSource) -> None:
        self._close(lane.finish(final))

    def _close(self, outcome: Outcome) -> None:
        with self._closing:
            self.report.add(outcome)
            self._journal.enter(outcome)
            self._reporter.finished(outcome)
            self._stdout.settle(outcome.source.id)
