"""The live sessions of a server: who has one, how many there may be, and their end.

In go the audio of clients, from the event loop; out come events, in the same loop. What a session computes
runs on the request lane's engine thread. How utterances are found and decoded is not known here: a lane that
does so comes in as `SpeechLane`.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np

from qasr_cli.errors import QasrError, UnavailableError
from qasr_cli.options import Options, StreamOptions
from qasr_cli.serving.refusals import DrainingError, OverloadedError
from qasr_cli.speech.inference.session import RunOnEngine
from qasr_cli.speech.streaming.events import Emit, LiveEvent
from qasr_cli.timebase import SAMPLES_PER_MS

# Of a session's speech, 19 MB; then its client has to wait. It must be far more than an utterance has: while
# the engine is behind, the text of an utterance waits for its end, and so for more audio.
_MAX_WAITING_MS = 600_000
_POLL_S = 0.05
_N_SPARE = 4  # threads for sessions whose client is gone
_RETRY_S = 30  # a session lasts for minutes


class SpeechSession(Protocol):
    """A live session; one thread at a time calls it."""

    @property
    def lag_ms(self) -> int:
        """Milliseconds of speech that are received and not recognized yet."""

    @property
    def failure(self) -> QasrError | None:
        """What the engine has failed with."""

    def feed(self, samples: np.ndarray) -> None:
        """Add `int16[n_samples]`, 16 kHz mono.

        Raises:
            QasrError: The engine has failed.
        """

    def end_utterance(self) -> None:
        """End the open utterance now; what it emits for that is emitted before this returns."""

    def close(self) -> None:
        """Emit the last finals, and end.

        Raises:
            QasrError: The engine has failed.
        """

    def abandon(self) -> None:
        """Let `close` wait for nothing; any thread may call it."""


class SpeechLane(Protocol):
    """Makes sessions, and computes their steps together."""

    def start(self) -> None:
        """Start its thread."""

    def open(
        self,
        options: Options,
        stream: StreamOptions,
        emit: Emit,
        *,
        source: str = "",
        is_real_time: bool = True,
    ) -> SpeechSession:
        """Return a new session, whose events are emitted from any thread, one at a time.

        Raises:
            QasrError: The engine cannot work.
        """

    def close(self) -> None:
        """End its thread."""


MakeSpeechLane = Callable[[RunOnEngine], SpeechLane]


class LiveSessions:
    """The seats of a server's live sessions.

    Args:
        lane: Computes their steps; None if the server has no live sessions.
        most: How many there may be at once.
        on_change: Called when one is over, from any thread.

    Attributes:
        n_samples: Samples in all sessions, of 16 kHz.
        n_opened: Sessions so far.
    """

    def __init__(self, lane: SpeechLane | None, most: int, on_change: Callable[[], None]) -> None:
        self.n_samples = 0
        self.n_opened = 0
        self.lane = lane
        # Of each client one session may go on while the one before it waits for its last text
        self.feeding = ThreadPoolExecutor(2 * most + _N_SPARE, thread_name_prefix="live")
        self._most = most
        self._on_change = on_change
        self._lock = threading.Lock()
        self._seats: set[Seat] = set()
        self._is_draining = False

    @property
    def n_open(self) -> int:
        """Number of sessions."""
        return len(self._seats)

    def start(self) -> None:
        """Start the lane."""
        if self.lane is not None:
            self.lane.start()

    @contextlib.contextmanager
    def seat(self) -> Iterator[Seat]:
        """Yield a place for one client's session; called in its event loop.

        Raises:
            DrainingError: The server is about to end.
            OverloadedError: There are too many sessions.
            UnavailableError: The server has none.
        """
        if self.lane is None:
            raise UnavailableError("this server has no live sessions", "send a whole recording")
        seat = Seat(self, self.lane)
        with self._lock:
            if self._is_draining:
                raise DrainingError("the server is about to end")
            if len(self._seats) >= self._most:
                raise OverloadedError.after(_RETRY_S, f"the server has {self._most} live sessions already")
            self._seats.add(seat)
            self.n_opened += 1
        try:
            yield seat
        finally:
            seat.leave()
            with self._lock:
                self._seats.discard(seat)
            self._on_change()

    def drain(self) -> None:
        """Take no more sessions, and tell those that there are to end; any thread may call it."""
        with self._lock:
            self._is_draining = True
            seats = list(self._seats)
        for seat in seats:
            seat.tell_end()

    def abandon(self) -> None:
        """Let the sessions end without their last finals; any thread may call it."""
        self.drain()
        for seat in list(self._seats):
            seat.abandon()

    def close(self) -> None:
        """End the threads; the request lane has ended."""
        self.abandon()
        if self.lane is not None:
            self.lane.close()
        self.feeding.shutdown(wait=False, cancel_futures=True)


class Seat:
    """A client's place: its session, or one after the other if it changes its options.

    Attributes:
        is_ending: Set in the client's loop when the server is about to end.
        n_samples: Samples that the client has sent, of 16 kHz.
    """

    def __init__(self, sessions: LiveSessions, lane: SpeechLane) -> None:
        self.is_ending = asyncio.Event()
        self.n_samples = 0
        self._sessions = sessions
        self._lane = lane
        self._loop = asyncio.get_running_loop()
        self._open: set[SpeechSession] = set()

    def tell_end(self) -> None:
        """Set `is_ending`; from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has just ended
            self._loop.call_soon_threadsafe(self.is_ending.set)

    def abandon(self) -> None:
        """Let the sessions end without their last finals; from any thread."""
        for session in list(self._open):
            session.abandon()

    def leave(self) -> None:
        """End the sessions that are left, whose client is gone."""
        self.abandon()
        for session in self._open:
            with contextlib.suppress(RuntimeError):  # the server has just ended
                self._sessions.feeding.submit(session.close)

    async def talk(self, options: Options, stream: StreamOptions, on_event: Emit, source: str) -> Talk:
        """Return a new session.

        Args:
            options: How its speech is decoded.
            stream: When its text is shown and final.
            on_event: Takes its events, in the client's loop.
            source: Name of the client, for logs.

        Raises:
            QasrError: The engine cannot work.
        """

        def emit(event: LiveEvent) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has just ended
                self._loop.call_soon_threadsafe(on_event, event)

        session = await self.call(lambda: self._lane.open(options, stream, emit, source=source))
        self._open.add(session)
        return Talk(self, session)

    async def call(self, work: Callable[[], Any]) -> Any:
        """Do what may block, on a thread.

        Raises:
            DrainingError: The server has just ended.
        """
        try:
            future = self._sessions.feeding.submit(work)
        except RuntimeError as error:
            raise DrainingError("the server is about to end") from error
        return await asyncio.wrap_future(future)

    @property
    def audio_ms(self) -> int:
        """Milliseconds of audio that the client has sent."""
        return self.n_samples // SAMPLES_PER_MS

    def count(self, n_samples: int) -> None:
        """Count audio that came in."""
        self.n_samples += n_samples
        self._sessions.n_samples += n_samples

    def forget(self, session: SpeechSession) -> None:
        """Note that a session is over."""
        self._open.discard(session)


class Talk:
    """A live session for the event loop; one coroutine at a time calls it."""

    def __init__(self, seat: Seat, session: SpeechSession) -> None:
        self._seat = seat
        self._session = session

    @property
    def failure(self) -> QasrError | None:
        """What the engine has failed with."""
        return self._session.failure

    @property
    def is_far_behind(self) -> bool:
        """Whether the engine is so far behind that `feed` would wait."""
        return self._session.lag_ms > _MAX_WAITING_MS

    async def feed(self, samples: np.ndarray) -> None:
        """Add `int16[n_samples]`, 16 kHz mono; wait if the engine is far behind.

        Raises:
            QasrError: The engine has failed.
        """
        while self.is_far_behind:
            await asyncio.sleep(_POLL_S)
        self._seat.count(len(samples))
        await self._seat.call(lambda: self._session.feed(samples))

    async def end_utterance(self) -> None:
        """End the open utterance; the events of that have come when this returns."""
        await self._seat.call(self._session.end_utterance)

    async def close(self) -> QasrError | None:
        """End the session after its last finals; return what the engine has failed with."""
        try:
            await self._seat.call(self._session.close)
        except QasrError as error:
            return error
        finally:
            self._seat.forget(self._session)
        return None
