"""/v1/realtime: OpenAI's own client, and clients that send what none would."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from socket import SHUT_RDWR
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

import qasr_cli
from qasr_cli.options import EngineOptions, Options
from qasr_cli.serving.http.keys import Keys
from qasr_cli.serving.http.site import HttpSettings
from qasr_cli.serving.service import ServiceLimits
from tests.media_factory import ffmpeg
from tests.serving import gates, raw
from tests.serving.asr_client import samples_of
from tests.serving.conftest import client_of
from tests.serving.in_process import ECHO, InProcess, serving, until
from tests.serving.realtime_client import (
    append,
    events_until,
    kinds,
    opened,
    send,
    sound,
    there,
    updated,
)

SAMPLES = Path(__file__).parents[2] / "samples"
CLIP = SAMPLES / "clips" / "clip-01.wav"
TEXT = "Where is the yellow bicycle?"
PAUSE = bytes(2 * 16_000)  # ends an utterance
TRANSCRIPTION = "conversation.item.input_audio_transcription"


@pytest.fixture(scope="module")
def clip() -> bytes:
    """The samples of a short clip."""
    return samples_of(CLIP)


@pytest.fixture(scope="module")
def echoing() -> Iterator[InProcess]:
    """A server with made-up words and two seats."""
    with serving(ECHO, ServiceLimits(max_live=2)) as running:
        yield running


@pytest.fixture
def echo(echoing: InProcess) -> Iterator[InProcess]:
    """The same, in which nothing is left running."""
    yield echoing
    until(lambda: echoing.service.live.n_open == 0)


class TestOpenAI:
    def test_a_talk_with_its_own_client(
        self, bazarr: InProcess, local: qasr_cli.Transcriber, clip: bytes
    ) -> None:
        (alone,) = local.transcribe([CLIP])
        assert alone.transcript is not None
        with (
            client_of(bazarr) as client,
            client.realtime.connect(extra_query={"intent": "transcription"}) as connection,
        ):
            assert connection.recv().type == "session.created"
            connection.session.update(
                session={
                    "type": "transcription",
                    "audio": {
                        "input": {
                            "format": {"type": "audio/pcm", "rate": 24_000},
                            "transcription": {"model": "whisper-1", "language": "en", "prompt": "bicycle"},
                            "turn_detection": {"type": "server_vad", "silence_duration_ms": 300},
                        }
                    },
                }
            )
            samples = np.frombuffer(clip + PAUSE, "<i2")
            at_24_khz = np.interp(np.arange(0, len(samples), 2 / 3), np.arange(len(samples)), samples)
            given = at_24_khz.astype("<i2").tobytes()
            for begin in range(0, len(given), 9_600):
                audio = base64.b64encode(given[begin : begin + 9_600]).decode()
                connection.input_audio_buffer.append(audio=audio)
            texts, deltas, seen = [], "", list[str]()
            for event in connection:
                seen.append(str(event.type))
                if event.type == "conversation.item.input_audio_transcription.delta":
                    deltas += event.delta or ""
                if event.type == "conversation.item.input_audio_transcription.completed":
                    texts.append(event.transcript)
                    break
        assert texts == [deltas] == [alone.transcript.text]
        shown = [kind for kind in seen if kind != "qasr.partial"]
        assert shown[:3] == [
            "session.updated",
            "input_audio_buffer.speech_started",
            "input_audio_buffer.speech_stopped",
        ]
        assert shown[3:6] == [
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.created",
        ]

    def test_its_turns_are_those_of_the_client(self, bazarr: InProcess, clip: bytes) -> None:
        with opened(bazarr) as socket:
            updated(socket, sound(turn_detection=None, transcription={"language": "en"}))
            texts = []
            for _ in range(2):
                append(socket, clip + PAUSE + clip)  # two utterances, one item
                send(socket, "input_audio_buffer.commit")
                events = events_until(socket, "completed")
                assert "input_audio_buffer.speech_started" not in kinds(events)
                deltas = "".join(one["delta"] for one in events if one["type"].endswith(".delta"))
                texts.append(events[-1]["transcript"])
                assert deltas == texts[-1]
        assert texts == [f"{TEXT} {TEXT}"] * 2

    @pytest.mark.parametrize(("encoding", "codec", "rate_hz"), [
        ("audio/pcm", "pcm_s16le", 48_000), ("audio/pcm", "pcm_s16le", 24_000),
        ("audio/pcmu", "pcm_mulaw", 8_000), ("audio/pcma", "pcm_alaw", 8_000),
    ])  # fmt: skip
    def test_each_kind_of_sound(
        self, bazarr: InProcess, tmp_path: Path, encoding: str, codec: str, rate_hz: int
    ) -> None:
        file = tmp_path / "raw"
        kind = {"pcm_s16le": "s16le", "pcm_mulaw": "mulaw", "pcm_alaw": "alaw"}[codec]
        ffmpeg("-i", CLIP, "-c:a", codec, "-ac", 1, "-ar", rate_hz, "-f", kind, file)
        with opened(bazarr) as socket:
            shape = {"type": encoding, "rate": rate_hz}
            sent: dict[str, object] = {"audio": {"input": {"format": shape, "turn_detection": None}}}
            updated(socket, sent)
            append(socket, file.read_bytes())
            send(socket, "input_audio_buffer.commit")
            text = events_until(socket, "completed")[-1]["transcript"]
        assert text == TEXT if rate_hz > 8_000 else text.startswith("Where is")

    def test_the_older_spelling(self, bazarr: InProcess, clip: bytes) -> None:
        with opened(bazarr, additional_headers={"OpenAI-Beta": "realtime=v1"}) as socket:
            assert events_until(socket, "created")[0]["type"] == "transcription_session.created"
            session = {"input_audio_format": "pcm16", "turn_detection": None}
            send(socket, "transcription_session.update", session=session)
            (answer,) = events_until(socket, "updated")
            assert answer["type"] == "transcription_session.updated"
            assert answer["session"]["input_audio_format"] == "pcm16"


class TestWhileSomebodySpeaks:
    def test_text_comes_before_the_end_and_is_never_taken_back(self, bazarr: InProcess, clip: bytes) -> None:
        with opened(bazarr) as socket:
            updated(socket, sound(turn_detection=None, transcription={"language": "en"}))
            for begin in range(0, len(clip + PAUSE + clip), 3_200):
                append(socket, (clip + PAUSE + clip)[begin : begin + 3_200])
                time.sleep(0.02)  # five times as fast as it is spoken
            early = [event for event in there(socket) if event["type"] == "qasr.partial"]
            send(socket, "input_audio_buffer.commit")
            text = events_until(socket, "completed")[-1]["transcript"]
        assert early
        stable = [event["stable"] for event in early]
        assert all(text.startswith(one) or one in text for one in stable)
        assert text == f"{TEXT} {TEXT}"

    def test_a_film_beside_it_does_not_silence_it(self, bazarr: InProcess, clip: bytes) -> None:
        with ThreadPoolExecutor(1) as others, opened(bazarr) as socket:
            updated(socket, sound(transcription={"language": "en"}))
            film = others.submit(_transcribe, bazarr, SAMPLES / "talk.mp4")
            until(lambda: bazarr.service.lane.n_running > 0)
            append(socket, clip + PAUSE)
            events_until(socket, "completed")
            assert not film.done()
            assert len(film.result()) > 1_000

    def test_changed_settings_begin_anew(self, bazarr: InProcess, clip: bytes) -> None:
        with opened(bazarr) as socket:
            updated(socket, sound())
            append(socket, clip + PAUSE)
            first = events_until(socket, "speech_stopped")
            updated(socket, sound(transcription={"language": "en"}))
            append(socket, clip + PAUSE)
            second = events_until(socket, "speech_stopped")
            starts = [event["audio_start_ms"] for event in first + second if "audio_start_ms" in event]
            assert len(starts) == 2
            assert starts[1] >= len(clip + PAUSE) / 32

    def test_what_is_cleared_has_no_text(self, echo: InProcess, clip: bytes) -> None:
        with opened(echo) as socket:
            updated(socket, sound(turn_detection=None))
            append(socket, clip)
            send(socket, "input_audio_buffer.clear")
            send(socket, "input_audio_buffer.commit")
            events = events_until(socket, "error")
            assert kinds(events)[-2:] == ["input_audio_buffer.cleared", "error"]
            assert events[-1]["error"]["code"] == "input_audio_buffer_commit_empty"
            append(socket, clip)
            send(socket, "input_audio_buffer.commit")
            events = events_until(socket, "completed")
            assert len([kind for kind in kinds(events) if kind.endswith("committed")]) == 1

    def test_silence_is_an_item_without_text(self, echo: InProcess) -> None:
        with opened(echo) as socket:
            updated(socket, sound())
            append(socket, PAUSE)
            send(socket, "input_audio_buffer.commit")
            assert events_until(socket, "completed")[-1]["transcript"] == ""


def _transcribe(running: InProcess, path: Path) -> str:
    with client_of(running) as client:
        return client.audio.transcriptions.create(file=path, model="x", prompt="beside").text


class TestWrong:
    @pytest.mark.parametrize(("message", "code", "part"), [
        ("no json", "invalid_json", "no JSON object"),
        ("[1]", "invalid_json", "no JSON object"),
        (b"\0\1", "invalid_event", "binary"),
        ({"type": 5}, "invalid_event", "there is no event 5"),
        ({"type": "response.create", "event_id": "mine"}, "unsupported", "only transcribes"),
        ({"type": "x", "event_id": "\ud800"}, "invalid_event", "there is no event x"),
        ({"type": "input_audio_buffer.append"}, "invalid_event", "no audio"),
        ({"type": "input_audio_buffer.append", "audio": "§"}, "invalid_event", "not base64"),
        ({"type": "input_audio_buffer.commit"}, "input_audio_buffer_commit_empty", "100 ms"),
        ({"type": "session.update", "session": {"type": "realtime"}}, "invalid_value", "only transcribes"),
        ({"type": "session.update", "session": sound(transcription={"language": "xx"})}, None, "xx"),
    ])  # fmt: skip
    def test_it_is_named_and_the_session_goes_on(
        self, echo: InProcess, message: Any, code: str | None, part: str
    ) -> None:
        with opened(echo) as socket:
            events_until(socket, "created")
            socket.send(json.dumps(message) if isinstance(message, dict) else message)
            (event,) = events_until(socket, "error")
            assert event["error"]["code"] == code
            assert part in event["error"]["message"]
            has_id = isinstance(message, dict) and "event_id" in message
            shown = {"mine": "mine", "\ud800": "?"}
            assert event["error"]["event_id"] == (shown[message["event_id"]] if has_id else None)
            updated(socket, sound())

    def test_a_frame_above_the_limit_ends_the_connection(self, echo: InProcess) -> None:
        with opened(echo) as socket:
            events_until(socket, "created")
            with pytest.raises(ConnectionClosed):
                append(socket, bytes(60 * 1024**2), step=12 * 1024**2)  # 16 MiB of base64 each

    def test_an_engine_that_fails_is_told_once(self, clip: bytes) -> None:
        options = Options(engine=EngineOptions(engine="tests.fakes:crashing_on_long"))
        with serving(options) as running, opened(running) as socket:
            updated(socket, sound())
            append(socket, clip[12_800:44_800] * 6)  # without a pause
            events = events_until(socket, "error")
            assert "four seconds" in events[-1]["error"]["message"]
            with pytest.raises(ConnectionClosed) as ended:
                events_until(socket, "never")
            assert ended.value.rcvd is not None
            assert ended.value.rcvd.code == 1011


class TestWho:
    def test_a_key_is_needed_by_header_or_subprotocol(self) -> None:
        with serving(ECHO, settings=HttpSettings(keys=Keys(["right"]))) as running:
            for given in ({}, {"additional_headers": {"Authorization": "Bearer wrong"}}):
                assert _refusal(running, **given) == (401, "invalid_api_key")
            page: Sequence[Any] = ["realtime", "openai-insecure-api-key.wrong"]
            assert _refusal(running, subprotocols=page)[0] == 401
            page = ["realtime", "openai-insecure-api-key.right", "openai-beta.realtime-v1"]
            with opened(running, subprotocols=page) as socket:
                assert socket.subprotocol == "realtime"
                events_until(socket, "created")
            with (
                client_of(running, "right") as client,
                client.realtime.connect(extra_query={"intent": "transcription"}) as connection,
            ):
                assert connection.recv().type == "session.created"

    def test_a_page_of_a_stranger_gets_nothing(self, echo: InProcess) -> None:
        assert _refusal(echo, origin="http://evil.example")[0] == 403
        assert _refusal(echo, additional_headers={"Host": "evil.example"})[0] == 400
        with opened(echo, origin=f"http://127.0.0.1:{echo.port}") as socket:
            events_until(socket, "created")

    def test_a_plain_request_is_told_to_upgrade(self, echo: InProcess) -> None:
        answer = raw.request(echo, "GET", "/v1/realtime")
        assert answer.status == 426
        assert "is a WebSocket" in json.loads(answer.body)["error"]["message"]

    def test_there_are_so_many_seats(self, echo: InProcess) -> None:
        with opened(echo), opened(echo):
            status, message = _refusal(echo)
            assert (status, "2 live sessions" in message) == (503, True)
            status_page = client_of(echo).get("/../status", cast_to=object)
            assert status_page["live_sessions"] == 2  # type: ignore[index]
        until(lambda: echo.service.live.n_open == 0)
        with opened(echo) as socket:
            events_until(socket, "created")

    def test_a_client_that_is_gone_leaves_its_seat(self, echo: InProcess, clip: bytes) -> None:
        with opened(echo) as socket:
            updated(socket, sound())
            append(socket, clip)
            socket.socket.shutdown(SHUT_RDWR)  # without a word
        until(lambda: echo.service.live.n_open == 0)


def _refusal(running: InProcess, **given: Any) -> tuple[int, str]:
    """Return the status of a connection that is refused, and its code or message."""
    with pytest.raises(InvalidStatus) as refused, opened(running, **given):
        pass
    response = refused.value.response
    error = json.loads(response.body)["error"]
    return response.status_code, error["code"] or error["message"]


def test_an_engine_that_was_far_behind_catches_up(clip: bytes) -> None:
    gates.GATE.clear()
    options = Options(engine=EngineOptions(engine="tests.serving.gates:gated"))
    speech = clip[12_800:44_800] * 24  # 24 s without a pause: more than an utterance may have
    with serving(options) as running, opened(running) as socket:
        updated(socket, sound())
        append(socket, speech + PAUSE)
        until(lambda: running.service.live.n_samples == len(speech + PAUSE) // 2)
        gates.GATE.set()
        texts = [events_until(socket, "completed")[-1]["transcript"] for _ in range(2)]
        assert all(text.startswith("One two") for text in texts)


def test_the_end_of_the_server_makes_the_last_words_final(clip: bytes) -> None:
    gates.GATE.set()
    options = Options(engine=EngineOptions(engine="tests.serving.gates:gated"))
    with serving(options) as running, opened(running) as socket, ThreadPoolExecutor(1) as others:
        updated(socket, sound())
        append(socket, clip)
        events_until(socket, "speech_started")
        draining = others.submit(running.service.drain, 30, threading.Event())
        events = events_until(socket, "completed")
        assert events[-1]["transcript"].startswith("One two")
        with pytest.raises(ConnectionClosed) as ended:
            events_until(socket, "never")
        assert ended.value.rcvd is not None
        assert ended.value.rcvd.code == 1001
        draining.result()
        assert _refusal(running)[0] == 503
