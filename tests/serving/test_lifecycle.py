"""The life of a server: its end by signals, idle models, full disks, a restart under load."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import signal
import socket
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from websockets.sync.client import connect

from tests.serving import server
from tests.serving.lifecycle import ECHO, FORM, SLEEPY, await_busy, await_text, process, send
from tests.serving.server import Served


def _samples(seconds: float) -> np.ndarray:
    """Return speech, `int16` of 16 kHz."""
    return np.frombuffer(server.speech(seconds)[44:], "<i2")


class TestEnd:
    def test_what_runs_ends_and_no_more_is_taken(self, tmp_path: Path) -> None:
        with (
            process(tmp_path, *SLEEPY) as (running, served),
            contextlib.closing(send(served, 6, 1)) as waiting,
        ):
            idle = http.client.HTTPConnection(*served.address, timeout=30)
            idle.request("GET", "/health")
            idle.getresponse().read()
            await_busy(served)
            running.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            with pytest.raises(ConnectionError):
                served.ask("GET", "/health")
            response = waiting.getresponse()
            assert response.status == 200
            assert response.getheader("connection") == "close"
            assert b"One two" in response.read()
            assert running.wait(30) == 143
            idle.close()

    def test_the_last_words_of_a_live_session_become_final(self, tmp_path: Path) -> None:
        with process(tmp_path, *ECHO, "--max-live", "1") as (running, served):
            host, port = served.address
            with connect(f"ws://{host}:{port}/v1/realtime") as socket:
                sound = {"input_audio_format": "pcm16", "turn_detection": {"silence_duration_ms": 5000}}
                socket.send(json.dumps({"type": "session.update", "session": sound}))
                audio = base64.b64encode(np.repeat(_samples(3), 3)[::2].tobytes()).decode()
                socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
                kinds = [json.loads(socket.recv(30))["type"]]
                while kinds[-1] != "input_audio_buffer.speech_started":
                    kinds.append(json.loads(socket.recv(30))["type"])
                running.send_signal(signal.SIGTERM)
                events = [json.loads(text) for text in socket]
            texts = [event["transcript"] for event in events if "transcript" in event]
            assert len(texts) == 1
            assert texts[0].startswith("One two")
            assert socket.close_code == 1001
            assert running.wait(30) == 143
            assert "ending; requests have" in served.log.read_text()

    def test_what_takes_too_long_is_told_when_to_ask_again(self, tmp_path: Path) -> None:
        with process(tmp_path, *SLEEPY, "--drain", "0.3") as (running, served):
            with (
                contextlib.closing(send(served, 6, 1)) as waiting,
                contextlib.closing(send(served, 6, 2)) as other,
            ):
                await_busy(served)
                begun_s = time.monotonic()
                running.send_signal(signal.SIGTERM)
                for connection in (waiting, other):
                    response = connection.getresponse()
                    assert response.status == 503
                    assert response.getheader("retry-after") == "5"
                    assert "about to end" in json.loads(response.read())["error"]["message"]
                assert running.wait(30) == 143
            assert time.monotonic() - begun_s < 10

    @pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
    def test_a_second_signal_does_not_wait(self, tmp_path: Path, number: signal.Signals, code: int) -> None:
        with process(tmp_path, *SLEEPY) as (running, served):
            with contextlib.ExitStack() as stack:
                waiting = [stack.enter_context(contextlib.closing(send(served, 60, n))) for n in range(3)]
                await_busy(served)
                running.send_signal(number)
                time.sleep(1.0)
                assert running.poll() is None
                begun_s = time.monotonic()
                running.send_signal(number)
                for connection in waiting:
                    assert connection.getresponse().status == 503
                assert running.wait(30) == code
                assert time.monotonic() - begun_s < 8
            assert "Traceback" not in served.log.read_text()
            assert "same command" not in served.log.read_text()  # nothing is left to continue
        assert not list(tmp_path.glob("qasr-scratch-*"))

    def test_uploads_and_events_end_too(self, tmp_path: Path) -> None:
        with (
            process(tmp_path, *SLEEPY, "--drain", "0.3") as (running, served),
            contextlib.ExitStack() as stack,
        ):
            body, kind = server.form({"model": "x"}, ("t.wav", server.speech(60)))
            upload = stack.enter_context(socket.create_connection(served.address, timeout=30))
            lines = f"POST {FORM} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind['Content-Type']}\r\n"
            upload.sendall(lines.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body[:100_000])
            posted = send(served, 6, 3, Prefer="respond-async")
            job = json.loads(posted.getresponse().read())
            events = stack.enter_context(
                contextlib.closing(http.client.HTTPConnection(*served.address, timeout=30))
            )
            events.request("GET", f"/v1/jobs/{job['id']}/events")
            await_busy(served)
            running.send_signal(signal.SIGTERM)
            assert b'"failed"' in events.getresponse().read()  # nobody could fetch the result any more
            assert upload.recv(4096).startswith(b"HTTP/1.1 503 ")
            assert running.wait(30) == 143
            posted.close()
        assert not list(tmp_path.glob("qasr-scratch-*"))

    def test_a_signal_while_the_model_loads(self, tmp_path: Path) -> None:
        begun, _ = server.begin(tmp_path, "--engine", "tests.fakes:slow_to_load")
        served = Served("", begun.pid, tmp_path / "stderr.txt")
        await_text(served, "listening on http://")
        begun.terminate()
        assert begun.wait(30) == 143
        assert "Traceback" not in served.log.read_text()

    def test_a_lost_device_ends_it_with_its_code(self, tmp_path: Path) -> None:
        with process(tmp_path, "--engine", "tests.fakes:losing") as (running, served):
            with contextlib.closing(send(served, 2, 1)) as waiting:
                assert waiting.getresponse().status == 503
            assert running.wait(30) == 69
            assert served.log.read_text().count("error:") == 1

    def test_nothing_is_left_of_a_killed_one(self, tmp_path: Path) -> None:
        with process(tmp_path, *SLEEPY) as (running, served), contextlib.closing(send(served, 30, 1)):
            await_busy(served)
            running.kill()
            running.wait()
        assert list(tmp_path.glob("qasr-scratch-*/*"))
        with server.started(tmp_path, *ECHO) as served:
            folders = list(tmp_path.glob("qasr-scratch-*"))
            assert len(folders) == 1
            assert served.scratch_files() == []


def test_an_idle_model_is_released_and_loaded_again(tmp_path: Path) -> None:
    with server.started(tmp_path, *ECHO, "--idle-unload", "0.02") as served:
        await_text(served, "engines released")
        assert "qasr_model_loaded 0.0" in served.ask("GET", "/metrics").text
        assert served.ask("GET", "/health").status == 200
        for number in range(2):
            with contextlib.closing(send(served, 2, number)) as connection:
                assert connection.getresponse().status == 200


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    with server.started(tmp_path, *ECHO, file_limit=1_000_000) as served:
        with contextlib.closing(send(served, 60, 1)) as connection:
            response = connection.getresponse()
            assert response.status == 507
            assert "receiving a file" in json.loads(response.read())["error"]["message"]
        assert served.scratch_files() == []
        with contextlib.closing(send(served, 2, 2)) as connection:
            assert connection.getresponse().status == 200


def test_a_restart_under_load_loses_no_answer(tmp_path: Path) -> None:
    """Clients that ask again as told get all their texts, though the server is replaced beneath them."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    texts: dict[int, str] = {}
    lock = threading.Lock()

    def ask(number: int) -> None:
        body, kind = server.form({"model": "x"}, ("t.wav", server.speech(2 + number % 3, number=number)))
        until_s = time.monotonic() + 90
        while time.monotonic() < until_s:
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                with contextlib.closing(connection):
                    connection.request("POST", FORM, body, kind)
                    response = connection.getresponse()
                    content = response.read()
                    if response.status == 200:
                        with lock:
                            texts[number] = json.loads(content)["text"]
                        return
                    assert response.status == 503, content
            time.sleep(0.1)

    steady = ("--engine", "tests.fakes:steady", "--port", port)
    with process(tmp_path, *steady) as (running, _):
        threads = [threading.Thread(target=ask, args=(number,)) for number in range(24)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 143
    with server.started(tmp_path, *steady):
        for thread in threads:
            thread.join(120)
    assert len(texts) == 24
    assert all(text.startswith("One two") for text in texts.values())


@pytest.mark.slow
def test_who_is_too_slow_is_told_so_and_closed(tmp_path: Path) -> None:
    with server.started(tmp_path, *ECHO) as served, contextlib.ExitStack() as stack:
        idle, slow_head, slow_body = (
            stack.enter_context(socket.create_connection(served.address, timeout=100)) for _ in range(3)
        )
        slow_head.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n")
        lines = (
            f"POST {FORM} HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        )
        slow_body.sendall(lines.encode() + b"Content-Length: 99999\r\n\r\n--x\r\n")
        begun_s = time.monotonic()
        while time.monotonic() - begun_s < 25:
            slow_head.sendall(b"X-A: b\r\n")
            slow_body.sendall(b"a")
            time.sleep(5)
        assert idle.recv(100) == b""
        with contextlib.suppress(ConnectionError):
            assert slow_head.recv(100) == b""
        assert 25 < time.monotonic() - begun_s < 55
        answered = slow_body.recv(4096)
        assert answered.startswith(b"HTTP/1.1 408 ")
        assert 50 < time.monotonic() - begun_s < 90
