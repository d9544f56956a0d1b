"""How clients behave: many at once, files of each kind, retries, time limits, and clients that go away."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http.client
import io
import json
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest

from qasr_cli.options import EngineOptions, Options
from qasr_cli.serving.http.keys import Keys
from qasr_cli.serving.http.site import HttpSettings
from qasr_cli.serving.jobs import JobState
from tests.e2e.conftest import CLIP, SAMPLES, Qasr
from tests.serving import raw, server
from tests.serving.conftest import client_of
from tests.serving.in_process import ECHO, InProcess, serving
from tests.serving.server import Served

CLIPS = sorted((SAMPLES / "clips").iterdir())
N_CLIENTS = 32


@pytest.fixture(scope="module")
def slow_server() -> Iterator[InProcess]:
    """A server that needs half a second for each second of speech."""
    with serving(Options(engine=EngineOptions(engine="tests.fakes:slow"))) as server:
        yield server


def test_the_company_of_a_clip_does_not_change_its_answer(demo_server: Served) -> None:
    alone = {clip: raw.post_form(demo_server, {"response_format": "srt"}, clip).text for clip in CLIPS}
    before = n_in_batches(demo_server)

    async def ask_all() -> list[tuple[Path, str]]:
        async with openai.AsyncOpenAI(base_url=f"{demo_server.url}/v1", api_key="-", max_retries=0) as client:

            async def ask(number: int) -> tuple[Path, str]:
                clip = CLIPS[number % len(CLIPS)]
                # Equal requests would be one job; this changes no decision of the detector
                own: Any = {"type": "server_vad", "threshold": 0.5 + number * 1e-9}
                answer: object = await client.audio.transcriptions.create(
                    file=clip, model="m", response_format="srt", chunking_strategy=own
                )
                return clip, str(answer)

            return list(await asyncio.gather(*map(ask, range(N_CLIENTS))))

    for clip, text in asyncio.run(ask_all()):
        assert text == alone[clip]
    n_batches, n_chunks = (after - one for after, one in zip(n_in_batches(demo_server), before, strict=True))
    assert n_chunks >= N_CLIENTS
    assert n_batches < n_chunks / 2, "hardly any clients shared a batch"


def n_in_batches(server: Served) -> tuple[float, float]:
    """Return the number of batches so far, and of the chunks in them."""
    figures = raw.request(server, "GET", "/metrics").text
    count, total = (
        re.search(rf"^qasr_batch_chunks_{name} (\S+)$", figures, re.M) for name in ("count", "sum")
    )
    assert count is not None
    assert total is not None
    return float(count[1]), float(total[1])


def test_async_stream(demo_server: Served) -> None:
    async def collect() -> list[str]:
        async with openai.AsyncOpenAI(base_url=f"{demo_server.url}/v1", api_key="-") as client:
            stream = await client.audio.transcriptions.create(file=CLIP, model="m", stream=True)
            return [event.type async for event in stream]

    assert asyncio.run(collect()) == ["transcript.text.delta", "transcript.text.done"]


def test_files_of_each_kind(echo: openai.OpenAI) -> None:
    content = CLIP.read_bytes()
    kinds = (CLIP, content, io.BytesIO(content), ("a.bin", content), ("b.mp3", content, "audio/mpeg"))
    texts = {echo.audio.transcriptions.create(file=kind, model="m").text for kind in kinds}
    assert len(texts) == 1
    with CLIP.open("rb") as opened:
        assert {echo.audio.transcriptions.create(file=opened, model="m").text} == texts


@pytest.mark.parametrize("model", ["whisper-1", "gpt-4o-transcribe", "Qwen/Qwen3-ASR-1.7B", "no such model"])
def test_each_name_of_a_model_is_accepted(echo: openai.OpenAI, model: str) -> None:
    assert echo.audio.transcriptions.create(file=CLIP, model=model).text


def test_a_full_server_is_asked_again(echo_in_process: InProcess) -> None:
    service, limits = echo_in_process.service, echo_in_process.service.limits
    service.limits = replace(limits, max_waiting_ms=-1)
    try:
        with client_of(echo_in_process) as client:
            with pytest.raises(openai.InternalServerError) as refused:
                client.audio.transcriptions.create(file=CLIP, model="m")
            assert refused.value.status_code == 503
            assert 1 <= int(refused.value.response.headers["retry-after"]) <= 120
            assert refused.value.type == "service_unavailable_error"
            threading.Timer(0.5, lambda: setattr(service, "limits", limits)).start()
            begun_s = time.monotonic()
            patient = client.with_options(max_retries=2)
            assert patient.audio.transcriptions.create(file=CLIP, model="m").text
            assert time.monotonic() - begun_s >= 1  # what Retry-After says
    finally:
        service.limits = limits


def test_who_was_let_in_before_the_server_was_full_is_asked_again_too(echo_in_process: InProcess) -> None:
    service, limits = echo_in_process.service, echo_in_process.service.limits
    body, headers = server.form({"model": "m"}, ("talk.wav", server.speech(2, number=77)))
    connection = http.client.HTTPConnection("127.0.0.1", echo_in_process.port, timeout=60)
    with contextlib.closing(connection):
        connection.putrequest("POST", "/v1/audio/transcriptions")
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            connection.putheader(name, value)
        connection.endheaders(body[:1000])
        until_s = time.monotonic() + 20
        while not echo_in_process.scratch and time.monotonic() < until_s:
            time.sleep(0.02)
        service.limits = replace(limits, max_waiting_ms=-1)
        try:
            connection.send(body[1000:])
            response = connection.getresponse()
            assert response.status == 503
            assert response.getheader("retry-after")
        finally:
            service.limits = limits
    assert not echo_in_process.scratch


def test_a_client_that_gives_up_leaves_nothing(slow_server: InProcess) -> None:
    with client_of(slow_server) as client, pytest.raises(openai.APITimeoutError):
        client.audio.transcriptions.create(file=SAMPLES / "talk.mp4", model="m", timeout=1.0)
    assert_cancelled(slow_server)


def test_a_client_that_leaves_a_stream_leaves_nothing(slow_server: InProcess) -> None:
    with client_of(slow_server) as client:
        stream = client.audio.transcriptions.create(file=SAMPLES / "talk.mp4", model="m", stream=True)
        stream.close()
    assert_cancelled(slow_server)


def test_a_client_that_leaves_in_the_middle_of_its_upload_leaves_nothing(slow_server: InProcess) -> None:
    body, content_type = raw.form({}, {"file": ("a.wav", CLIP.read_bytes())})
    with socket.create_connection(("127.0.0.1", slow_server.port)) as connection:
        head = f"POST {raw.TRANSCRIPTIONS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\n"
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:-10])
    assert_idle(slow_server)


def test_a_client_that_leaves_a_chat_leaves_nothing(slow_server: InProcess) -> None:
    audio = {"type": "input_audio", "input_audio": {"data": base64.b64encode(CLIP.read_bytes()).decode()}}
    body = json.dumps({"messages": [{"role": "user", "content": [audio]}]}).encode()
    with socket.create_connection(("127.0.0.1", slow_server.port)) as connection:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        until_s = time.monotonic() + 10
        while not slow_server.service.n_open and time.monotonic() < until_s:
            time.sleep(0.01)
        assert slow_server.service.n_open
    assert_idle(slow_server)


def assert_cancelled(server: InProcess) -> None:
    """Wait until a server has cancelled its newest job; joining a job forgets those before."""
    until_s = time.monotonic() + 10
    while not server.service.jobs.counts()[JobState.CANCELLED]:
        assert time.monotonic() < until_s, server.service.jobs.counts()
        time.sleep(0.02)
    assert_idle(server)


def assert_idle(server: InProcess) -> None:
    """Wait until a server has nothing to do and no file."""
    until_s = time.monotonic() + 10
    while server.service.n_open or server.scratch:
        assert time.monotonic() < until_s, (server.service.n_open, server.scratch)
        time.sleep(0.05)


def test_the_first_text_of_a_stream_comes_early(slow_server: InProcess) -> None:
    with client_of(slow_server) as client:
        begun_s = time.monotonic()
        stream = client.audio.transcriptions.create(file=SAMPLES / "talk.mp4", model="m", stream=True)
        arrivals = [(time.monotonic() - begun_s, event.type) for event in stream]
    assert len(arrivals) > 3, arrivals
    assert arrivals[0][0] < 2 * arrivals[-1][0] / 3, arrivals


def test_a_job_is_answered_at_once_and_its_result_kept(echo_in_process: InProcess) -> None:
    answer = raw.post_form(echo_in_process, {}, CLIP, {"Prefer": "wait=5, respond-async"})
    assert answer.status == 202
    job = json.loads(answer.body)
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    assert job["status"] in {"queued", "decoding", "recognizing", "done"}
    assert job["error"] is None
    assert set(job) == {
        *("id", "status", "name", "audio_s", "speech_s", "done_s", "progress", "text", "language"),
        *("warnings", "error", "created", "eta_s"),
    }
    until_s = time.monotonic() + 30
    while not (kept := echo_in_process.service.jobs.find(job["id"])) or not kept.is_final:
        assert time.monotonic() < until_s
        time.sleep(0.02)
    assert kept.result is not None
    assert kept.ask.options.align.is_enabled, "its result may be fetched as subtitles"


def test_a_key_is_asked_for() -> None:
    with serving(ECHO, settings=HttpSettings(keys=Keys(["right"]))) as server:
        with client_of(server, "wrong") as client, pytest.raises(openai.AuthenticationError, match="key"):
            client.audio.transcriptions.create(file=CLIP, model="m")
        with client_of(server, "right") as client:
            assert client.audio.transcriptions.create(file=CLIP, model="m").text


def test_a_run_with_this_server_writes_what_one_without_does(
    demo_server: Served, qasr: Qasr, demo_samples: Path, tmp_path: Path
) -> None:
    sources = (SAMPLES / "talk.mp4", SAMPLES / "three-languages.ogg", *CLIPS[:3])
    formats = ("srt", "vtt", "txt")
    arguments = ("-m", "demo", "-f", ",".join(formats), "-o", "out")
    done = qasr("transcribe", *sources, "--server", demo_server.url, *arguments)
    assert done.returncode == 0, done.stderr
    for source in sources:
        for ending in formats:
            name = f"{source.stem}.{ending}"
            expected = demo_samples / ("clips" if source in CLIPS else "") / name
            assert (tmp_path / "out" / name).read_bytes() == expected.read_bytes(), name


def test_a_full_disk_is_an_error_of_the_server(tmp_path: Path) -> None:
    with serving(ECHO) as server, client_of(server) as client:
        server.service.folder = tmp_path / "gone"
        with pytest.raises(openai.InternalServerError):
            client.audio.transcriptions.create(file=CLIP, model="m")


def test_curl(echo_in_process: InProcess, tmp_path: Path) -> None:
    url = f"{echo_in_process.url}{raw.TRANSCRIPTIONS}"
    done = subprocess.run(
        ["curl", "-sS", "--fail-with-body", url, "-F", f"file=@{CLIP}", "-F", "response_format=vtt"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("WEBVTT")
