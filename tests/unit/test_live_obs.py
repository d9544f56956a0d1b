"""Captions in OBS: the protocol, with a server that checks it, and what happens without OBS."""

from __future__ import annotations

import logging
import socket
import sys
import threading
from itertools import pairwise
from types import SimpleNamespace

import pytest

from qasr_cli.errors import UnavailableError, UsageError
from qasr_cli.live.outputs import obs
from qasr_cli.live.outputs.obs import ObsAddress, ObsCaptions
from qasr_cli.options import CueOptions, Secret
from qasr_cli.speech.streaming.events import Partial, Silence
from tests.live_events import TALK, Said, final, session
from tests.obs_server import FakeObs, running


def captions_of(port: int, source: str = FakeObs.source, password: str = "") -> ObsCaptions:
    return ObsCaptions(ObsAddress("127.0.0.1", port), source, Secret(password), CueOptions())


def test_a_text_source_shows_the_newest_lines_and_is_empty_at_the_end() -> None:
    fake = FakeObs(password="correct horse")
    with running(fake) as port:
        output = captions_of(port, password="correct horse")
        for event in session():
            output.handle(event)
        output.close()
    assert "Good evening, and welcome to the hall." in fake.texts
    assert any(TALK[2].text in text for text in fake.texts)
    assert all(text.count("\n") < 2 for text in fake.texts)
    assert fake.texts[-1] == ""
    assert fake.n_connections == 1


def test_finals_are_captions_of_the_stream_in_rows_of_32_columns() -> None:
    fake = FakeObs()
    with running(fake) as port:
        output = captions_of(port, source="")
        for event in session():
            output.handle(event)
        output.close()
    rows = [row for caption in fake.captions for row in caption.split("\n")]
    assert all(len(row) <= 32 for row in rows)
    assert all(caption.count("\n") < 2 for caption in fake.captions)
    assert " ".join(rows).startswith("Good evening, and welcome to the hall. Tonight we speak about")
    assert fake.texts == []


def test_a_wrong_password_is_refused_at_once() -> None:
    with (
        running(FakeObs(password="correct horse")) as port,
        pytest.raises(UnavailableError, match="refuses the password") as refused,
    ):
        captions_of(port, password="wrong").connect()
    assert "QASR_OBS_PASSWORD" in refused.value.hint
    assert "wrong" not in str(refused.value)


def test_the_authentication_is_that_of_the_protocol() -> None:
    # The example of the protocol's own description.
    salt, challenge = (
        "lM1GncleQOaCu9lT1yeUZhFYnqhsLLP1G5lAGo3ixaI=",
        "+IxH4CnCiqpX1rM9scsNynZzbOe4KhDeYcTNS3PDaeY=",
    )
    assert (
        obs.answer_to(challenge, salt, "supersecretpassword")
        == "1Ct943GAT+6YQUUX47Ia/ncufilbe6+oD6lY+5kaCu4="
    )


def test_obs_that_goes_away_and_comes_back_is_logged_once_each(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr(obs, "_FIRST_RETRY_S", 0.0)
    fake = FakeObs()
    with running(fake) as port:
        output = captions_of(port)
        output.handle(final(0, TALK[0]))
        assert fake.texts == [TALK[0].text]
    for number in range(1, 4):
        output.handle(final(number, Said(9_000 * number, "Nobody sees this.")))
    assert len(caplog.records) == 1
    assert "is not there" in caplog.records[0].message
    with running(fake, port):
        output.handle(final(9, TALK[3]))
        assert fake.texts[-1].endswith("That is all.")
        output.close()
    assert [record.message.partition(" is ")[2] for record in caplog.records][1:] == ["there; captions go on"]


def test_without_obs_a_session_begins_and_tries_less_and_less_often(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(FakeObs()) as port:
        pass  # a port that nothing listens on
    now_s = [100.0]
    monkeypatch.setattr(obs, "time", SimpleNamespace(monotonic=lambda: now_s[0]))
    tried_s: list[float] = []
    output = captions_of(port)
    lose = output._lose

    def noted(error: obs._Gone) -> None:
        tried_s.append(now_s[0])
        lose(error)

    monkeypatch.setattr(output, "_lose", noted)
    for _ in range(700):
        output.handle(Silence(0))
        now_s[0] += 0.25
    waits = [round(after - before) for before, after in pairwise(tried_s)]
    assert waits[:5] == [1, 2, 4, 8, 16]
    assert set(waits[5:]) == {30}
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("source", "is_streaming", "message"),
    [("Nothing", True, "OBS has no source 'Nothing'"), ("", False, "OBS shows captions when it streams")],
)
def test_what_obs_refuses_is_logged_once(
    caplog: pytest.LogCaptureFixture, source: str, is_streaming: bool, message: str
) -> None:
    fake = FakeObs()
    fake.is_streaming = is_streaming
    with running(fake) as port:
        output = captions_of(port, source=source)
        for number in range(3):
            output.handle(Partial(number, 0, f"One {number}", "", 0, 400))
            output.handle(final(number, TALK[0]))
        output.close()
    assert len(caplog.records) == 1
    assert message in caplog.records[0].message


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("localhost:4455", "localhost:4455"),
        ("studio", "studio:4455"),
        ("[::1]:4466", "[::1]:4466"),
        ("10.0.0.7:80", "10.0.0.7:80"),
    ],
)
def test_addresses(text: str, shown: str) -> None:
    assert str(obs.parse_address(text)) == shown


@pytest.mark.parametrize(
    "text", ["", ":4455", "host:0", "host:65536", "host:x", "me:pw@host", "ws://host", "a/b"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not an address"):
        obs.parse_address(text)


def test_without_the_library_the_next_step_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "websockets.sync.client", None)
    with pytest.raises(UnavailableError, match="needs the library websockets") as refused:
        captions_of(4455).connect()
    assert refused.value.hint == "pip install 'qasr[live]'"


def test_what_does_not_answer_as_obs_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        answer = threading.Thread(target=greet, args=(other,))
        answer.start()
        output = captions_of(other.getsockname()[1])
        output.handle(final(0, TALK[0]))
        answer.join()
    assert [record.message.partition(" (")[2] for record in caplog.records] == [
        "what answers there is not OBS); it is tried again"
    ]
    output.close()


def greet(listener: socket.socket) -> None:
    listener.settimeout(20)
    client, _ = listener.accept()
    with client:
        client.sendall(b"SSH-2.0-OpenSSH\r\n")
