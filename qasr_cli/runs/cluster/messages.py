"""The values that travel between a run, the process of its connection, and the workers.

A run's own values (`WorkerSetup`, `SourceTask`, the messages of a worker) are pickled before the connection's
process gets them, and it passes them on as bytes: so neither it nor Ray reads them, and a worker with another
qasr does not either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qasr_cli.errors import QasrError
from qasr_cli.options import EngineOptions, Options
from qasr_cli.pipeline.stage_timer import StageTimes
from qasr_cli.records import Outcome, Source
from qasr_cli.runs.execution.composing import ComposedSource
from qasr_cli.runs.files.file_identity import Identity
from qasr_cli.runs.reports.summary import EngineFacts
from qasr_cli.speech.inference.session import Session

# ── from the run to a worker ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class WorkerSetup:
    """What a worker starts with.

    Attributes:
        options: Those that travel: no hook, no key, no output.
        load: Returns the engines of these options and a fallback model, as `engines.load` does; picklable.
        folder: The run's working folder; names of sources and models may be relative to it.
        samples: Some sources that the run's machine sees.
        log_level: Messages of `logging` below this level stay with the worker.
    """

    options: Options
    load: Callable[[EngineOptions, str], Session]
    folder: Path
    samples: tuple[Path, ...] = ()
    log_level: int = 0


@dataclass(frozen=True, slots=True)
class SourceTask:
    """A source for a worker.

    Attributes:
        state: Root and state folder of its checkpoint; None keeps none.
        own: Subtitles beside it that qasr wrote, which do not count as subtitles that it already has.
    """

    source: Source
    state: tuple[Path, Path] | None = None
    own: frozenset[Path] = frozenset()


# ── from a worker to the run ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Started:
    """A worker is ready."""

    host: str
    engines: EngineFacts


@dataclass(frozen=True, slots=True)
class PreparedSource:
    """A source is decoded."""

    source_id: int
    audio_ms: int
    speech_ms: int


@dataclass(frozen=True, slots=True)
class RecognizedSpeech:
    """A batch is recognised."""

    speech_ms: int


@dataclass(frozen=True, slots=True)
class TranscribedSource:
    """A source's text is final, or an error ended it.

    Attributes:
        text: All that is to be written, without the cues; or the error.
        media: The media's identity before it was read.
        wall_s: Since its preparation began.
    """

    source_id: int
    media: Identity | None
    text: ComposedSource | QasrError
    audio_ms: int
    wall_s: float
    stage_times: StageTimes
    media_warnings: tuple[str, ...]
    text_warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClosedSource:
    """A source ended before its text: it cannot be read, or is skipped."""

    source_id: int
    media: Identity | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Note:
    """A message for the run's log."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The worker's device is lost; it can do nothing more."""

    error: QasrError


Message = PreparedSource | RecognizedSpeech | TranscribedSource | ClosedSource | Note | Broken

# ── between the run and the process of its connection ───────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Connect:
    """Connect to a cluster, or start one on this machine; the first command.

    Attributes:
        address: `HOST:PORT`, or `auto`.
        version: The run's version of qasr.
        has_gpu: Whether actors may have GPUs.
        n_cpus: Cores of an actor without a GPU; None chooses.
        setup: A pickled `WorkerSetup`.
    """

    address: str
    version: str
    has_gpu: bool
    n_cpus: int | None
    setup: bytes


@dataclass(frozen=True, slots=True)
class StartActor:
    """Start an actor; its number is new."""

    actor: int


@dataclass(frozen=True, slots=True)
class Work:
    """Give sources to an actor; `payload` is a pickled list of `SourceTask`."""

    actor: int
    batch: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class StopActor:
    """End an actor: in order within some seconds, else at once."""

    actor: int


Command = Connect | StartActor | Work | StopActor


@dataclass(frozen=True, slots=True)
class Connected:
    """There is a cluster.

    Attributes:
        n_actors: How many actors its GPUs or cores are enough for.
        shown: What each has, for people: `1 GPU`, `4 cores`.
        is_own: It was started for this run.
    """

    n_actors: int
    shown: str
    is_own: bool


@dataclass(frozen=True, slots=True)
class NotConnected:
    """There is no cluster, or none that is of use."""

    reason: str


@dataclass(frozen=True, slots=True)
class ActorStarted:
    """An actor runs; `payload` is a pickled `Started`."""

    actor: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class ActorRefused:
    """An actor cannot be used, and neither could another one on the same machine.

    Attributes:
        payload: A pickled `QasrError`; empty if the worker has another qasr, or none.
        reason: Why, without a payload.
    """

    actor: int
    payload: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Replies:
    """What an actor says; `payload` is a pickled list of `Message`."""

    actor: int
    batch: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class BatchOver:
    """An actor has done all of a batch."""

    actor: int
    batch: int


@dataclass(frozen=True, slots=True)
class ActorLost:
    """An actor is gone: its process, its machine or the network."""

    actor: int
    reason: str


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """The process of the connection has ended, and with it the cluster is out of reach."""


Event = (
    Connected | NotConnected | ActorStarted | ActorRefused | Replies | BatchOver | ActorLost | ConnectionLost
)
