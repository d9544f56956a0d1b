"""Bazarr's and whisper-asr-webservice's calls against a server with the demo pair, and one that waits."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

import qasr_cli
from qasr_cli.formats.readers import captions
from qasr_cli.options import DecodeOptions, EngineOptions, Options
from qasr_cli.serving import asr_api
from qasr_cli.serving.http.site import HttpSettings
from qasr_cli.serving.jobs import JobState
from qasr_cli.serving.refusals import OverloadedError
from tests.serving import gates
from tests.serving.asr_client import BOUNDARY, DETECT, ask, asr, form, samples_of
from tests.serving.in_process import ECHO, LOCAL, InProcess, serving, until

SAMPLES = Path(__file__).parents[2] / "samples"
KEPT_BYTES = 1_200_000  # bytes; the results of shorter recordings are not kept
CLIP = SAMPLES / "clips" / "clip-01.wav"
FILM_S = 40
LONG_S = 600


@pytest.fixture(scope="module")
def talk() -> bytes:
    """All samples of the talk."""
    return samples_of(SAMPLES / "talk.mp4")


@pytest.fixture(scope="module")
def film(talk: bytes) -> bytes:
    """The begin of the talk."""
    return talk[: 2 * 16_000 * FILM_S]


@pytest.fixture(scope="module")
def gated_server() -> Iterator[InProcess]:
    """A server whose engine waits for the tests."""
    engine = EngineOptions(engine="tests.serving.gates:gated")
    with serving(Options(engine=engine)) as running:
        yield running


@pytest.fixture
def gated(gated_server: InProcess) -> Iterator[InProcess]:
    """The same, with a closed gate."""
    gates.GATE.clear()
    gates.ASKED.clear()
    gates.SPOKEN[0] = "English"
    yield gated_server
    gates.GATE.set()


@pytest.fixture(scope="module")
def clip() -> bytes:
    """The samples of a short clip."""
    return samples_of(CLIP)


def alone(local: qasr_cli.Transcriber, media: Path) -> qasr_cli.Transcript:
    """Return the transcript of media without a server."""
    (result,) = local.transcribe([media])
    assert result.transcript is not None
    return result.transcript


# ── Bazarr ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_bazarr_gets_the_subtitles_of_the_command_line(
    bazarr: InProcess, local: qasr_cli.Transcriber, film: bytes, tmp_path: Path
) -> None:
    media = tmp_path / "audio_file.wav"
    with wave.open(str(media), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(film)
    answer = ask(bazarr.port, asr(), form(film))
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="audio_file.srt"'
    assert answer.text == qasr_cli.render(alone(local, media), "srt")
    assert answer.text.startswith("1\n00:00:00,959 --> 00:00:03,880\nGood morning, everyone, and welcome.\n")
    found = captions.read(answer.body, "bazarr.srt").captions
    assert len(found) > 5
    assert all(one.start_ms < one.end_ms <= FILM_S * 1_000 for one in found)
    assert bazarr.is_clean


def test_bazarr_gets_the_language_of_the_whole_film(bazarr: InProcess, film: bytes) -> None:
    answer = ask(bazarr.port, DETECT, form(film))
    assert answer.status == 200
    assert json.loads(answer.body) == {
        "detected_language": "english",
        "language_code": "en",
        "confidence": 1.0,
    }
    per_s = 2 * 16_000
    spanish = samples_of(SAMPLES / "three-languages.ogg")[20 * per_s : 35 * per_s]
    assert json.loads(ask(bazarr.port, DETECT, form(spanish)).body)["language_code"] == "es"
    begins_in_spanish = spanish + bytes(3 * per_s) + film
    assert json.loads(ask(bazarr.port, DETECT, form(begins_in_spanish)).body)["language_code"] == "en"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("English", ("english", "en")),
        ("Cantonese", ("chinese", "zh")),
        ("Filipino", ("tagalog", "tl")),
        ("Korean", ("korean", "ko")),
    ],
)
def test_languages_have_the_names_that_bazarr_reads(
    gated: InProcess, clip: bytes, code: str, expected: tuple[str, str]
) -> None:
    gates.SPOKEN[0] = code
    gates.GATE.set()
    found = json.loads(ask(gated.port, DETECT, form(clip + code.encode())).body)
    assert (found["detected_language"], found["language_code"]) == expected


def test_silence_gives_bazarr_nothing_to_save_and_a_language_it_takes_for_none(bazarr: InProcess) -> None:
    silence = bytes(2 * 16_000 * 5)
    subtitles = ask(bazarr.port, asr(), form(silence))
    assert (subtitles.status, subtitles.body) == (200, b"")
    language = ask(bazarr.port, DETECT, form(silence))
    assert json.loads(language.body) == {
        "detected_language": "undetermined",
        "language_code": "und",
        "confidence": 0.0,
    }


def test_a_film_is_translated_by_nobody_and_its_connection_lives_on(bazarr: InProcess, film: bytes) -> None:
    # Bazarr reads no answer before all of its body is sent; a reset would switch it off for a day
    connection = http.client.HTTPConnection(LOCAL, bazarr.port, timeout=60)
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    for _ in range(2):
        connection.request("POST", asr(task="translate"), form(film), headers)
        response = connection.getresponse()
        assert (response.status, response.read()) == (501, b"")
        assert response.getheader("X-Qasr-Error", "").startswith("qasr does not translate")
    connection.close()
    assert bazarr.is_clean


def test_a_client_that_gave_up_finds_its_result(gated: InProcess, clip: bytes) -> None:
    film = clip * (1 + KEPT_BYTES // len(clip))
    with pytest.raises(TimeoutError):
        ask(gated.port, asr(), form(film), timeout_s=1)
    (job,) = gated.service.jobs.open_jobs()
    gates.GATE.set()
    until(lambda: job.state is JobState.DONE)
    n_asked = len(gates.ASKED)
    answer = ask(gated.port, asr(), form(film), timeout_s=5)
    assert answer.text.startswith("1\n00:00:0")
    assert len(gates.ASKED) == n_asked  # nothing was recognised again
    assert gated.is_clean


def test_a_language_is_detected_by_a_server_that_has_its_own(gated: InProcess, clip: bytes) -> None:
    gates.GATE.set()
    options = gated.service.options
    gated.service.options = replace(options, decode=DecodeOptions(language="ko", context="Seoul"))
    try:
        ask(gated.port, DETECT, form(clip + b"detected"))
        ask(gated.port, asr(""), form(clip + b"detected"))
        ask(gated.port, asr("fr"), form(clip + b"detected"))
    finally:
        gated.service.options = options
    assert [one.language for one in gates.ASKED] == [None, "ko", "fr"]
    assert {one.context for one in gates.ASKED} == {"Seoul"}


def test_one_film_three_times_at_once_is_recognised_once(gated: InProcess, clip: bytes) -> None:
    body = form(clip + b"thrice")
    with ThreadPoolExecutor(3) as clients:
        answers = [clients.submit(ask, gated.port, asr(), body) for _ in range(3)]
        until(lambda: len(gates.ASKED) > 0)
        gates.GATE.set()
        texts = {answer.result().text for answer in answers}
    assert len(texts) == 1
    assert len(gates.ASKED) == 1
    until(lambda: gated.is_clean)


def test_bazarr_is_never_told_to_come_back(gated: InProcess, clip: bytes) -> None:
    gates.GATE.set()
    limits = gated.service.limits
    gated.service.limits = replace(limits, max_waiting_ms=-1)
    try:
        with pytest.raises(OverloadedError):
            gated.service.admit()
        assert ask(gated.port, asr(), form(clip)).status == 200
    finally:
        gated.service.limits = limits


def test_bare_samples_may_end_in_the_middle_of_one(bazarr: InProcess, film: bytes) -> None:
    short = film[: 2 * 16_000 * 5]
    whole, odd = (ask(bazarr.port, asr(output="txt"), form(content)) for content in (short, short + b"x"))
    assert whole.text == odd.text != ""


def test_the_same_bytes_as_another_kind_of_file_are_another_recording(gated: InProcess) -> None:
    gates.GATE.set()
    wav = CLIP.read_bytes()
    assert ask(gated.port, asr(encode="true"), form(wav)).text.startswith("1\n")
    n_asked = len(gates.ASKED)
    assert ask(gated.port, asr(encode="false"), form(wav)).text.startswith("1\n")
    assert len(gates.ASKED) > n_asked


def test_a_client_that_breaks_off_leaves_nothing(bazarr: InProcess, film: bytes) -> None:
    body = form(film)
    head = f"POST {asr()} HTTP/1.1\r\nHost: {LOCAL}\r\nContent-Length: {len(body)}\r\n"
    head += f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
    with socket.create_connection((LOCAL, bazarr.port)) as raw:
        raw.sendall(head.encode() + body[: len(body) // 2])
        until(lambda: not bazarr.is_clean)
    until(lambda: bazarr.is_clean)


def test_a_server_that_ends_says_so_without_a_body(clip: bytes) -> None:
    with serving(ECHO) as running:
        running.service.drain(0, threading.Event())
        answer = ask(running.port, asr(), form(clip))
    assert (answer.status, answer.body) == (503, b"")
    assert answer.headers["retry-after"] == "5"


@pytest.mark.slow
def test_a_long_film_twice_at_once_and_again(bazarr: InProcess, talk: bytes) -> None:
    n_bytes = 2 * 16_000 * LONG_S
    body = form((talk * (1 + n_bytes // len(talk)))[:n_bytes])
    with pytest.raises(TimeoutError):
        ask(bazarr.port, asr(), body, timeout_s=2)
    with ThreadPoolExecutor(2) as clients:
        answers = [clients.submit(ask, bazarr.port, asr(), body, 500) for _ in range(2)]
        first, second = (answer.result() for answer in answers)
    assert first.body == second.body
    last = first.text.strip().split("\n\n")[-1].splitlines()[1]
    assert last > "00:09:50"
    begun_s = time.monotonic()
    assert ask(bazarr.port, asr(), body).body == first.body
    assert time.monotonic() - begun_s < 10
    assert bazarr.is_clean


# ── whisper-asr-webservice ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("output", asr_api.OUTPUTS)
def test_every_output_of_whole_media(bazarr: InProcess, local: qasr_cli.Transcriber, output: str) -> None:
    media = SAMPLES / "clips" / "clip-02.mp3"
    path = f"/asr?output={output}&vad_filter=true&language=english"
    answer = ask(bazarr.port, path, form(media.read_bytes(), "a b/é.mp3"))
    transcript = alone(local, media)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="%C3%A9.mp3.{output}"'
    if output == "json":
        assert json.loads(answer.body)["text"].strip() == transcript.text
    else:
        assert answer.text == qasr_cli.render(transcript, output)


def test_the_json_is_whispers(bazarr: InProcess, film: bytes) -> None:
    answer = ask(bazarr.port, asr(output="json", word_timestamps="true"), form(film))
    whole = json.loads(answer.body)
    plain = json.loads(ask(bazarr.port, asr(output="json"), form(film)).body)
    assert set(whole) == {"text", "segments", "language"}
    assert whole["language"] == "en"
    assert "".join(segment["text"] for segment in whole["segments"]) == whole["text"]
    words = [word for segment in whole["segments"] for word in segment["words"]]
    assert "".join(word["word"] for word in words) == whole["text"]
    assert all(0 <= word["start"] <= word["end"] <= FILM_S for word in words)
    assert [segment["id"] for segment in whole["segments"]] == list(range(len(whole["segments"])))
    for segment in whole["segments"]:
        del segment["words"]
    assert whole == plain


def test_without_an_output_it_is_text_of_any_media(gated: InProcess) -> None:
    gates.GATE.set()
    answer = ask(
        gated.port, "/asr?initial_prompt=Helen+and+Se%C3%A1n&language=Korean", form(CLIP.read_bytes())
    )
    assert answer.text.startswith("One two")
    assert [(one.context, one.language) for one in gates.ASKED] == [("Helen and Seán", "ko")]


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/asr?output=ass", 400, "output=ass is unknown; known: txt, vtt, srt, tsv, json"),
        ("/asr?task=dance", 400, "task=dance is unknown; known: transcribe, translate"),
        ("/asr?encode=maybe", 400, "encode=maybe is neither true nor false"),
        ("/asr?diarize=true", 400, "qasr does not tell speakers apart; leave diarize out"),
        ("/asr?language=klingon", 400, "no language 'klingon'; did you mean Filipino"),
        ("/asr?language=ca", 400, "--language: qwen3 does not support Catalan (ca)"),
        ("/asr?language=%00%E2%82%AC", 400, "no language '\\x00\\u20ac'"),
        ("/asr", 400, "audio_file: not media that qasr can read"),
        ("/detect-language", 400, "audio_file: not media that qasr can read"),
    ],
)
def test_what_is_wrong_has_its_status_and_an_empty_body(
    bazarr: InProcess, path: str, status: int, reason: str
) -> None:
    answer = ask(bazarr.port, path, form(b"certainly no media" * 100))
    assert (answer.status, answer.body) == (status, b"")
    told = answer.headers["x-qasr-error"]
    assert told.isascii()
    assert told.isprintable()
    assert told.startswith(reason)
    assert bazarr.is_clean


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (form(b""), "audio_file: "),
        (b"no form at all", "the body is not a multipart form"),
        (form(b"cut")[:-20], "the body ends in the middle of the form"),
        (form(b"").replace(b'; filename="audio_file"', b""), "the form has no file; send the recording"),
    ],
)
def test_bodies_without_a_recording(bazarr: InProcess, body: bytes, reason: str) -> None:
    answer = ask(bazarr.port, asr(), body)
    assert (answer.status, answer.body) == (400, b"")
    assert answer.headers["x-qasr-error"].startswith(reason)
    assert bazarr.is_clean


def test_a_recording_above_the_limit_is_refused_at_once(film: bytes) -> None:
    small = HttpSettings(max_upload_bytes=100_000)
    with serving(ECHO, settings=small) as running:
        with socket.create_connection((LOCAL, running.port), timeout=30) as raw:
            head = f"POST {asr()} HTTP/1.1\r\nHost: {LOCAL}\r\nContent-Length: {len(film)}\r\n"
            raw.sendall(f"{head}Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n".encode())
            assert raw.recv(12) == b"HTTP/1.1 413"
        assert running.is_clean
