"""Wyoming, the protocol of Home Assistant's voice assistants: speech in over TCP, text out.

In go events: a line of JSON each, and the bytes that it announces. Out come a description of the server,
transcripts and errors. It runs in the event loop of the HTTP server, and its recordings go into the same
pool, short ones first. The protocol has neither keys nor encryption: whoever reaches the port may use it.

Every time and number is limited here, and every size in `wyoming_events`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qasr_cli.errors import QasrError, UnavailableError, UndecodableError, UsageError, printable
from qasr_cli.options import Options
from qasr_cli.serving import spoken
from qasr_cli.serving.ask import Ask
from qasr_cli.serving.http.raw_samples import RawShape
from qasr_cli.serving.http.uploads import RawSpool
from qasr_cli.serving.http.waiting import following
from qasr_cli.serving.jobs import Job
from qasr_cli.serving.refusals import CancelledError, OverloadedError, TooLargeError
from qasr_cli.serving.service import Service
from qasr_cli.serving.wyoming_events import MAX_LINE_BYTES, Received, read_event
from qasr_cli.serving.wyoming_live import WyomingLive
from qasr_cli.timebase import MS_PER_S
from qasr_cli.version import __version__

try:
    from wyoming.asr import Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
    from wyoming.error import Error
    from wyoming.event import Event, Eventable, async_write_event
    from wyoming.info import AsrModel, AsrProgram, Attribution, Info
except ImportError as error:
    raise UnavailableError(
        "the library wyoming is not installed", "pip install 'qasr[wyoming]'", flag="--wyoming"
    ) from error

logger = logging.getLogger(__name__)

DEFAULT_ADDRESS = "127.0.0.1:10300"  # the port is Wyoming's custom for speech recognition

_MAX_TERMS = 5_000
_SLOWEST = 2.0  # times its length, for a recording to come in
_LINGER_S = 2.0  # for what a client still sends after an error
_GRACE_S = 5.0  # at the end, for transcripts that are being sent
_CODES: tuple[tuple[type[QasrError], str], ...] = (  # the first that fits
    (TooLargeError, "too-large"),
    (OverloadedError, "busy"),
    (UsageError, "bad-request"),
    (UndecodableError, "bad-audio"),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may take.

    Attributes:
        max_bytes: Largest recording.
        max_ms: Longest recording.
        idle_s: Seconds in which the next event must be there, and an answer be read.
        max_connections: Connections at once.
    """

    max_bytes: int = 4 * 1024**3
    max_ms: int = 3_600_000
    idle_s: float = 60.0
    max_connections: int = 256


def split_address(text: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`, `[IPV6]:PORT`, `PORT` or Wyoming's own `tcp://HOST:PORT`.

    Raises:
        UsageError: It is none of these.
    """
    host, _, port = text.removeprefix("tcp://").rstrip("/").rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) < 1 << 16):
        raise UsageError(
            f"--wyoming {text}: no address", f"give HOST:PORT, such as {DEFAULT_ADDRESS}", flag="--wyoming"
        )
    return host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)


def is_local(host: str) -> bool:
    """Whether nobody but this machine reaches a host's address."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host.lower() == "localhost"


async def serve(
    address: str, service: Service, limits: Limits, on_ready: Callable[[str], None] = logger.debug
) -> None:
    """Listen at an address until cancelled; then transcripts that are ready are still sent.

    Args:
        address: As `split_address` takes it; port 0 takes any that is free.
        service: The service; drain it first for a graceful end.
        limits: What one client may take.
        on_ready: Called with the address, `HOST:PORT`, once the server listens.

    Raises:
        UsageError: The address is none.
        UnavailableError: Nothing can listen there.
    """
    host, port = split_address(address)
    if not is_local(host):
        logger.warning("--wyoming %s: whoever reaches this address may use it without a key", address)
    clients: dict[asyncio.Task[None], _Client] = {}

    async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine that runs is a task
        clients[task] = client = _Client(reader, writer, service, limits)
        try:
            await client.talk(is_full=len(clients) > limits.max_connections)
        finally:
            del clients[task]

    try:
        server = await asyncio.start_server(welcome, host, port, limit=MAX_LINE_BYTES)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UnavailableError(
            f"--wyoming {address}: {reason}", "choose another port or address", flag="--wyoming"
        ) from error
    try:
        name, number = server.sockets[0].getsockname()[:2]
        on_ready(f"[{name}]:{number}" if ":" in name else f"{name}:{number}")
        await asyncio.Event().wait()  # until cancelled
    finally:
        server.close()
        await _end(clients)


async def _end(clients: dict[asyncio.Task[None], _Client]) -> None:
    """End the connections: at once, or soon where a transcript is due."""
    answering = [task for task, client in clients.items() if client.is_answering]
    if answering:
        await asyncio.wait(answering, timeout=_GRACE_S)
    left = list(clients)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


class _Client:
    """One connection, which brings one recording.

    Attributes:
        is_answering: The recording is here, and its transcript is due.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, service: Service, limits: Limits
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._service = service
        self._limits = limits
        # Speech comes as fast as it is spoken; what comes more slowly never ends
        self._until_s = asyncio.get_running_loop().time() + _SLOWEST * limits.max_ms / MS_PER_S
        self.is_answering = False
        self._options: Options | None = None  # of the recording
        self._shape: RawShape | None = None
        self._spool: RawSpool | None = None
        self._live: WyomingLive | None = None

    async def talk(self, *, is_full: bool) -> None:
        """Answer events until a transcript is sent, or the client is gone."""
        with contextlib.ExitStack() as scratch:
            scratch.callback(self._writer.close)
            try:
                if is_full:
                    raise OverloadedError("too many connections", "connect again later")
                while (event := await self._next()) is not None:
                    if not await self._handle(event, scratch):
                        return
            except QasrError as error:
                logger.warning("wyoming: %s", error)
                await self._refuse(error)
            except (OSError, TimeoutError) as error:  # gone, silent, or it does not read
                logger.debug("wyoming: %s", type(error).__name__)

    async def _refuse(self, error: QasrError) -> None:
        code = next((code for kind, code in _CODES if isinstance(error, kind)), "failed")
        hint = error.hint.strip()
        text = f"{error.message}; {hint}" if hint else error.message
        with contextlib.suppress(OSError, TimeoutError):
            await self._write(Error(text, code))
            self._writer.write_eof()
            async with asyncio.timeout(_LINGER_S):  # closed with unread bytes, it would lose the error
                await _until_gone(self._reader)

    async def _write(self, answer: Eventable) -> None:
        async with asyncio.timeout(self._limits.idle_s):
            await async_write_event(answer.event(), self._writer)

    # ── events ──────────────────────────────────────────────────────────────────────────────────────────

    async def _next(self) -> Received | None:
        """Return the next event; None if the client has closed the connection."""
        now_s = asyncio.get_running_loop().time()
        async with asyncio.timeout_at(min(now_s + self._limits.idle_s, self._until_s)):
            return await read_event(self._reader)

    async def _handle(self, event: Received, scratch: contextlib.ExitStack) -> bool:
        """Answer an event; return False if the connection is over."""
        if event.type == "describe":
            await self._write(describe(self._service))
        elif event.type == "ping":
            await self._write_pong(event)
        elif event.type == "transcribe":
            self._options = _options(self._service, event.data)
        elif event.type in {"audio-start", "audio-chunk"}:
            self._receive(event, scratch)
            await self._speak_along(event, scratch)
        elif event.type == "audio-stop":
            self.is_answering = True
            await self._transcribe()
            return False  # as the reference server does; clients connect for each recording
        return True

    async def _write_pong(self, event: Received) -> None:
        text = event.data.get("text")
        async with asyncio.timeout(self._limits.idle_s):
            await async_write_event(Event("pong", {"text": text} if text else {}), self._writer)

    def _receive(self, event: Received, scratch: contextlib.ExitStack) -> None:
        """Take some audio; the first event with a shape begins the recording."""
        shape = RawShape.of(*(event.data.get(name) for name in ("rate", "width", "channels")))
        if self._spool is None:
            self._service.admit(is_refusable=False)
            spool = RawSpool(self._service.folder, "wyoming", self._limits.max_bytes, shape)
            self._shape, self._spool = shape, scratch.enter_context(spool)
        if shape != self._shape:
            raise UndecodableError("the audio changes its shape", "send one recording in one shape")
        self._spool.write(event.payload)
        if self._spool.duration_ms > self._limits.max_ms:
            raise TooLargeError(
                f"the recording is longer than {self._limits.max_ms / 60_000:g} minutes",
                "send long media to /v1/audio/transcriptions",
            )

    async def _speak_along(self, event: Received, scratch: contextlib.ExitStack) -> None:
        """Let a live session have the audio too, if there is one, and send what is certain by now."""
        if self._live is None:
            assert self._shape is not None  # noqa: S101 - as received
            options = self._options or _options(self._service, {})
            self._live = scratch.enter_context(WyomingLive(self._service, options, self._shape))
        if text := await self._live.feed(event.payload):
            await self._send_text(text, is_first=self._live.text == text)

    # ── the recording ───────────────────────────────────────────────────────────────────────────────────

    async def _transcribe(self) -> None:
        """Recognise what was received, and send its text, what is final of it at once.

        The text may differ from what was sent while it was spoken; then only that of the transcript counts.
        """
        sent = ""
        if self._live is not None:
            self._live.leave()
            sent = self._live.text
        if self._spool is None or self._spool.is_empty:
            await self._write(Transcript(""))
            return
        options = self._options or _options(self._service, {})
        job = self._service.submit(Ask(options), self._spool.close())
        sent = await self._follow(job, sent)
        if job.result is None:
            await self._refuse(job.error or CancelledError("no result"))
            return
        transcript = job.result.transcript
        if rest := _rest(transcript.text, sent):
            await self._send_text(rest, is_first=not sent)
        await self._write(Transcript(transcript.text, language=job.result.language))
        if transcript.text:
            await self._write(TranscriptStop())

    async def _follow(self, job: Job, sent: str) -> str:
        """Send a job's text as it becomes final, until the job is; return what was sent by now.

        Raises:
            ConnectionResetError: The client has gone away.
        """
        async with following(job) as changes:
            gone = asyncio.ensure_future(_until_gone(self._reader))
            try:
                while not job.is_final:
                    change = asyncio.ensure_future(changes.next(self._limits.idle_s))
                    await asyncio.wait({change, gone}, return_when=asyncio.FIRST_COMPLETED)
                    change.cancel()
                    if gone.done():
                        raise ConnectionResetError
                    if rest := _rest(job.text, sent):
                        await self._send_text(rest, is_first=not sent)
                        sent += rest
                return sent
            finally:
                gone.cancel()

    async def _send_text(self, text: str, *, is_first: bool) -> None:
        if is_first:
            await self._write(TranscriptStart())
        await self._write(TranscriptChunk(text))


def _rest(text: str, sent: str) -> str:
    """Return what of a text is not sent yet; nothing if it begins otherwise than what was sent."""
    return text[len(sent) :] if text.startswith(sent) else ""


async def _until_gone(reader: asyncio.StreamReader) -> None:
    """Return when the client has closed the connection; what it sends until then is dropped."""
    with contextlib.suppress(OSError):
        while await reader.read(MAX_LINE_BYTES):
            pass


# ── what clients ask for, and what they are told ────────────────────────────────────────────────────────────


def _options(service: Service, data: Mapping[str, Any]) -> Options:
    """Return the options of a `transcribe` event; what qasr does not know of it is ignored."""
    language = data.get("language")
    terms = [*_texts(data.get("transcript_names")), *_texts(data.get("transcript_terms"))]
    return spoken.options_of(
        service, language if isinstance(language, str) else "", terms[:_MAX_TERMS], is_timed=False
    )


def _texts(given: object) -> Iterator[str]:
    if isinstance(given, list):
        yield from (printable(text) for text in given if isinstance(text, str))


def describe(service: Service) -> Info:
    """Return the description of the server."""
    qwen = Attribution("Qwen", "https://huggingface.co/Qwen")
    model = AsrModel(
        name=service.options.engine.model,
        attribution=qwen,
        installed=True,
        description=service.model_id or "Qwen3-ASR",
        version=None,
        languages=spoken.known_languages(service),
    )
    program = AsrProgram(
        name="qasr",
        attribution=qwen,
        installed=True,
        description="qasr: Qwen3-ASR",
        version=__version__,
        models=[model],
        supports_transcript_streaming=True,
    )
    return Info(asr=[program])
