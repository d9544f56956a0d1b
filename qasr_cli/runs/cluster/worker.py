"""An actor's work: media on shared storage to final texts, with engines that stay loaded.

In go batches of sources; out come messages as things happen. A batch's media are decoded while the batch
before is still in the engine. Writes checkpoints and its scratch folder, and never an output or a ledger.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from qasr_cli.errors import DeviceLostError, QasrError, UnavailableError, without_frames
from qasr_cli.media import flac_server
from qasr_cli.media.ffmpeg import find_tools
from qasr_cli.options import Options
from qasr_cli.pipeline.containment import attempt
from qasr_cli.records import Outcome, Source
from qasr_cli.runs.cluster.messages import (
    Broken,
    ClosedSource,
    Message,
    Note,
    PreparedSource,
    RecognizedSpeech,
    SourceTask,
    Started,
    TranscribedSource,
    WorkerSetup,
)
from qasr_cli.runs.execution.composing import ComposedSource, compose
from qasr_cli.runs.execution.lanes import FinalSource, LaneSetting
from qasr_cli.runs.execution.local_lanes import LocalLanes
from qasr_cli.runs.planning.existing_subtitles import ExistingSubtitles
from qasr_cli.runs.planning.output_plan import Plan
from qasr_cli.runs.reports.summary import EngineFacts
from qasr_cli.runs.state.journal import Journal
from qasr_cli.runs.state.roots import StateFolder
from qasr_cli.speech.inference import stopping
from qasr_cli.speech.inference.protocols import refuse_unknown_languages
from qasr_cli.speech.inference.session import Session
from qasr_cli.terminal.events import Event, Reporter, SourcePrepared, SpeechRecognized

_GATHER_S = 0.05  # messages of so long travel together: each costs the cluster about a millisecond
_STOP_S = 8.0  # a batch ends within its next decoding step
_MANY = 1_000  # FLAC files: the child that decodes them is shared by all batches


class _Stopped(Exception):
    """The device is lost: the lanes end, and what they have not done is left to others."""


class Worker:
    """The engines of one actor, and the batches that wait for them.

    Threads: one a batch calls `work`, and for each a thread runs the lanes. Only the one that has the engines
    computes; the others decode ahead.
    """

    def __init__(self, setup: WorkerSetup, session: Session, notes: _Notes) -> None:
        self._options = setup.options
        self._notes = notes
        self._session = session
        self._engine = threading.Lock()
        self._stop = threading.Event()
        self._n_running = 0
        self._idle = threading.Condition()
        self._open = contextlib.ExitStack()
        self._open.enter_context(flac_server.serving(_MANY))

    def work(self, payload: bytes) -> Iterator[bytes]:
        """Yield pickled lists of messages until every source of the batch is settled or the worker ends."""
        tasks: Sequence[SourceTask] = pickle.loads(payload)  # noqa: S301 - from the run that started this
        messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        lanes = threading.Thread(target=self._run, args=(tasks, messages.put), name="lanes", daemon=True)
        with self._idle:
            self._n_running += 1
        self._notes.begin(messages.put)
        lanes.start()
        is_over = False
        while not is_over:
            gathered = [messages.get()]
            if gathered[0] is not None:
                time.sleep(_GATHER_S)
            with contextlib.suppress(queue.Empty):
                while True:
                    gathered.append(messages.get_nowait())
            is_over = gathered[-1] is None
            if is_over:
                self._notes.end(messages.put)
            yield pickle.dumps([message for message in gathered if message is not None])

    def stop(self) -> None:
        """End what is under way, and wait for it for some seconds."""
        self._stop.set()
        with self._idle:
            self._idle.wait_for(lambda: not self._n_running, _STOP_S)
        self._open.close()

    def _run(self, tasks: Sequence[SourceTask], tell: Callable[[Message | None], None]) -> None:
        stopping.stop_at(self._stop)
        batch = _Batch(tasks, tell)
        try:
            with contextlib.ExitStack() as holding:

                def take_engines() -> Session:
                    holding.enter_context(self._engine)
                    stopping.check()
                    return self._session

                lanes = LocalLanes(take_engines, self._stop)
                with contextlib.closing(lanes.run(batch.plans, batch.setting(self._options))) as finals:
                    for final in finals:
                        batch.finish(final, self._options)
        except _Stopped:
            self._stop.set()
        except stopping.Stopped:
            pass
        except Exception as error:  # noqa: BLE001 - it reaches the run, and not the log of a thread elsewhere
            if not self._stop.is_set():
                tell(Broken(_described(error)))
        finally:
            tell(None)
            with self._idle:
                self._n_running -= 1
                self._idle.notify_all()


class _Batch(Reporter):
    """The sources of one batch, as the lanes see a run: what they report becomes messages."""

    def __init__(self, tasks: Sequence[SourceTask], tell: Callable[[Message], None]) -> None:
        self._tasks = {task.source.id: task for task in tasks}
        self._tell = tell
        self._journal = Journal(place_of=self._place_of)
        self.plans = [Plan(task.source, {}) for task in tasks]

    def setting(self, options: Options) -> LaneSetting:
        """Return what the lanes are given."""
        subtitles = ExistingSubtitles(options, lambda source, path: path in self._tasks[source.id].own)
        return LaneSetting(options, self, self._journal, subtitles, self._close, lambda _: None)

    def handle(self, event: Event) -> None:
        """Pass on what the progress needs."""
        match event:
            case SourcePrepared(source, audio_ms, speech_ms):
                self._tell(PreparedSource(source.id, audio_ms, speech_ms))
            case SpeechRecognized(speech_ms):
                self._tell(RecognizedSpeech(speech_ms))
            case _:
                pass

    def finish(self, final: FinalSource, options: Options) -> None:
        """Send what is to be written for a source, or the error that ended it."""
        source = final.plan.source
        text = attempt(source.relative, lambda: _composed(final, options))
        self._refuse_lost_device(text)
        self._tell(
            TranscribedSource(
                source.id,
                self._journal.media_of(source),
                without_frames(text) if isinstance(text, QasrError) else text,
                final.audio_ms,
                time.monotonic() - final.begun_s,
                final.stage_times,
                final.media_warnings,
                final.text_warnings,
            )
        )

    def _close(self, outcome: Outcome) -> None:
        source, error = outcome.source, outcome.error
        self._refuse_lost_device(error)
        if isinstance(error, QasrError):
            outcome = replace(outcome, error=without_frames(error))
        self._tell(ClosedSource(source.id, self._journal.media_of(source), outcome))

    def _refuse_lost_device(self, result: object) -> None:
        """End the batch if a device is lost: every further source would fail, and others can do them."""
        if isinstance(result, DeviceLostError):
            self._tell(Broken(without_frames(result)))
            raise _Stopped

    def _place_of(self, source: Source) -> StateFolder | None:
        state = self._tasks[source.id].state
        return None if state is None else StateFolder(*state, None)


def _composed(final: FinalSource, options: Options) -> ComposedSource:
    """Return what is to be written for a source, without its cues, which are in the texts.

    Raises:
        QasrError: The error that ended it.
    """
    text = final.text()
    composed = text if isinstance(text, ComposedSource) else compose(text, options)
    return replace(composed, finished=replace(composed.finished, cues=()))


class _Notes(logging.Handler):
    """Passes log messages of qasr to a batch in progress; those from before the first one are kept for it."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self._kept: list[Note] = []
        self._batches: list[Callable[[Message], None]] = []

    def begin(self, tell: Callable[[Message], None]) -> None:
        """Let a batch have the messages."""
        with self.lock or contextlib.nullcontext():
            self._batches.append(tell)
            kept, self._kept = self._kept, []
        for note in kept:
            tell(note)

    def end(self, tell: Callable[[Message], None]) -> None:
        """End that."""
        with self.lock or contextlib.nullcontext():
            self._batches.remove(tell)

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a message on."""
        note = Note(record.levelno, record.getMessage())
        if self._batches:
            self._batches[-1](note)
        else:
            self._kept.append(note)


def started(payload: bytes) -> tuple[Worker | None, bytes]:
    """Return a worker with its engines loaded, and a pickled `Started`; or None and the error, pickled."""
    setup: WorkerSetup = pickle.loads(payload)  # noqa: S301 - from the run that started this
    notes, logger = _Notes(setup.log_level), logging.getLogger("qasr_cli")
    logger.addHandler(notes)
    logger.setLevel(setup.log_level)
    logger.propagate = False
    loaded = attempt(None, lambda: _load(setup))
    if isinstance(loaded, QasrError):
        return None, pickle.dumps(without_frames(loaded))
    session, facts = loaded
    return Worker(setup, session, notes), pickle.dumps(Started(socket.gethostname(), facts))


def _described(error: Exception) -> QasrError:
    if isinstance(error, QasrError):
        return without_frames(error)
    return QasrError(f"{socket.gethostname()}: unexpected {type(error).__name__}: {error}")


def _load(setup: WorkerSetup) -> tuple[Session, EngineFacts]:
    """Return the engines, once the media can be seen.

    Raises:
        QasrError: This machine does not see the media, or ffmpeg, the model or the device is missing.
    """
    with contextlib.suppress(OSError):  # absolute paths may be seen all the same
        os.chdir(setup.folder)
    if setup.samples and not any(os.path.exists(path) for path in setup.samples):
        raise UnavailableError(
            f"{socket.gethostname()} does not see {setup.samples[0]}",
            "mount the media on every machine of the cluster, at the same path",
        )
    find_tools()
    options, begun_s = setup.options, time.monotonic()
    session = setup.load(options.engine, options.guard.fallback_model)
    refuse_unknown_languages(session.engines.languages, options.decode, options.engine.engine)
    return session, EngineFacts.of(session, time.monotonic() - begun_s)
