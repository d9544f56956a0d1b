"""Wyoming: the library's own client, and clients that send what no library would."""

from __future__ import annotations

import asyncio
import importlib
import json
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from wyoming.asr import Transcribe, Transcript, TranscriptChunk
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong

import qasr_cli
from qasr_cli.errors import UnavailableError, UsageError
from qasr_cli.options import EngineOptions, Options
from qasr_cli.serving import wyoming_server
from qasr_cli.serving.wyoming_server import Limits, is_local, split_address
from tests.media_factory import ffmpeg
from tests.serving import gates
from tests.serving.asr_client import samples_of
from tests.serving.in_process import ECHO, LOCAL, InProcess, serving, until

CLIP = Path(__file__).parents[2] / "samples" / "clips" / "clip-01.wav"
LIMITS = Limits(max_bytes=1_000_000, max_ms=20_000, idle_s=2, max_connections=20)


@pytest.fixture(scope="module")
def clip() -> bytes:
    """The samples of a short clip."""
    return samples_of(CLIP)


@pytest.fixture(scope="module")
def small_server() -> Iterator[InProcess]:
    """A server with small limits, whose engine waits for the tests."""
    engine = EngineOptions(engine="tests.serving.gates:gated")
    with serving(Options(engine=engine), wyoming=LIMITS) as running:
        yield running


@pytest.fixture
def small(small_server: InProcess) -> Iterator[InProcess]:
    """The same, with an open gate."""
    gates.ASKED.clear()
    gates.SPOKEN[0] = "English"
    gates.GATE.set()
    yield small_server
    gates.GATE.set()
    until(lambda: small_server.is_clean)


def spoken(
    audio: bytes, shape: tuple[int, int, int] = (16_000, 2, 1), transcribe: Transcribe | None = None
) -> list[Event]:
    """Return the events of one recording, in pieces as a microphone gives them."""
    step = 1_024 * shape[1] * shape[2]
    pieces = [audio[at : at + step] for at in range(0, len(audio), step)]
    events = [] if transcribe is None else [transcribe.event()]
    events.append(AudioStart(*shape).event())
    events += [AudioChunk(*shape, audio=piece).event() for piece in pieces]
    return [*events, AudioStop().event()]


def talk(running: InProcess, events: Sequence[Event], timeout_s: float = 60) -> list[Event]:
    """Send events, and return what is answered until the server closes the connection."""

    async def exchange() -> list[Event]:
        answers = []
        async with AsyncTcpClient(LOCAL, running.wyoming, read_timeout=timeout_s) as client:
            for event in events:
                await client.write_event(event)
            while (answer := await client.read_event()) is not None:
                answers.append(answer)
        return answers

    return asyncio.run(exchange())


def text_of(answers: Sequence[Event]) -> str:
    """Return the one transcript among answers."""
    (event,) = [answer for answer in answers if Transcript.is_type(answer.type)]
    return Transcript.from_event(event).text


def error_of(answers: Sequence[Event]) -> Error:
    """Return the error, which is all of the answer."""
    (event,) = answers
    return Error.from_event(event)


def test_a_command_is_answered_with_the_text_of_the_command_line(
    bazarr: InProcess, local: qasr_cli.Transcriber, clip: bytes
) -> None:
    answers = talk(bazarr, spoken(clip, transcribe=Transcribe(language="en")))
    (alone,) = local.transcribe([CLIP])
    assert alone.transcript is not None
    assert text_of(answers) == alone.transcript.text
    assert [answer.type for answer in answers] == [
        "transcript-start",
        "transcript-chunk",
        "transcript",
        "transcript-stop",
    ]
    assert Transcript.from_event(answers[2]).language == "en"
    assert bazarr.is_clean


@pytest.mark.parametrize("shape", [(48_000, 2, 2), (44_100, 4, 1), (8_000, 1, 1), (16_000, 3, 1)])
def test_any_rate_width_and_number_of_channels(
    bazarr: InProcess, tmp_path: Path, shape: tuple[int, int, int]
) -> None:
    rate, width, channels = shape
    kind = {1: "u8", 2: "s16le", 3: "s24le", 4: "s32le"}[width]
    raw = tmp_path / "raw"
    ffmpeg("-i", CLIP, "-f", kind, "-ac", channels, "-ar", rate, raw)
    text = text_of(talk(bazarr, spoken(raw.read_bytes(), shape)))
    expected = "Where is the yellow bicycle?"
    assert text == expected if rate > 8_000 else text.startswith("Where is")


def test_a_long_recording_comes_as_it_is_recognised(bazarr: InProcess, clip: bytes) -> None:
    pause = bytes(2 * 16_000 * 3)  # ends a chunk
    answers = talk(bazarr, spoken((clip + pause) * 3))
    chunks = [TranscriptChunk.from_event(one).text for one in answers if TranscriptChunk.is_type(one.type)]
    assert "".join(chunks) == text_of(answers) == " ".join(["Where is the yellow bicycle?"] * 3)


def test_text_comes_while_somebody_speaks(bazarr: InProcess, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    ffmpeg("-i", CLIP.parents[1] / "talk.mp4", "-t", 14, "-f", "s16le", "-ac", 1, "-ar", 48_000, raw)
    events = spoken(raw.read_bytes(), (48_000, 2, 1), Transcribe(language="en"))
    early: list[str] = []

    async def exchange() -> list[Event]:
        answers = []
        async with AsyncTcpClient(LOCAL, bazarr.wyoming, read_timeout=60) as client:

            async def read() -> None:
                while (answer := await client.read_event()) is not None:
                    answers.append(answer)

            reading = asyncio.create_task(read())
            for number, event in enumerate(events[:-1]):
                await client.write_event(event)
                if number % 4 == 0:
                    await asyncio.sleep(0.015)  # some six times as fast as it is spoken
            early.extend(answer.type for answer in answers)
            await client.write_event(events[-1])
            await reading
        return answers

    answers = asyncio.run(exchange())
    assert early[:2] == ["transcript-start", "transcript-chunk"]
    whole = text_of(answers)
    assert whole == text_of(talk(bazarr, spoken(raw.read_bytes(), (48_000, 2, 1), Transcribe(language="en"))))
    assert [answer.type for answer in answers].count("transcript-start") == 1
    until(lambda: bazarr.service.live.n_open == 0)
    assert bazarr.is_clean


def test_the_server_describes_itself(bazarr: InProcess) -> None:
    async def ask() -> Info:
        async with AsyncTcpClient(LOCAL, bazarr.wyoming, read_timeout=10) as client:
            await client.write_event(Ping("x").event())
            pong = await client.read_event()
            assert pong is not None
            assert Pong.from_event(pong).text == "x"
            await client.write_event(Describe().event())
            event = await client.read_event()
            assert event is not None
            return Info.from_event(event)

    (program,) = asyncio.run(ask()).asr
    assert (program.name, program.version) == ("qasr", qasr_cli.__version__)
    assert program.supports_transcript_streaming
    assert program.requires_external_vad
    (model,) = program.models
    assert model.name == "demo"
    assert len(model.languages) == 30
    assert {"en", "ko", "yue"} < set(model.languages)


def test_what_is_said_of_the_speech_reaches_the_model(small: InProcess, clip: bytes) -> None:
    wanted = Transcribe(
        name="other", language="ko-KR", transcript_names=["Seán", "Küche\n"], transcript_terms=["Licht"]
    )
    answers = talk(small, spoken(clip, transcribe=wanted))
    assert text_of(answers).startswith("One two")
    (asked,) = gates.ASKED
    assert (asked.language, asked.context) == ("ko", "Seán, Küche\\n, Licht")


@pytest.mark.parametrize("events", [spoken(b""), [AudioStop().event()]])
def test_no_audio_is_no_text(small: InProcess, events: list[Event]) -> None:
    (answer,) = talk(small, events)
    assert Transcript.from_event(answer) == Transcript("")


def test_silence_is_no_text(bazarr: InProcess) -> None:
    (answer,) = talk(bazarr, spoken(bytes(64_000)))
    assert Transcript.from_event(answer) == Transcript("")


def test_audio_without_a_start_and_unknown_events(small: InProcess, clip: bytes) -> None:
    events = [event for event in spoken(clip) if event.type != "audio-start"]
    assert text_of(talk(small, [Event("played"), *events])).startswith("One two")


@pytest.mark.parametrize(
    ("events", "code", "text"),
    [
        (
            [Transcribe(language="klingon").event()],
            "bad-request",
            "no language 'klingon'; did you mean Filipino",
        ),
        (spoken(bytes(10), (16_000, 5, 1)), "bad-audio", "samples of width '5'; send a whole number from"),
        (
            [AudioStart(16_000, 2, 1).event(), AudioStart(8_000, 2, 1).event()],
            "bad-audio",
            "the audio changes its shape; send one recording in one shape",
        ),
        (spoken(bytes(21 * 32_000)), "too-large", "the recording is longer than 0.333333 minutes; send"),
        (spoken(bytes(1_100_000), (96_000, 2, 2)), "too-large", "the request has more than 1 MiB; send"),
    ],
)
def test_what_cannot_be_is_an_error(small: InProcess, events: list[Event], code: str, text: str) -> None:
    error = error_of(talk(small, events))
    assert error.code == code
    assert error.text.startswith(text)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"GET / HTTP/1.1\r\n", "no event of Wyoming: a line that is no JSON object; check the address"),
        (b"[1]\n", "no event of Wyoming"),
        (b'{"type": 1}\n', "an event without a type"),
        (b'{"type": "a", "data_length": 99999999999}\n', "an event's data_length is 99999999999; send at"),
        (b'{"type": "a", "payload_length": -1}\n', "an event's payload_length is -1"),
        (b'{"type": "a", "payload_length": 1e3}\n', "an event's payload_length is 1000.0"),
        (b'{"type": "a", "data_length": 2}\n[]', "no event of Wyoming"),
        (b"[" * 30_000 + b"\n", "no event of Wyoming"),
        (b"\xff\xfe\n", "no event of Wyoming"),
        (b"x" * 70_000, "an event's line has more than 65536 bytes"),
    ],
)
def test_hostile_bytes_are_an_error_and_the_end(small: InProcess, line: bytes, text: str) -> None:
    with socket.create_connection((LOCAL, small.wyoming), timeout=10) as raw:
        raw.sendall(line)
        answer = received(raw)
    head, _, data = answer.partition(b"\n")
    assert json.loads(head)["type"] == "error"
    assert json.loads(data)["text"].startswith(text)


def received(raw: socket.socket) -> bytes:
    """Return all that comes until the server closes the connection."""
    answer = b""
    try:
        while piece := raw.recv(65_536):
            answer += piece
    except ConnectionResetError:  # what it had not read was thrown away
        pass
    return answer


@pytest.mark.parametrize("begin", [b"", b'{"type": "audio-', b'{"type": "a", "payload_length": 9}\n1'])
def test_a_client_that_falls_silent_is_left(small: InProcess, begin: bytes) -> None:
    with socket.create_connection((LOCAL, small.wyoming), timeout=10) as raw:
        raw.sendall(begin)
        begun_s = time.monotonic()
        assert received(raw) == b""
        assert 1 < time.monotonic() - begun_s < 8


def test_what_a_client_no_longer_wants_is_dropped(small: InProcess, clip: bytes) -> None:
    gates.GATE.clear()

    async def leave() -> None:
        async with AsyncTcpClient(LOCAL, small.wyoming) as client:
            for event in spoken(clip):
                await client.write_event(event)
            while not small.service.jobs.open_jobs():
                await asyncio.sleep(0.01)

    asyncio.run(leave())
    until(lambda: not small.service.jobs.open_jobs())


def test_connections_are_limited_and_come_free_again(small: InProcess, clip: bytes) -> None:
    held = [socket.create_connection((LOCAL, small.wyoming), timeout=10) for _ in range(20)]
    time.sleep(0.2)
    assert error_of(talk(small, [])).code == "busy"
    for one in held:
        one.close()
    until(lambda: talk(small, spoken(clip))[-1].type == "transcript-stop")


def test_many_at_once_are_each_answered(small: InProcess, clip: bytes) -> None:
    async def one(client: int) -> str:
        async with AsyncTcpClient(LOCAL, small.wyoming, read_timeout=30) as connection:
            for event in spoken(clip + bytes(640 * client)):
                await connection.write_event(event)
            while (event_ := await connection.read_event()) is not None:
                if Transcript.is_type(event_.type):
                    return Transcript.from_event(event_).text
        return ""

    async def all_of_them() -> list[str]:
        return await asyncio.gather(*(one(number) for number in range(16)))

    assert all(text.startswith("One two") for text in asyncio.run(all_of_them()))


def test_a_server_that_ends_sends_what_is_due(clip: bytes) -> None:
    gates.GATE.clear()
    with ThreadPoolExecutor(1) as clients:
        with serving(Options(engine=EngineOptions(engine="tests.serving.gates:gated"))) as running:
            idle = socket.create_connection((LOCAL, running.wyoming), timeout=10)
            answers = clients.submit(talk, running, spoken(clip))
            until(lambda: bool(running.service.jobs.open_jobs()))
            gates.GATE.set()
            running.service.drain(60, threading.Event())
        assert text_of(answers.result()).startswith("One two")
    assert idle.recv(1) == b""
    idle.close()


def test_a_server_that_ends_refuses_what_comes(clip: bytes) -> None:
    with serving(ECHO) as running:
        running.service.drain(0, threading.Event())
        error = error_of(talk(running, spoken(clip)))
    assert (error.code, error.text) == (
        "busy",
        "the server is about to end; ask again soon, or another server",
    )
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOCAL, running.wyoming), timeout=5)


# ── addresses ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "expected", "is_safe"),
    [
        ("127.0.0.1:10300", ("127.0.0.1", 10_300), True),
        ("tcp://0.0.0.0:10300", ("0.0.0.0", 10_300), False),
        ("[::1]:0", ("::1", 0), True),
        (":10300", ("127.0.0.1", 10_300), True),
        ("10300", ("127.0.0.1", 10_300), True),
        ("localhost:1", ("localhost", 1), True),
        ("nas.lan:1", ("nas.lan", 1), False),
    ],
)
def test_addresses(text: str, expected: tuple[str, int], is_safe: bool) -> None:
    assert split_address(text) == expected
    assert is_local(expected[0]) is is_safe


@pytest.mark.parametrize("text", ["", "host", "host:", "host:99999", "unix:///run/x", "host:1²"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError, match="--wyoming") as refused:
        split_address(text)
    assert "127.0.0.1:10300" in refused.value.hint


def test_an_address_that_is_taken(bazarr: InProcess) -> None:
    taken = f"{LOCAL}:{bazarr.wyoming}"
    with pytest.raises(UnavailableError, match=f"--wyoming {taken}: "):
        asyncio.run(wyoming_server.serve(taken, bazarr.service, Limits()))


def test_without_the_library_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "wyoming"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "wyoming", None)
    monkeypatch.delitem(sys.modules, "qasr_cli.serving.wyoming_server")
    with pytest.raises(UnavailableError, match="the library wyoming is not installed") as missing:
        importlib.import_module("qasr_cli.serving.wyoming_server")
    assert missing.value.hint == "pip install 'qasr[wyoming]'"
    assert missing.value.exit_code == 69
