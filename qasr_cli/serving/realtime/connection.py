"""The WebSocket of `/v1/realtime`: a client's events in, its session's events out, until either ends.

In go events of strangers; each is checked, and a wrong one is answered with an error and changes nothing.
Every size, number and time is limited: sessions by their seats, a frame by the protocol, what waits for the
engine and for the client, and silence of a client that is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import math
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from qasr_cli import bounded_json
from qasr_cli.errors import QasrError, printable
from qasr_cli.options import Options, StreamOptions
from qasr_cli.serving import spoken
from qasr_cli.serving.http import failures
from qasr_cli.serving.http.failures import ApiError
from qasr_cli.serving.http.site import Site, site_of
from qasr_cli.serving.live_sessions import Seat, Talk
from qasr_cli.serving.realtime.conversation import Conversation
from qasr_cli.serving.realtime.outbox import Outbox
from qasr_cli.serving.realtime.settings import Settings
from qasr_cli.serving.realtime.sound import Sound
from qasr_cli.serving.refusals import DrainingError
from qasr_cli.timebase import ms_to_samples

logger = logging.getLogger(__name__)

Event = Mapping[str, Any]

IDLE_S = 300.0  # without any event of a client; the protocol's own pings find the dead ones sooner
_WATCH_S = 1.0  # between two looks at the engine
_LAST_S = 1.0  # at the end of the server, for what was sent before …
_QUIET_S = 0.2  # … as long as it comes
_MIN_COMMIT_MS = 100  # as OpenAI's
_MAX_UNCOMMITTED_MS = 3_600_000  # of a client that ends its turns itself
_SUBPROTOCOL = "realtime"
_GOING_AWAY, _UNREAD, _FAILED = 1001, 1008, 1011
_OTHERS = ("response.", "conversation.", "output_audio_buffer.")  # of models that answer


async def serve(websocket: WebSocket) -> None:
    """Serve one client; one that there is no room for is refused with a status."""
    site = site_of(websocket)
    try:
        if site.service.failure is not None:
            raise DrainingError("the server is about to end")
        with site.service.live.seat() as seat:
            subprotocol = _SUBPROTOCOL if _SUBPROTOCOL in websocket.scope["subprotocols"] else None
            await websocket.accept(subprotocol)
            await _Connection(websocket, site, seat).run()
            websocket.state.audio_ms = seat.audio_ms  # for the log
    except QasrError as error:
        await failures.answer(error)(websocket.scope, websocket.receive, websocket.send)


class _Connection:
    """One connection, which has one session after the other if its settings change."""

    def __init__(self, websocket: WebSocket, site: Site, seat: Seat) -> None:
        self._websocket = websocket
        self._site = site
        self._seat = seat
        self._outbox = Outbox()
        self._conversation = Conversation(self._outbox.put)
        self._settings = Settings()
        self._options: Options | None = None  # of the settings
        self._id = f"sess_{secrets.token_hex(12)}"
        self._talk: Talk | None = None
        self._sound = Sound(self._settings.encoding, self._settings.rate_hz)
        self._n_talks = 0
        self._closing: set[asyncio.Task[None]] = set()  # sessions before, whose last text is still to come
        self._failure: QasrError | None = None
        self._is_old = websocket.headers.get("openai-beta", "") == "realtime=v1"
        self._handlers: dict[str, Callable[[Event], Awaitable[None]]] = {
            "session.update": self._update,
            "transcription_session.update": self._update,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit,
            "input_audio_buffer.clear": self._clear,
        }

    async def run(self) -> None:
        """Serve until the client or the server ends."""
        self._describe("created", is_old=self._is_old)
        writing = asyncio.create_task(self._outbox.send_all(self._websocket))
        ending = asyncio.create_task(self._seat.is_ending.wait())
        try:
            code, reason = await self._read(writing, ending)
            if code is not None and not writing.done():
                with contextlib.suppress(QasrError):  # the drain has taken too long
                    await self._finish(writing)
                with contextlib.suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
                    async with asyncio.timeout(IDLE_S):
                        await self._websocket.close(code, reason)
        finally:
            for task in (writing, ending, *self._closing):
                task.cancel()
            await asyncio.gather(writing, ending, return_exceptions=True)

    async def _read(self, writing: asyncio.Task[None], ending: asyncio.Task[bool]) -> tuple[int | None, str]:
        """Handle events until the end; return code and reason of the close, or None if the client is gone."""
        stops_s = math.inf
        while True:
            receiving = asyncio.create_task(self._websocket.receive())
            await self._wait(receiving, writing, ending)
            now_s = time.monotonic()
            if ending.done() and self._failure is None:  # what was sent before the end is still taken
                stops_s = min(stops_s, now_s + _LAST_S)
                left_s = min(_QUIET_S, stops_s - now_s)
                await asyncio.wait({receiving, writing}, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            if not receiving.done() or now_s >= stops_s or self._failure is not None:
                receiving.cancel()
                await asyncio.gather(receiving, return_exceptions=True)
                return self._end_of(writing, ending)
            message = receiving.result()
            if message["type"] == "websocket.disconnect":
                return None, ""
            await self._take(message.get("text"))
            if self._outbox.is_full:
                return _UNREAD, "the client does not read its events"

    async def _wait(
        self, receiving: asyncio.Task[Any], writing: asyncio.Task[None], ending: asyncio.Task[bool]
    ) -> None:
        """Wait for an event of the client, the end of something, or a client that was silent too long."""
        waited: set[asyncio.Task[Any]] = {receiving, writing, ending}
        for _ in range(round(IDLE_S / _WATCH_S)):
            if self._talk is not None and (failure := self._talk.failure) is not None:
                self._fail(failure)  # its client may only wait for text
            if self._failure is not None:
                return
            done, _ = await asyncio.wait(waited, timeout=_WATCH_S, return_when=asyncio.FIRST_COMPLETED)
            if done:
                return

    def _end_of(self, writing: asyncio.Task[None], ending: asyncio.Task[bool]) -> tuple[int | None, str]:
        """Return code and reason of the close; None if the client is gone."""
        if self._failure is not None:
            return _FAILED, "the engine has failed"
        if ending.done():
            return _GOING_AWAY, "the server is about to end"
        return (None, "") if writing.done() else (_GOING_AWAY, "nothing was received for too long")

    async def _finish(self, writing: asyncio.Task[None]) -> None:
        """Make the last words final, and send all that is due, as long as the client reads."""
        if self._failure is None:
            await self._end_talk()
        await asyncio.gather(*self._closing)
        flushing = asyncio.create_task(self._outbox.flush())
        await asyncio.wait({writing, flushing}, return_when=asyncio.FIRST_COMPLETED)
        flushing.cancel()

    # ── the client's events ─────────────────────────────────────────────────────────────────────────────

    async def _take(self, text: str | None) -> None:
        """Handle one event, or answer it with an error."""
        event: object = None
        try:
            if text is None:
                raise _wrong("an event is text, and this one is binary", "send audio as base64")
            with contextlib.suppress(ValueError):
                event = bounded_json.loads(text)
            if not isinstance(event, dict):
                raise _wrong("the event is no JSON object", "send an object with a type", code="invalid_json")
            await self._handler(event.get("type"))(event)
        except QasrError as error:
            self._refuse(error, event)

    def _handler(self, kind: object) -> Callable[[Event], Awaitable[None]]:
        found = self._handlers.get(kind) if isinstance(kind, str) else None
        if found is not None:
            return found
        shown = printable(str(kind))[:60]
        if shown.startswith(_OTHERS):
            raise _wrong(f"{shown}: this server only transcribes", "send audio", "type", "unsupported")
        raise _wrong(f"there is no event {shown}", f"it is one of {', '.join(self._handlers)}", "type")

    def _refuse(self, error: QasrError, event: object) -> None:
        body = failures.body_of(error)["error"]
        given = event.get("event_id") if isinstance(event, dict) else None
        assert isinstance(body, dict)  # noqa: S101 - as it is made
        event_id = given[:100] if isinstance(given, str) else None
        self._outbox.put({"type": "error", "error": {**body, "event_id": event_id}})

    async def _update(self, event: Event) -> None:
        settings = self._settings.updated(event.get("session"))
        options = self._options_of(settings)
        if settings != self._settings:
            await self._end_talk()
            self._sound = Sound(settings.encoding, settings.rate_hz)
        self._settings, self._options = settings, options
        self._conversation.is_manual = settings.turns is None
        self._describe("updated", is_old=event["type"] == "transcription_session.update")

    async def _append(self, event: Event) -> None:
        audio, conversation = event.get("audio"), self._conversation
        if not isinstance(audio, str):
            raise _wrong("the event has no audio", "send base64", "audio")
        if conversation.is_manual and conversation.n_uncommitted > ms_to_samples(_MAX_UNCOMMITTED_MS):
            raise _wrong("an hour of audio is not committed", "send input_audio_buffer.commit", "audio")
        try:
            samples = await self._seat.call(functools.partial(self._sound.samples, audio))
        except ValueError as error:
            raise _wrong("the audio is not base64", "encode the samples alone", "audio") from error
        conversation.n_uncommitted += len(samples)
        try:
            self._talk = self._talk or await self._open_talk()
            await self._talk.feed(samples)
        except QasrError as error:
            self._fail(error)

    async def _commit(self, event: Event) -> None:
        conversation = self._conversation
        is_short = conversation.n_uncommitted < ms_to_samples(_MIN_COMMIT_MS)
        # One event may have the end of an item and the begin of the next one
        if self._talk is None or (is_short and not conversation.has_open):
            raise _wrong(
                f"less than {_MIN_COMMIT_MS} ms of audio are in the buffer",
                "append audio first",
                code="input_audio_buffer_commit_empty",
            )
        await self._talk.end_utterance()
        if conversation.is_manual or conversation.n_uncommitted:  # not committed by the end of its speech
            conversation.commit()

    async def _clear(self, event: Event) -> None:
        self._conversation.clear()
        await self._end_talk()
        self._sound = Sound(self._settings.encoding, self._settings.rate_hz)
        self._outbox.put({"type": "input_audio_buffer.cleared"})

    # ── the session ─────────────────────────────────────────────────────────────────────────────────────

    def _options_of(self, settings: Settings) -> Options:
        """Return the options of settings.

        Raises:
            UsageError: There is no such language, or the engine does not support it.
        """
        options = spoken.options_of(
            self._site.service, settings.language, map(printable, settings.terms), is_timed=False
        )
        onset = settings.turns.onset if settings.turns else None
        if onset is None:
            return options
        return replace(options, vad=replace(options.vad, onset=onset, offset=min(onset, options.vad.offset)))

    async def _open_talk(self) -> Talk:
        if self._options is None:
            self._options = self._options_of(self._settings)
        turns = self._settings.turns
        stream = StreamOptions() if turns is None else StreamOptions(pause_ms=turns.pause_ms)
        number, self._n_talks = self._n_talks, self._n_talks + 1
        on_event = functools.partial(self._conversation.handle, number, self._seat.audio_ms)
        return await self._seat.talk(self._options, stream, on_event, "a client")

    async def _end_talk(self) -> None:
        """End the session; its last text comes when it is ready."""
        talk, self._talk = self._talk, None
        if talk is None:
            return
        await talk.end_utterance()
        if self._conversation.has_open:
            self._conversation.commit()
        if self._closing:  # each takes a thread
            await asyncio.wait(self._closing)
        task = asyncio.create_task(self._close(talk))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _close(self, talk: Talk) -> None:
        if (error := await talk.close()) is not None:
            self._fail(error)

    def _fail(self, error: QasrError) -> None:
        """Note that the engine has failed, and tell the client."""
        if self._failure is not None:
            return
        logger.error("%s", error)
        self._failure = error
        self._seat.is_ending.set()
        self._conversation.fail(error.message)
        self._refuse(ApiError(failures.status_of(error), error.message, error.hint), None)

    def _describe(self, what: str, *, is_old: bool) -> None:
        """Tell the client its settings."""
        settings, model = self._settings, self._site.model_name
        describe = settings.described_old if is_old else settings.described
        kind = "transcription_session" if is_old else "session"
        self._outbox.put({"type": f"{kind}.{what}", "session": describe(self._id, model)})


def _wrong(message: str, hint: str, param: str | None = None, code: str = "invalid_event") -> ApiError:
    return ApiError(400, message, hint, param=param, code=code)
