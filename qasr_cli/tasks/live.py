"""`qasr live`: endless sound to text, as it is spoken.

In go options; out come events at the outputs, until the input ends or a signal. Three threads work: the
reader takes samples from the input and finds utterances, the step lane computes, and the main thread waits
for signals, after which the last words still become final.
"""

from __future__ import annotations

import logging
import os
import threading
from dataclasses import dataclass

from qasr_cli import engines
from qasr_cli.engines import memory
from qasr_cli.errors import QasrError
from qasr_cli.live import inputs, outputs
from qasr_cli.live.protocols import LiveInput, Missing
from qasr_cli.live.session import LiveSession
from qasr_cli.live.step_lane import StepLane
from qasr_cli.operating_system import processes
from qasr_cli.options import LiveOptions, LogOptions, Options, StreamOptions
from qasr_cli.pipeline.containment import failure_of
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.streaming.events import Emit
from qasr_cli.tasks import observers, telling_apart
from qasr_cli.terminal import stdio, tables

logger = logging.getLogger(__name__)

_STOP_S = 0.5  # for a reader to return after `stop`, before the last words are final
_LEAVE_S = 5.0  # the same after them: one that is still in a library's code would abort the process's end


@dataclass(frozen=True, slots=True)
class LiveRequest:
    """What to listen to, and how.

    Attributes:
        where: "" for a microphone, `-` for stdin, a file, or an address.
        options: Engine, speech and the style of subtitles.
        stream: When text is shown and final.
        live: Which microphone, which outputs.
    """

    where: str
    options: Options
    stream: StreamOptions
    live: LiveOptions


class LiveRun:
    """One session, from its options to its end.

    Args:
        request: What to listen to.
        log: Logging.
    """

    def __init__(self, request: LiveRequest, log: LogOptions) -> None:
        self._request = request
        self._log = log
        self._session: LiveSession | None = None
        self._lane: StepLane | None = None
        self._has_ended = threading.Event()  # the input, or whoever reads the text

    def run(self) -> None:
        """Run until the input ends or a signal raises here; either way all text is final then.

        Raises:
            QasrError: The engine, the input or all outputs have failed.
        """
        processes.require_posix()
        request, options = self._request, self._request.options
        is_terminal = os.isatty(1)
        stdout = stdio.guard()
        observers.set_up(observers.chattier(self._log), [])
        telling_apart.refuse_channels(options, "live")
        engines.refuse_unknown_languages(options.engine, options.decode)
        engines.refuse_missing(options.engine)
        memory.prepare()
        with (
            outputs.opened(
                request.live, options.cue, stdout, is_terminal=is_terminal, on_lost=self._has_ended.set
            ) as emit,
            inputs.opened(request.where, request.live) as source,
        ):
            engine = engines.load(options.engine, options.guard.fallback_model)
            self._listen(source, engine, emit)

    def hasten(self) -> None:
        """Do not wait for the last words any more; any thread may call it."""
        if self._session is not None:
            self._session.abandon()
        if self._lane is not None:
            self._lane.hasten()

    def _listen(self, source: LiveInput, engine: Session, emit: Emit) -> None:
        device = engine.device or "an unknown device"
        self._lane = lane = StepLane(lambda work: work(engine))
        lane.start()
        try:
            lane.warm_up(self._request.options)
            session = lane.open(
                self._request.options,
                self._request.stream,
                emit,
                source=source.name,
                is_real_time=source.is_real_time,
            )
            self._session = session
            logger.info("listening to %s; %s on %s", source.name, engine.recognizer.model_id, device)
            _take_all(source, session, self._has_ended)
        finally:
            lane.close()


def list_devices(log: LogOptions) -> None:
    """Print the microphones on stdout.

    Raises:
        UnavailableError: There is no program that reads one.
    """
    observers.set_up(log, [])
    found = inputs.list_devices()
    rows = [(one.name, one.description, "default" if one.is_default else "") for one in found]
    if rows:
        tables.print_table(("microphone", "description", ""), rows)
    else:
        logger.warning("no microphone on this machine")


def _take_all(source: LiveInput, session: LiveSession, has_ended: threading.Event) -> None:
    """Feed the session until the input ends, `has_ended` is set, or a signal raises here.

    Raises:
        QasrError: The engine or the input has failed; what was said before it is final.
    """
    failures: list[QasrError] = []

    def read() -> None:
        # It waits for the last words in this thread: a signal would break the wait of the main thread off.
        found = (failure_of(lambda: _feed(source, session)), failure_of(session.close))
        failures.extend(failure for failure in found if failure is not None)
        has_ended.set()

    reader = threading.Thread(target=read, name="reader", daemon=True)
    reader.start()
    try:
        has_ended.wait()
    finally:  # a signal as well: the last words become final
        source.stop()
        reader.join(_STOP_S)
        try:
            session.close()
        finally:
            reader.join(_LEAVE_S)
    if failures:
        raise failures[0]


def _feed(source: LiveInput, session: LiveSession) -> None:
    for block in source.blocks():
        if isinstance(block, Missing):
            session.missing(block)
        else:
            session.feed(block)
