"""The lanes of a run on a cluster: sources go out in batches, final texts come back one by one.

In go plans; out come sources with their final text. Outputs, ledger, report and progress are the run's, as
on one machine. A lost actor is replaced, and what it had is given to others (`assignment`).
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from qasr_cli.errors import QasrError, UnavailableError
from qasr_cli.options import EngineOptions, Options, RemoteOptions
from qasr_cli.records import Outcome, Status
from qasr_cli.runs.cluster.assignment import MAX_LOSSES, Assignments
from qasr_cli.runs.cluster.connection import Cluster
from qasr_cli.runs.cluster.messages import (
    ActorLost,
    ActorRefused,
    ActorStarted,
    BatchOver,
    Broken,
    ClosedSource,
    Connect,
    Connected,
    ConnectionLost,
    Event,
    Message,
    Note,
    PreparedSource,
    RecognizedSpeech,
    Replies,
    SourceTask,
    StartActor,
    Started,
    StopActor,
    TranscribedSource,
    Work,
    WorkerSetup,
)
from qasr_cli.runs.execution.composing import ComposedSource
from qasr_cli.runs.execution.lanes import FinalSource, LaneSetting
from qasr_cli.runs.planning.output_plan import Plan
from qasr_cli.runs.reports.summary import EngineFacts
from qasr_cli.speech.inference.session import Session
from qasr_cli.version import __version__

logger = logging.getLogger("qasr_cli.runs.cluster")

Connecting = Callable[[Connect], contextlib.AbstractContextManager[tuple[Cluster, Connected]]]

_POLL_S = 0.5
_PATIENCE_S = 600.0  # without any actor: a cluster that grows starts machines in minutes
_MAX_FAILED_STARTS = 3  # in a row
_N_SAMPLES = 8  # sources by which a worker sees whether it sees the media
_MAX_NOTES = 10_000
_DANGER = (
    "whoever reaches a Ray cluster can run programs on its machines; "
    "docs/how-to/clusters.md says how to close it"
)


@dataclass(slots=True)
class _Actor:
    """An actor that is wanted.

    Attributes:
        n_failed: Actors before it that were lost before they had started, one after the other.
        ready_s: When it had loaded its engines (monotonic); None until then.
    """

    n_failed: int = 0
    ready_s: float | None = None


class ClusterLanes:
    """Lanes over many sources on many machines; they run once.

    Args:
        load: See `WorkerSetup`; each actor calls it.
        connecting: Connects to a cluster.
    """

    def __init__(self, load: Callable[[EngineOptions, str], Session], connecting: Connecting) -> None:
        self._load = load
        self._connecting = connecting

    def run(self, plans: Sequence[Plan], setting: LaneSetting) -> Generator[FinalSource, None, None]:
        """Yield each source as soon as its text is final; see `Lanes.run`.

        Raises:
            UnavailableError: There is no cluster, no actor starts, or the cluster is lost. Sources that are
                not finished are as a killed run leaves them.
        """
        cluster_options = setting.options.cluster
        setup = WorkerSetup(
            travelling(setting.options), self._load, Path.cwd(), _samples(plans), logger.getEffectiveLevel()
        )
        setting.reporter.stage("connecting to the cluster")
        asked = Connect(
            cluster_options.address,
            __version__,
            has_gpu=setting.options.engine.device != "cpu",
            n_cpus=cluster_options.n_cpus,
            setup=pickle.dumps(setup),
        )
        with self._connecting(asked) as (cluster, found):
            yield from _Dispatch(cluster, found, plans, setting).run()


def travelling(options: Options) -> Options:
    """Return the options that workers get: nothing that is run, sent or written after their work.

    Servers are not asked from a cluster, and their key, perhaps of a variable, stays here.
    """
    kept = ("decode", "guard", "media", "chunk", "vad", "align", "speakers", "cue", "picture", "find")
    run = replace(Options().run, workers=options.run.workers)
    output = replace(options.output, folder=None)
    same = {name: getattr(options, name) for name in kept}
    engine = replace(options.engine, remote=RemoteOptions())
    return Options(run=run, output=output, engine=engine, **same)


def _samples(plans: Sequence[Plan]) -> tuple[Path, ...]:
    """Return some sources that are there, spread over the run."""
    paths = [plan.source.path for plan in plans[:: max(1, len(plans) // _N_SAMPLES)]]
    return tuple(path for path in paths if os.path.exists(path))[:_N_SAMPLES]


@dataclass(slots=True)
class _Dispatch:
    """One run: actors, the sources that they have, and the events that come from them."""

    cluster: Cluster
    found: Connected
    plans: Sequence[Plan]
    setting: LaneSetting
    _actors: dict[int, _Actor] = field(default_factory=dict)
    _n_started: int = 0
    _engines: dict[int, Started] = field(default_factory=dict)
    _work: Assignments = field(init=False)
    _work_s: float = 0.0  # of actors that are gone
    _refusal: QasrError | None = None
    _alive_s: float = field(default_factory=time.monotonic)
    _notes: set[str] = field(default_factory=set)
    _prepared: set[int] = field(default_factory=set)
    _is_due: bool = False  # an actor may have room for another batch

    def __post_init__(self) -> None:
        self._work = Assignments(self.plans)

    def run(self) -> Iterator[FinalSource]:
        """Yield final sources until every one is settled."""
        n_actors = self._work.n_useful(self.found.n_actors)
        if not self.found.is_own:
            logger.warning(_DANGER)
        own = ", started on this machine" if self.found.is_own else ""
        logger.info("cluster%s: %d actors, %s each", own, n_actors, self.found.shown)
        for _ in range(n_actors):
            self._start(0)
        self.setting.reporter.stage("loading the model")
        while not self._work.is_over:
            if self._is_due:
                self._feed()
            event = self.cluster.next_event(_POLL_S)
            if event is None:
                self._refuse_idle_cluster()
            elif isinstance(event, Replies):
                for message in pickle.loads(event.payload):  # noqa: S301 - from our own worker
                    yield from self._take(event, message)
            else:
                self._note(event)

    # ── actors ──────────────────────────────────────────────────────────────────────────────────────────

    def _start(self, n_failed: int) -> None:
        self._n_started += 1
        self._actors[self._n_started] = _Actor(n_failed)
        self.cluster.send(StartActor(self._n_started))

    def _feed(self) -> None:
        self._is_due = False
        now_s = time.monotonic()
        ready = {number: actor for number, actor in self._actors.items() if actor.ready_s is not None}
        work_s = self._work_s + sum(now_s - (actor.ready_s or now_s) for actor in ready.values())
        for number in ready:
            while (batch := self._work.take(number, len(self._actors), work_s)) is not None:
                tasks = [self._task(plan) for plan in batch.plans]
                self.cluster.send(Work(number, batch.number, pickle.dumps(tasks)))

    def _task(self, plan: Plan) -> SourceTask:
        place = self.setting.journal.place_of(plan.source)
        state = None if place is None else (place.root, place.folder)
        return SourceTask(plan.source, state, self.setting.subtitles.own_beside(plan))

    def _note(self, event: Event) -> None:
        self._is_due = True
        match event:
            case ActorStarted(number, payload):
                self._note_started(number, pickle.loads(payload))  # noqa: S301 - as above
            case ActorRefused(number, payload, reason):
                self._note_refusal(number, payload, reason)
            case ActorLost(number, reason):
                self._lose(number, reason)
            case BatchOver(number, batch):
                if not self._work.end_batch(number, batch):
                    self._lose(number, "it ended a batch early")
            case ConnectionLost():
                raise UnavailableError(
                    "the connection to the cluster is lost; finished files are kept",
                    "run the same command to continue; ray status shows whether the cluster is alive",
                )
            case _:
                pass

    def _note_started(self, number: int, started: Started) -> None:
        actor = self._actors.get(number)
        if actor is None:
            return
        first = next(iter(self._engines.values()), None)
        mine = (started.engines.model, started.engines.aligner)
        if first is not None and mine != (first.engines.model, first.engines.aligner):
            reason = f"{started.host} has model {mine[0]}, and {first.host} {first.engines.model}"
            self._note_refusal(number, b"", reason)
            return
        if not self._engines:
            self.setting.reporter.ready()
            self.setting.reporter.stage("reading media")
        self._engines[number] = started
        actor.ready_s, actor.n_failed = time.monotonic(), 0
        self.setting.note_engines(_together([one.engines for one in self._engines.values()]))

    def _note_refusal(self, number: int, payload: bytes, reason: str) -> None:
        """Do without an actor, which others on its machine could not replace."""
        if self._actors.pop(number, None) is None:
            return
        self.cluster.send(StopActor(number))
        hint = "install the same qasr on every machine of the cluster"
        error: QasrError = UnavailableError(reason, hint)
        if payload:
            error = pickle.loads(payload)  # noqa: S301 - as above
        self._refusal = error
        self._log(logging.WARNING, f"an actor does not start: {error}; {error.hint}")
        self._refuse_empty_cluster()

    def _lose(self, number: int, reason: str) -> None:
        """Replace a lost actor, and settle the sources that were lost too often."""
        actor = self._actors.pop(number, None)
        if actor is None:
            return
        self.cluster.send(StopActor(number))
        self._is_due = True
        failed = self._work.lose(number)
        is_early = actor.ready_s is None
        if actor.ready_s is not None:
            self._work_s += time.monotonic() - actor.ready_s
        logger.warning("actor %d is lost: %s; its files go to others", number, reason)
        for plan in failed:
            self.setting.journal.begin(plan.source)
            error = QasrError.about(
                plan.source.relative,
                f"was with {MAX_LOSSES} actors that were lost; the last one: {reason}",
                "transcribe it alone, without --cluster, to see the error",
            )
            self.setting.close(Outcome(plan.source, Status.FAILED, error=error))
        if actor.n_failed + is_early < _MAX_FAILED_STARTS:
            self._start(actor.n_failed + is_early)
        else:
            self._refusal = UnavailableError(f"actors are lost before they have started: {reason}")
            self._refuse_empty_cluster()

    def _refuse_empty_cluster(self) -> None:
        if not self._actors and self._refusal is not None:
            raise self._refusal

    def _refuse_idle_cluster(self) -> None:
        """End the run when no actor has run for long: its machines do not come back."""
        now_s = time.monotonic()
        if any(actor.ready_s is not None for actor in self._actors.values()):
            self._alive_s = now_s
        elif now_s - self._alive_s > _PATIENCE_S:
            raise UnavailableError(
                f"no actor with {self.found.shown} has started within {_PATIENCE_S / 60:.0f} minutes",
                "ray status shows what the cluster has left; run the same command to continue",
            )

    # ── messages ────────────────────────────────────────────────────────────────────────────────────────

    def _take(self, event: Replies, message: Message) -> Iterator[FinalSource]:
        if event.actor not in self._actors:
            return  # it is lost: others have its sources
        match message:
            case PreparedSource(number, audio_ms, speech_ms):
                plan = self._work.open_plan(event.actor, event.batch, number)
                if plan is not None and number not in self._prepared:
                    self._prepared.add(number)  # what is lost is decoded again, and is no new work
                    self.setting.reporter.prepared(plan.source, audio_ms, speech_ms)
            case RecognizedSpeech(speech_ms):
                self.setting.reporter.recognized(speech_ms)
            case Note(level, text):
                self._log(level, text)
            case Broken(error):
                self._lose(event.actor, str(error))
            case ClosedSource() | TranscribedSource():
                yield from self._settle(event, message)

    def _settle(self, event: Replies, message: ClosedSource | TranscribedSource) -> Iterator[FinalSource]:
        """Close a source, or yield it with its text; an actor that does not have it any more is not heard."""
        audio_ms = message.outcome.audio_ms if isinstance(message, ClosedSource) else message.audio_ms
        plan = self._work.settle(event.actor, event.batch, message.source_id, audio_ms)
        if plan is None:
            return
        self.setting.journal.begun_elsewhere(plan.source, message.media)
        if isinstance(message, ClosedSource):
            self.setting.close(replace(message.outcome, source=plan.source))
        else:
            yield self._final(plan, message)

    def _final(self, plan: Plan, done: TranscribedSource) -> FinalSource:
        def text() -> ComposedSource:
            if isinstance(done.text, QasrError):
                raise done.text
            return done.text

        store = None
        if isinstance(done.text, ComposedSource):
            fingerprint = done.text.finished.transcript.fingerprint
            store = self.setting.journal.checkpoint(plan.source, fingerprint)
        return FinalSource(
            plan=plan,
            text=text,
            audio_ms=done.audio_ms,
            begun_s=time.monotonic() - done.wall_s,
            stage_times=done.stage_times,
            media_warnings=done.media_warnings,
            text_warnings=done.text_warnings,
            store=store,
        )

    def _log(self, level: int, text: str) -> None:
        """Log a worker's message; what all workers say is logged once."""
        if text not in self._notes and len(self._notes) < _MAX_NOTES:
            self._notes.add(text)
            logger.log(level, "%s", text)


def _together(engines: Sequence[EngineFacts]) -> EngineFacts:
    """Return the engines of all actors as those of one machine."""
    counts = Counter(one.device for one in engines if one.device)
    device = ", ".join(f"{n} x {name}" for name, n in counts.items())
    load_s = max(one.load_s for one in engines)
    return replace(
        engines[0], device=device, load_s=load_s, batch_size=min(one.batch_size for one in engines)
    )
