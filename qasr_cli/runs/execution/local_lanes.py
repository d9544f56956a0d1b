"""The prepare lane and the engine lane on this machine.

In go plans; out come sources with their final text, as soon as each is reviewed. The lanes' work is in
`pipeline.prepare` and `pipeline.engine_lane`; this module joins them by a bounded queue. It writes no output.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path

from qasr_cli.errors import QasrError
from qasr_cli.media import flac_server
from qasr_cli.media.ffmpeg import find_tools
from qasr_cli.operating_system import scratch
from qasr_cli.options import Options
from qasr_cli.pipeline import finish
from qasr_cli.pipeline.containment import attempt
from qasr_cli.pipeline.engine_lane import EngineLane
from qasr_cli.pipeline.open_source import OpenSource
from qasr_cli.pipeline.prepare import Prepared, prepare
from qasr_cli.pipeline.script import AlignedScript
from qasr_cli.pipeline.stage_timer import StageTimes, timed
from qasr_cli.records import Outcome, Stage, Status, Transcript
from qasr_cli.runs.execution.lanes import FinalSource, LaneSetting
from qasr_cli.runs.execution.prefetch import Prefetch
from qasr_cli.runs.planning.existing_subtitles import AlreadySubtitled
from qasr_cli.runs.planning.output_plan import Plan
from qasr_cli.runs.reports.summary import EngineFacts
from qasr_cli.speech.inference.protocols import Engines, refuse_unknown_languages
from qasr_cli.speech.inference.session import Session

_MAX_WAITING_SOURCES = 256  # of a folder of clips: decoded, not yet recognised
_MAX_WAITING_MS = 4 * 3_600_000  # of audio on disk ahead of the engine: 460 MB


class LocalLanes:
    """Lanes over many sources; they run once.

    Args:
        load_engines: Called once, before the first batch.
        stop: Ends the decoders when it is set; the generator's end sets it.
    """

    def __init__(self, load_engines: Callable[[], Session], stop: threading.Event | None = None) -> None:
        self._load_engines = load_engines
        self._stop = stop or threading.Event()

    def run(self, plans: Sequence[Plan], setting: LaneSetting) -> Generator[FinalSource, None, None]:
        """Yield each source as soon as its text is final; see `Lanes.run`."""
        find_tools()  # without ffmpeg the run fails at once, and not every source in its turn
        n_flac = sum(plan.source.path.suffix.lower() == ".flac" for plan in plans)
        with scratch.folder() as folder, flac_server.serving(n_flac):
            prefetch = Prefetch(
                plans,
                lambda plan: self._prepare(plan, folder, setting),
                _waiting_ms,
                n_workers=setting.options.run.workers,
                max_waiting=_MAX_WAITING_SOURCES,
                max_cost=_MAX_WAITING_MS,
            )
            with prefetch as prepared:
                try:
                    yield from self._recognize(_opened(prepared, setting.close), setting)
                except BaseException:
                    self._stop.set()  # ends the decoders, which leaving the prefetch waits for
                    raise

    def _recognize(
        self, opened_sources: Iterable[OpenSource[Plan]], setting: LaneSetting
    ) -> Iterator[FinalSource]:
        session = self._load(setting)
        lane: EngineLane[Plan] = EngineLane(session, setting.reporter.recognized, setting.journal.checkpoint)
        with contextlib.closing(lane.run(opened_sources)) as ready:
            for opened in ready:
                yield _final(opened, session.engines, setting.options)

    def _load(self, setting: LaneSetting) -> Session:
        setting.reporter.stage("loading the model")
        begun_s, options = time.monotonic(), setting.options
        session = self._load_engines()
        refuse_unknown_languages(session.engines.languages, options.decode, options.engine.engine)
        setting.note_engines(EngineFacts.of(session, time.monotonic() - begun_s))
        setting.reporter.ready()
        setting.reporter.stage("reading media")
        return session

    def _prepare(self, plan: Plan, folder: Path, setting: LaneSetting) -> OpenSource[Plan] | Outcome:
        begun_s = time.monotonic()
        source, stage_times = plan.source, StageTimes()
        setting.journal.begin(source)
        with timed(Stage.DECODE, [(stage_times, 1)]):
            prepared = attempt(source.relative, lambda: self._read(plan, folder, setting))
        wall_s = time.monotonic() - begun_s
        if isinstance(prepared, QasrError):
            return Outcome(source, Status.FAILED, wall_s=wall_s, error=prepared, stage_s=stage_times)
        if isinstance(prepared, AlreadySubtitled):
            reason, path = prepared.reason, prepared.path
            return Outcome(
                source, Status.SKIPPED, wall_s=wall_s, stage_s=stage_times, reason=reason, subtitles=path
            )
        setting.reporter.prepared(source, prepared.duration_ms, prepared.speech_ms)
        return OpenSource(
            plan, prepared, begun_s, setting.options, setting.scripts.get(source.id), stage_times=stage_times
        )

    def _read(self, plan: Plan, folder: Path, setting: LaneSetting) -> Prepared | AlreadySubtitled:
        """Return the decoded source, or why it is skipped."""
        inspect = functools.partial(setting.subtitles.inspect, plan)
        try:
            return prepare(plan.source, folder, setting.options, self._stop, setting.reporter.stage, inspect)
        except AlreadySubtitled as subtitled:
            return subtitled


def _opened(
    results: Iterable[OpenSource[Plan] | Outcome], close: Callable[[Outcome], None]
) -> Iterator[OpenSource[Plan]]:
    """Yield the sources that were prepared; close those that failed or are skipped."""
    for result in results:
        if isinstance(result, Outcome):
            close(result)
        else:
            yield result


def _waiting_ms(result: OpenSource[Plan] | Outcome) -> int:
    return 0 if isinstance(result, Outcome) else result.prepared.waveform.duration_ms


def _final(opened: OpenSource[Plan], engines: Engines, options: Options) -> FinalSource:
    """Return a source that is back from the engine lane, without its samples."""
    prepared = opened.prepared
    with contextlib.suppress(OSError):  # it goes with the scratch folder at the latest
        prepared.waveform.path.unlink(missing_ok=True)
    return FinalSource(
        plan=opened.owner,
        text=functools.partial(_text, opened, engines, options),
        audio_ms=prepared.duration_ms,
        begun_s=opened.begun_s,
        stage_times=opened.stage_times,
        media_warnings=prepared.warnings,
        text_warnings=opened.text.warnings,
        store=opened.store,
    )


def _text(opened: OpenSource[Plan], engines: Engines, options: Options) -> Transcript | AlignedScript:
    """Return a source's text.

    Raises:
        QasrError: The error that ended it.
    """
    if opened.error is not None:
        raise opened.error
    return finish.aligned(opened, engines, options) or finish.transcribed(opened, engines, options)
