"""A cluster without Ray, through the door that Ray's process uses: actors that do what a test says.

An actor answers at once with made-up transcripts, on the thread that asks for the next event; so a test is as
exact as its script. `Death` ends an actor in the middle of a batch.
"""

from __future__ import annotations

import contextlib
import pickle
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from qasr_cli.errors import QasrError
from qasr_cli.pipeline.stage_timer import StageTimes
from qasr_cli.records import Source, Track, Transcript
from qasr_cli.runs.cluster.messages import (
    ActorLost,
    ActorRefused,
    ActorStarted,
    BatchOver,
    Command,
    Connect,
    Connected,
    ConnectionLost,
    Event,
    Message,
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
from qasr_cli.runs.execution.composing import ComposedSource, compose
from qasr_cli.runs.files.file_identity import identify
from qasr_cli.runs.reports.summary import EngineFacts

FACTS = EngineFacts("fake/echo", "fake/even", "fake:0", 32, 0.1)
AUDIO_MS = 60_000


class Death(Exception):
    """The actor's process ends."""


# Of an actor to a source; may raise `Death`.
Answer = Callable[[int, Source], Transcript | ComposedSource | QasrError]


def transcript(source: Source) -> Transcript:
    return Transcript(
        source.relative.name, Track(0, "pcm_s16le", 1, 16_000), AUDIO_MS, (), "0123456789abcdef"
    )


@dataclass
class FakeCluster:
    """Actors that answer by `answer`.

    Attributes:
        refuses: Returns an error for actors that do not start, by number.
        is_cut_off_after: Events after which the connection is lost.
        tasks: What each actor was given, in order.
    """

    answer: Answer = lambda actor, source: transcript(source)
    n_actors: int = 2
    is_own: bool = False
    refuses: Callable[[int], Event | None] = lambda actor: None
    is_cut_off_after: int | None = None
    asked: Connect | None = None
    commands: list[Command] = field(default_factory=list)
    tasks: list[tuple[int, list[str]]] = field(default_factory=list)
    _events: deque[Event] = field(default_factory=deque)
    _alive: set[int] = field(default_factory=set)
    _open: deque[tuple[Work, deque[SourceTask]]] = field(default_factory=deque)

    @contextlib.contextmanager
    def connecting(self, asked: Connect) -> Iterator[tuple[FakeCluster, Connected]]:
        self.asked = asked
        yield self, Connected(self.n_actors, "1 fake", self.is_own)

    @property
    def setup(self) -> WorkerSetup:
        assert self.asked is not None
        setup: WorkerSetup = pickle.loads(self.asked.setup)
        return setup

    def send(self, command: Command) -> None:
        self.commands.append(command)
        match command:
            case StartActor(number):
                refusal = self.refuses(number)
                if refusal is None:
                    self._alive.add(number)
                self._events.append(
                    refusal or ActorStarted(number, pickle.dumps(Started(f"host-{number}", FACTS)))
                )
            case Work(number, _, payload):
                tasks: list[SourceTask] = pickle.loads(payload)
                self.tasks.append((number, [str(task.source.relative) for task in tasks]))
                self._open.append((command, deque(tasks)))
            case StopActor(number):
                self._alive.discard(number)
            case Connect():
                pass

    def next_event(self, timeout_s: float) -> Event | None:
        if self.is_cut_off_after is not None:
            if not self.is_cut_off_after:
                return ConnectionLost()
            self.is_cut_off_after -= 1
        if not self._events:
            self._go_on()
        return self._events.popleft() if self._events else None

    def _go_on(self) -> None:
        """Let the actor whose turn it is do one source."""
        while self._open:
            work, tasks = self._open.popleft()
            if work.actor not in self._alive:
                continue
            if not tasks:
                self._events.append(BatchOver(work.actor, work.batch))
                return
            try:
                self._do(work, tasks.popleft().source)
            except Death as death:
                self._alive.discard(work.actor)
                self._events.append(ActorLost(work.actor, str(death) or "killed"))
                return
            self._open.append((work, tasks))
            return

    def _do(self, work: Work, source: Source) -> None:
        answer = self.answer(work.actor, source)
        text = compose(answer, self.setup.options) if isinstance(answer, Transcript) else answer
        stages = StageTimes()
        media = identify(source.path)
        done = TranscribedSource(source.id, media, text, AUDIO_MS, 0.5, stages, (), ())
        self.say(work, [PreparedSource(source.id, AUDIO_MS, 30_000), RecognizedSpeech(30_000), done])

    def say(self, work: Work, messages: Sequence[Message]) -> None:
        self._events.append(Replies(work.actor, work.batch, pickle.dumps(list(messages))))


def refused(actor: int, error: QasrError) -> ActorRefused:
    return ActorRefused(actor, pickle.dumps(error), "")
