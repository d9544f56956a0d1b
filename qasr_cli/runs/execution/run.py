"""A run: three lanes over many sources, joined by bounded queues, with one pool of chunks for all of them.

    prepare (threads)        engine (the calling thread)            finish (one thread)
    decode, find speech  ->  chunks of all sources, batched,    ->  transcript, cues, files
    a few sources ahead      heard, timed; files reviewed           as soon as it is reviewed

In go plans; out comes a report. What the engine lane does stands in `engine_lane`.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from qasr_cli import formats, pipeline
from qasr_cli.errors import QasrError, QualityError
from qasr_cli.media.ffmpeg import find_tools
from qasr_cli.options import Options
from qasr_cli.records import Outcome, Quality, Stage, Status, Transcript
from qasr_cli.runs.execution.engine_lane import EngineLane, OpenSource, attempt
from qasr_cli.runs.execution.ordered_stdout import OrderedStdout
from qasr_cli.runs.execution.prefetch import Prefetch
from qasr_cli.runs.execution.stage_timer import StageTimes, spending
from qasr_cli.runs.files import atomic_write, scratch
from qasr_cli.runs.planning.existing_subtitles import AlreadySubtitled, ExistingSubtitles
from qasr_cli.runs.planning.output_plan import Plan
from qasr_cli.runs.reports.summary import EngineFacts, Report, doubtful, doubts, rules_broken
from qasr_cli.runs.state.journal import Journal
from qasr_cli.speech.inference.protocols import Engines, refuse_unknown_languages
from qasr_cli.speech.inference.session import Session
from qasr_cli.terminal.events import Reporter

_MAX_WAITING_SOURCES = 256  # of a folder of clips: decoded, not yet heard
_MAX_WAITING_MS = 4 * 3_600_000  # of audio on disk ahead of the engine: 460 MB


class Run:
    """One run over many sources.

    Args:
        options: The whole tree; each stage is given its group.
        load_engines: Called once, when there is something to do.
        reporter: Told what happens.
        deliver: Called in source order with each source's text when results go to stdout.
        books: What is known of earlier runs, and kept for later ones.
    """

    def __init__(
        self,
        options: Options,
        load_engines: Callable[[], Session],
        reporter: Reporter,
        deliver: Callable[[str], None],
        books: Journal | None = None,
    ) -> None:
        self._options = options
        self._load_engines = load_engines
        self._reporter = reporter
        self._delivery = OrderedStdout(deliver)
        self._books = books or Journal()
        self._subtitles = ExistingSubtitles(options, self._books.is_own)
        self._stop = threading.Event()
        self.report = Report(is_strict=options.run.is_strict)

    def execute(self, plans: Sequence[Plan]) -> Report:
        """Transcribe every plan's source; one source's failure never stops the others.

        Raises:
            UnavailableError: There is no ffmpeg, or the engines cannot be loaded; nothing has been done then.
        """
        self._reporter.begin([plan.source for plan in plans])
        todo = [plan for plan in plans if not self._is_settled(plan)]
        if todo:
            with scratch.folder() as folder:
                self._work(todo, folder)
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
            n_workers=self._options.run.n_prepare_workers,
            max_waiting=_MAX_WAITING_SOURCES,
            max_cost=_MAX_WAITING_MS,
        )
        with ThreadPoolExecutor(1, thread_name_prefix="finish") as finisher, prefetch as results:
            try:
                self._reporter.stage("loading the model")
                begun_s = time.monotonic()
                session = self._load_engines()
                refuse_unknown_languages(
                    session.engines.languages, self._options.decode, self._options.engine.engine
                )
                self.report.engines = EngineFacts.of(session.engines, time.monotonic() - begun_s)
                self._reporter.ready()
                self._reporter.stage("reading media")
                finishing: list[Future[None]] = []
                lane = EngineLane(session, self._options, self._reporter.recognized, self._books.checkpoint)
                for opened in lane.run(self._opened(results)):
                    finishing.append(finisher.submit(self._finish, opened, session.engines))
                    finishing = [future for future in finishing if not _is_over(future)]
                for future in finishing:
                    future.result()
            except BaseException:
                self._stop.set()  # ends the decoders, which leaving the prefetch waits for
                raise

    # ── prepare lane ────────────────────────────────────────────────────────────────────────────────────

    def _prepare(self, plan: Plan, folder: Path) -> OpenSource | Outcome:
        begun_s = time.monotonic()
        source, account = plan.source, StageTimes()
        self._books.begin(source)
        with spending(Stage.DECODE, [(account, 1)]):
            prepared = attempt(source.relative, lambda: self._read(plan, folder))
        wall_s = time.monotonic() - begun_s
        if isinstance(prepared, QasrError):
            return Outcome(source, Status.FAILED, wall_s=wall_s, error=prepared, stage_s=account)
        if isinstance(prepared, AlreadySubtitled):
            reason, has = prepared.reason, prepared.path
            return Outcome(
                source, Status.SKIPPED, wall_s=wall_s, stage_s=account, reason=reason, subtitles=has
            )
        self._reporter.prepared(source, prepared.waveform.duration_ms, prepared.speech_ms)
        return OpenSource(plan, prepared, begun_s, account=account)

    def _read(self, plan: Plan, folder: Path) -> pipeline.Prepared | AlreadySubtitled:
        """Return the source's sound, or why it is passed over."""
        glance = functools.partial(self._subtitles.glance, plan)
        try:
            return pipeline.prepare(
                plan.source, folder, self._options, self._stop, self._reporter.stage, glance
            )
        except AlreadySubtitled as found:
            return found

    def _opened(self, results: Iterable[OpenSource | Outcome]) -> Iterator[OpenSource]:
        """Yield what can go on; what cannot is over."""
        for result in results:
            if isinstance(result, Outcome):
                self._close(result)
            else:
                yield result

    # ── finish lane ─────────────────────────────────────────────────────────────────────────────────────

    def _finish(self, opened: OpenSource, engines: Engines) -> None:
        source, waveform = opened.prepared.source, opened.prepared.waveform
        waveform.path.unlink(missing_ok=True)
        with spending(Stage.WRITE, [(opened.account, 1)]):
            result = attempt(source.relative, lambda: self._put_out(opened, engines))
        over = Outcome(
            source,
            Status.FAILED,
            waveform.duration_ms,
            time.monotonic() - opened.begun_s,
            stage_s=opened.account,
        )
        if isinstance(result, QasrError):
            self._close(replace(over, error=result))
            return
        transcript, quality = result
        paths = tuple(opened.plan.paths(transcript.language).values())
        error = self._hard_error(paths, quality)
        if opened.checkpoint is not None:
            opened.checkpoint.remove()
        self._close(
            replace(
                over,
                status=Status.FAILED if error else Status.DONE,
                outputs=paths,
                error=error,
                warnings=(*opened.prepared.warnings, *doubts(transcript), *opened.text.warnings),
                quality=quality,
                doubts=doubtful(transcript),
                language=transcript.language or "",
            )
        )

    def _hard_error(self, paths: Sequence[Path], quality: Quality | None) -> QualityError | None:
        """Return why --strict does not let a source pass; its results are there to be looked at."""
        if not self._options.run.is_strict or quality is None or not quality.broken:
            return None
        return rules_broken(tuple(paths), quality, self._options.cue)

    def _put_out(self, opened: OpenSource, engines: Engines) -> tuple[Transcript, Quality | None]:
        if opened.error is not None:
            raise opened.error
        transcript = pipeline.finish(
            opened.prepared, opened.text.segments, engines, self._options, opened.text.uncovered
        )
        output = self._options.output
        has_cues = any(formats.FORMATS[name].is_cue_based for name in output.formats)
        cued = pipeline.lay_out(transcript, self._options.cue) if has_cues else ()
        texts = pipeline.render(transcript, self._options.cue, output, cued)
        paths = opened.plan.paths(transcript.language)
        self._books.announce(opened.plan.source, {path: texts[name] for name, path in paths.items()})
        for name, path in paths.items():
            is_overwrite = output.is_overwrite or opened.plan.may_replace(path)
            atomic_write.write(path, texts[name], is_overwrite=is_overwrite, is_backup=output.is_backup)
            outdated = opened.plan.outdated(name, path)
            if outdated is not None:
                atomic_write.remove(outdated, is_backup=output.is_backup)
        if output.is_stdout:
            self._delivery.settle(opened.plan.source.id, "".join(texts.values()))
        return transcript, pipeline.judge(transcript, cued, self._options.cue) if cued else None

    def _close(self, outcome: Outcome) -> None:
        self.report.add(outcome)
        self._books.enter(outcome)
        self._reporter.finished(outcome)
        self._delivery.settle(outcome.source.id)


def _waiting_ms(result: OpenSource | Outcome) -> int:
    return 0 if isinstance(result, Outcome) else result.prepared.waveform.duration_ms


def _is_over(future: Future[None]) -> bool:
    """Whether the source is put out; raises what ended the finish lane, if something did."""
    if future.done():
        future.result()
    return future.done()
