"""Streams of the network as inputs: real servers on this machine, real ffmpeg."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import subprocess
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from qasr_cli.errors import UnavailableError, UndecodableError
from qasr_cli.live import inputs
from qasr_cli.live.inputs import network
from qasr_cli.live.protocols import Missing
from qasr_cli.media import live_arguments
from qasr_cli.options import LiveOptions
from tests import stream_servers
from tests.media_factory import ffmpeg
from tests.stream_servers import HOST, answering, camera, free_port, listen, radio, sending, serving_folder

ALLOWED = LiveOptions(allow_network=True)
TONE = ("-f", "lavfi", "-i", "sine=f=440:d=20:r=48000,volume=0.5")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an MP3 of three seconds and an HLS playlist of five."""
    folder = tmp_path_factory.mktemp("streams")
    ffmpeg(*TONE, "-t", 3, "-b:a", "64k", folder / "tone.mp3")
    ffmpeg(*TONE, "-t", 5, "-c:a", "aac", "-hls_time", 2, "-hls_list_size", 0, folder / "tone.m3u8")
    return folder


def seconds_of(where: str, *, until_s: float = 60.0) -> float:
    with inputs.opened(where, ALLOWED) as source:
        return len(stream_servers.sound(listen(source, until_s=until_s))) / 16_000


def test_media_and_playlists_over_http_are_whole_and_end(folder: Path) -> None:
    with serving_folder(folder) as address:
        assert seconds_of(f"{address}tone.mp3") == pytest.approx(3.0, abs=0.1)
        assert seconds_of(f"{address}tone.m3u8") == pytest.approx(5.0, abs=0.1)


def test_a_file_is_read_at_the_speed_of_speech(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_AHEAD_S", 1.0)
    began_s = time.monotonic()
    with serving_folder(folder) as address:
        assert seconds_of(f"{address}tone.mp3") == pytest.approx(3.0, abs=0.1)
    assert time.monotonic() - began_s > 1.5


def test_certificates_are_checked(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate with")
    made = tmp_path / "made.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={HOST}",
         "-addext", f"subjectAltName=IP:{HOST}", "-keyout", tmp_path / "key.pem", "-out", made],
        check=True, stdin=subprocess.DEVNULL, capture_output=True,
    )  # fmt: skip
    both = tmp_path / "both.pem"
    both.write_bytes(made.read_bytes() + (tmp_path / "key.pem").read_bytes())
    with serving_folder(folder, certificate=both) as address:
        with inputs.opened(f"{address}tone.mp3", ALLOWED) as source, pytest.raises(UnavailableError):
            listen(source, until_s=1)
        monkeypatch.setenv("SSL_CERT_FILE", str(made))
        assert seconds_of(f"{address}tone.mp3") == pytest.approx(3.0, abs=0.1)
        assert seconds_of(f"{address}tone.m3u8") == pytest.approx(5.0, abs=0.1)


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_refused_connection_is_one_line_without_secrets(
    scheme: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    port = free_port()
    where = f"{scheme}://user:hunter2@{HOST}:{port}/a.mp3?token=hunter3"
    with inputs.opened(where, ALLOWED) as source, pytest.raises(UnavailableError) as caught:
        listen(source, until_s=1)
    assert caught.value.message == f"{scheme}://{HOST}:{port}: Connection refused"
    assert "hunter" not in f"{caught.value.hint} {source.name} {caplog.text}"


@pytest.mark.parametrize("scheme", ["http", "rtsp", "udp"])
def test_a_server_that_never_answers_is_given_up(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "WAIT_S", 1.0)
    monkeypatch.setattr(network, "_SILENCE_S", 2.0)
    with answering(lambda connection, _: time.sleep(20)) as port:
        where = f"{scheme}://{HOST}:{port}/a"
        with inputs.opened(where, ALLOWED) as source, pytest.raises(UnavailableError, match="within 1 s"):
            listen(source, until_s=1)


def test_what_is_no_media_is_said_to_be_none(folder: Path) -> None:
    (folder / "page.html").write_text("<html>" * 200, "utf-8")
    with serving_folder(folder) as address:
        with inputs.opened(f"{address}page.html", ALLOWED) as source, pytest.raises(UndecodableError):
            listen(source, until_s=1)
        with (
            inputs.opened(f"{address}none.mp3", ALLOWED) as source,
            pytest.raises(UnavailableError, match="404"),
        ):
            listen(source, until_s=1)


@pytest.mark.parametrize(
    "entry",
    [
        "file:///etc/passwd",
        "file://{folder}/tone0.ts",
        '#EXT-X-KEY:METHOD=AES-128,URI="file:///etc/passwd"\ntone0.ts',
    ],
)
def test_a_playlist_of_local_files_is_refused(entry: str, folder: Path) -> None:
    head = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n"
    text = f"{head}{entry.format(folder=folder)}\n#EXTINF:2,\ntone1.ts\n#EXT-X-ENDLIST\n"
    (folder / "local.m3u8").write_text(text, "utf-8")
    with (
        serving_folder(folder) as address,
        inputs.opened(f"{address}local.m3u8", ALLOWED) as source,
        pytest.raises(UndecodableError, match="local file"),
    ):
        listen(source, until_s=1)


def test_radio_that_breaks_off_goes_on_where_it_is_by_then(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = (folder / "tone.mp3").read_bytes()

    def answer(connection: socket.socket, number: int) -> None:
        if number == 1:  # still down
            return
        radio(connection, content, 8_000, 1.5 if number == 0 else 60)

    with answering(answer) as port, inputs.opened(f"http://{HOST}:{port}/", ALLOWED) as source:
        began_s = time.monotonic()
        blocks = listen(source, until_s=2.5)
        passed_s = time.monotonic() - began_s
    missing = [block for block in blocks if isinstance(block, Missing)]
    assert len(missing) == 1
    assert missing[0].duration_ms >= 250  # the pauses before the second and third connection
    whole_s = len(stream_servers.sound(blocks)) / 16_000 + missing[0].duration_ms / 1000
    assert whole_s == pytest.approx(passed_s, abs=1.0)
    assert "the connection was closed" in caplog.text


def test_a_camera_is_read_over_rtsp() -> None:
    tone = (8_000 * np.sin(np.arange(80_000) * 2 * np.pi * 440 / 16_000)).astype(np.int16)
    with (
        answering(lambda connection, _: camera(connection, tone)) as port,
        inputs.opened(f"rtsp://{HOST}:{port}/live", ALLOWED) as source,
    ):
        began_s = time.monotonic()
        found = stream_servers.sound(listen(source, until_s=1))
        assert time.monotonic() - began_s < 6
    assert np.array_equal(found[:8_000], tone[:8_000])


def test_a_camera_that_hangs_up_at_once_is_asked_less_and_less() -> None:
    asked_s: list[float] = []
    tone = np.full(4_000, 1_000, np.int16)

    def answer(connection: socket.socket, _: int) -> None:
        asked_s.append(time.monotonic())
        camera(connection, tone)

    with answering(answer) as port, inputs.opened(f"rtsp://{HOST}:{port}/live", ALLOWED) as source:
        listen(source, until_s=60, limit_s=3)
    pauses_s = [later - earlier for earlier, later in pairwise(asked_s)]
    assert len(pauses_s) >= 2
    assert pauses_s[-1] > pauses_s[0] + 0.2


@pytest.mark.parametrize("scheme", ["udp", "srt"])
def test_transport_streams_come_within_two_seconds(scheme: str) -> None:
    if not stream_servers.has_protocol(scheme):
        pytest.skip(f"this ffmpeg has no {scheme}")
    port = free_port(socket.SOCK_DGRAM)
    address = f"{scheme}://{HOST}:{port}"
    more = "?mode=listener" if scheme == "srt" else "?pkt_size=1316"
    with sending(*TONE, "-c:a", "aac", "-f", "mpegts", address + more):
        time.sleep(0.3)  # a listener must be there before its caller
        with inputs.opened(address, ALLOWED) as source:
            began_s = time.monotonic()
            found = stream_servers.sound(listen(source, until_s=0.2))
            assert time.monotonic() - began_s < 4  # 1 s on an idle machine
    assert np.abs(found).max() > 1_000


def test_an_ffmpeg_without_the_protocol_is_said_to_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    real = live_arguments.address
    monkeypatch.setattr(
        live_arguments, "address", lambda *given: [one.replace("srt://", "none://") for one in real(*given)]
    )
    with (
        inputs.opened(f"srt://{HOST}:9", ALLOWED) as source,
        pytest.raises(UnavailableError, match="this ffmpeg cannot open srt") as caught,
    ):
        listen(source, until_s=1)
    assert "QASR_FFMPEG" in caught.value.hint


@pytest.mark.slow
def test_a_playlist_that_is_gone_for_a_while_is_no_end(tmp_path: Path) -> None:
    """ffmpeg ends without an error at a status of 404."""
    playlist = tmp_path / "live.m3u8"
    gone_s: list[float] = []

    def is_hidden() -> bool:
        return bool(gone_s) and time.monotonic() < gone_s[0] + 3

    with (
        sending(*TONE, "-c:a", "aac", "-hls_time", 1, "-hls_list_size", 3, playlist),
        serving_folder(tmp_path, is_hidden) as address,
    ):
        while not os.path.isfile(playlist):
            time.sleep(0.1)
        with inputs.opened(f"{address}live.m3u8", ALLOWED) as source:
            kinds = []
            for block in source.blocks():
                gone_s = gone_s or [time.monotonic()]
                kinds.append(type(block))
                if Missing in kinds and kinds[-1] is not Missing:
                    source.stop()
    assert kinds.count(Missing) == 1
