"""A run: three lanes over many sources, joined by bounded queues, with one pool of chunks for all of them.

    prepare (threads)        engine (the calling thread)            finish (one thread)
    decode, find speech  ->  chunks of all sources, batched,    ->  transcript, cues, files
    a few sources ahead      recognised, aligned, reviewed          as soon as a source is reviewed

In go plans; out comes a report. The lanes' work is in `pipeline.prepare`, `pipeline.engine_lane` and
`finish_lane`.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from qasr_cli.errors import QasrError
from qasr_cli.formats.readers.script_reading import ScriptFile
from qasr_cli.media import flac_server
from qasr_cli.media.ffmpeg import find_tools
from qasr_cli.operating_system import processes, scratch
from qasr_cli.options import Options
from qasr_cli.pipeline.containment import attempt
from qasr_cli.pipeline.engine_lane import EngineLane
from qasr_cli.pipeline.open_source import OpenSource
from qasr_cli.pipeline.prepare import Prepared, prepare
from qasr_cli.pipeline.stage_timer import StageTimes, timed
from qasr_cli.records import Outcome, Stage, Status
from qasr_cli.runs.execution.finish_lane import FinishLane, OnFinished, OrderedStdout
from qasr_cli.runs.execution.prefetch import Prefetch
from qasr_cli.runs.planning.existing_subtitles import AlreadySubtitled, ExistingSubtitles
from qasr_cli.runs.planning.output_plan import Plan
from qasr_cli.runs.reports.summary import EngineFacts, RunReport
from qasr_cli.runs.state.journal import Journal
from qasr_cli.speech.inference.protocols import Engines, refuse_unknown_languages
from qasr_cli.speech.inference.session import Session
from qasr_cli.terminal.events import Reporter

_MAX_WAITING_SOURCES = 256  # of a folder of clips: decoded, not yet recognised
_MAX_WAITING_MS = 4 * 3_600_000  # of audio on disk ahead of the engine: 460 MB


class Run:
    """One run over many sources.

    Outcomes come from two threads (the engine lane's and the finish lane's): `_close` holds a lock, so that
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
        self._stop = threading.Event()
        self._closing = threading.Lock()
        self._scripts: Mapping[int, ScriptFile] = {}
        self._on_finished: OnFinished = lambda source, finished: None
        self.report = RunReport(is_strict=options.run.strict)

    def execute(
        self,
        plans: Sequence[Plan],
        scripts: Mapping[int, ScriptFile] | None = None,
        on_finished: OnFinished | None = None,
    ) -> RunReport:
        """Transcribe every plan's source; one source's failure never stops the others.

        Args:
            plans: The outputs to write, by source.
            scripts: By source id; the words of a source that has one are the script's.
            on_finished: Called with each source's results, once its files are written.

        Raises:
            UnavailableError: There is no ffmpeg, or the engines cannot be loaded; nothing has been done then.
        """
        processes.require_posix()
        self._scripts = scripts or {}
        self._on_finished = on_finished or self._on_finished
        self._reporter.begin([plan.source for plan in plans])
        open_plans = [plan for plan in plans if not self._is_settled(plan)]
        if open_plans:
            with scratch.folder() as folder:
                self._work(open_plans, folder)
        return self.report

    def _is_settled(self, plan: Plan) -> bool:
        if plan.error is not None:
            self._close(Outcome(plan.source, Status.FAILED, error=plan.error))
        elif plan.skip:
            self._close(Outcome(plan.source, Status.SKIPPED, reason=plan.skip))
        return not plan.is_work

    def _work(self, plans: Sequence[Plan], folder: Path) -> None:
        find_tools()  # without ffmpeg the run fails at once, and not every source in its turn
        prefetch = Prefetch(
            plans,
            lambda plan: self._prepare(plan, folder),
            _waiting_ms,
            n_workers=self._options.run.workers,
            max_waiting=_MAX_WAITING_SOURCES,
            max_cost=_MAX_WAITING_MS,
        )
        n_flac = sum(plan.source.path.suffix.lower() == ".flac" for plan in plans)
        finishing_thread = ThreadPoolExecutor(1, thread_name_prefix="finish")
        with flac_server.serving(n_flac), finishing_thread as finisher, prefetch as prepared:
            try:
                session = self._load()
                lane: EngineLane[Plan] = EngineLane(
                    session, self._reporter.recognized, self._journal.checkpoint
                )
                finish_lane = FinishLane(self._options, self._journal, self._stdout, self._on_finished)
                finishing: deque[Future[None]] = deque()  # one thread finishes them in their order
                with contextlib.closing(lane.run(self._opened(prepared))) as ready:
                    for opened in ready:
                        finishing.append(finisher.submit(self._finish, finish_lane, opened, session.engines))
                        while finishing and _is_over(finishing[0]):
                            finishing.popleft()
                for future in finishing:
                    future.result()
            except BaseException:
                self._stop.set()  # ends the decoders, which leaving the prefetch waits for
                raise

    def _load(self) -> Session:
        self._reporter.stage("loading the model")
        begun_s = time.monotonic()
        session = self._load_engines()
        refuse_unknown_languages(session.engines.languages, self._options.decode, self._options.engine.engine)
        self.report.engines = EngineFacts.of(session, time.monotonic() - begun_s)
        self._reporter.ready()
        self._reporter.stage("reading media")
        return session

    # ── prepare lane ────────────────────────────────────────────────────────────────────────────────────

    def _prepare(self, plan: Plan, folder: Path) -> OpenSource[Plan] | Outcome:
        begun_s = time.monotonic()
        source, stage_times = plan.source, StageTimes()
        self._journal.begin(source)
        with timed(Stage.DECODE, [(stage_times, 1)]):
            prepared = attempt(source.relative, lambda: self._read(plan, folder))
        wall_s = time.monotonic() - begun_s
        if isinstance(prepared, QasrError):
            return Outcome(source, Status.FAILED, wall_s=wall_s, error=prepared, stage_s=stage_times)
        if isinstance(prepared, AlreadySubtitled):
            reason, path = prepared.reason, prepared.path
            return Outcome(
                source, Status.SKIPPED, wall_s=wall_s, stage_s=stage_times, reason=reason, subtitles=path
            )
        self._reporter.prepared(source, prepared.waveform.duration_ms, prepared.speech_ms)
        return OpenSource(
            plan, prepared, begun_s, self._options, self._scripts.get(source.id), stage_times=stage_times
        )

    def _read(self, plan: Plan, folder: Path) -> Prepared | AlreadySubtitled:
        """Return the decoded source, or why it is skipped."""
        inspect = functools.partial(self._subtitles.inspect, plan)
        try:
            return prepare(plan.source, folder, self._options, self._stop, self._reporter.stage, inspect)
        except AlreadySubtitled as subtitled:
            return subtitled

    def _opened(self, results: Iterable[OpenSource[Plan] | Outcome]) -> Iterator[OpenSource[Plan]]:
        """Yield the sources that were prepared; close those that failed or are skipped."""
        for result in results:
            if isinstance(result, Outcome):
                self._close(result)
            else:
                yield result

    # ── finish lane ─────────────────────────────────────────────────────────────────────────────────────

    def _finish(self, lane: FinishLane, opened: OpenSource[Plan], engines: Engines) -> None:
        self._close(lane.finish(opened, engines))

    def _close(self, outcome: Outcome) -> None:
        with self._closing:
            self.report.add(outcome)
            self._journal.enter(outcome)
            self._reporter.finished(outcome)
            self._stdout.settle(outcome.source.id)


def _waiting_ms(result: OpenSource[Plan] | Outcome) -> int:
    return 0 if isinstance(result, Outcome) else result.prepared.waveform.duration_ms


def _is_over(future: Future[None]) -> bool:
    """Whether the source is written; re-raises an exception of the finish lane."""
    if future.done():
        future.result()
    return future.done()
