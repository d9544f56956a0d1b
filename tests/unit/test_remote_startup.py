"""The first questions to servers: models, form of speech, and what a user is told if it cannot begin."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np
import pytest

from qasr_cli import engines
from qasr_cli.engines.remote import startup
from qasr_cli.errors import RemoteError, ServersLostError, UsageError
from qasr_cli.options import DecodeOptions, EngineOptions, Options, RemoteOptions
from qasr_cli.options.remote import addresses, to_secret
from qasr_cli.options.secret import Secret
from tests import fakes, speech_server
from tests.speech_server import CHAT, TRANSCRIPTIONS, Answer, Heard, SpeechServer

CHUNK = (np.arange(16_000) / 32768).astype(np.float32)
NOBODY = "http://127.0.0.1:9"  # the port of `discard`, on which nothing listens here


@pytest.fixture
def server() -> Iterator[SpeechServer]:
    with speech_server.serving(SpeechServer()) as one:
        yield one


@pytest.fixture
def other() -> Iterator[SpeechServer]:
    with speech_server.serving(SpeechServer()) as one:
        yield one


def options(*servers: SpeechServer | str, **more: object) -> RemoteOptions:
    urls = tuple(one if isinstance(one, str) else one.url for one in servers)
    return RemoteOptions(server=urls, server_patience_min=0.1, **more)  # type: ignore[arg-type]


class TestModels:
    def test_the_only_one_is_taken(self, server: SpeechServer) -> None:
        connected = startup.connect(options(server))
        assert connected.recognizer.model_id == "speech@server"
        assert connected.place == f"{server.url} (chat)"
        assert connected.languages is not None

    def test_several_are_named(self, server: SpeechServer) -> None:
        server.models = [f"m{n}" for n in range(20)]
        with pytest.raises(RemoteError) as caught:
            startup.connect(options(server))
        assert str(caught.value) == "the servers have 20 models: m0, m1, m2, m3, m4, m5, m6, m7 and 12 more"
        assert "--server-model" in caught.value.hint
        assert startup.connect(options(server, server_model="m7")).recognizer.model_id == "m7@server"

    def test_the_one_that_all_have_is_taken(self, server: SpeechServer, other: SpeechServer) -> None:
        server.models, other.models = ["a", "b"], ["b", "c"]
        assert startup.connect(options(server, other)).recognizer.model_id == "b@server"

    def test_none_in_common(self, server: SpeechServer, other: SpeechServer) -> None:
        server.models, other.models = ["a"], ["b"]
        with pytest.raises(RemoteError, match="no model in common") as caught:
            startup.connect(options(server, other))
        assert f"{other.url} has b" in str(caught.value)

    def test_a_wrong_name(self, server: SpeechServer) -> None:
        with pytest.raises(RemoteError, match="has no model other") as caught:
            startup.connect(options(server, server_model="other"))
        assert "it has: speech" in caught.value.hint

    def test_a_server_without_a_list_needs_a_name(self, server: SpeechServer) -> None:
        server.models = None
        with pytest.raises(RemoteError, match="404"):
            startup.connect(options(server))
        assert startup.connect(options(server, server_model="any")).recognizer.model_id == "any@server"


class TestForm:
    def test_transcriptions_where_chat_is_not_spoken(self, server: SpeechServer) -> None:
        server.speaks = {TRANSCRIPTIONS}
        connected = startup.connect(options(server))
        assert connected.recognizer.model_id == "speech@server/transcriptions"
        assert connected.languages is None
        (found,) = connected.recognizer.recognize([CHUNK], DecodeOptions(language="ko", context="Baku"))
        assert (found.text, found.language) == (speech_server.digest_of(server.heard[0]).text, "Korean")
        assert (server.heard[0].forced, server.heard[0].context) == ("ko", "Baku")
        assert startup.connect(options(server)).place == f"{server.url} (transcriptions)"

    def test_nor_where_chat_is_another_model_s(self, server: SpeechServer) -> None:
        server.always = lambda handler, heard: (
            handler.answer(heard)
            if heard.path == TRANSCRIPTIONS
            else handler.send_json(200, {"choices": [{"message": {"content": "I cannot hear."}}]})
        )
        assert startup.connect(options(server)).place.endswith("(transcriptions)")
        assert startup.connect(options(server, server_api="chat")).place.endswith("(chat)")

    def test_one_form_for_all_servers(self, server: SpeechServer, other: SpeechServer) -> None:
        other.speaks = {TRANSCRIPTIONS}
        assert startup.connect(options(server, other)).place.endswith("(transcriptions)")

    def test_neither(self, server: SpeechServer) -> None:
        server.speaks = set()
        with pytest.raises(RemoteError, match="404"):
            startup.connect(options(server))
        server.speaks, server.always = {CHAT, TRANSCRIPTIONS}, speech_server.status(400, b"no audio here")
        with pytest.raises(RemoteError, match=r"speaks neither .* no audio here"):
            startup.connect(options(server))


class TestLanguages:
    FREE = DecodeOptions(languages=("en", "ko"))

    def say(self, server: SpeechServer, free: str) -> list[str | None]:
        def answer(heard: Heard) -> Answer:
            return Answer("One.", free)

        server.answer = answer
        (found,) = startup.connect(options(server)).recognizer.recognize([CHUNK], self.FREE)
        assert found.text == "One."
        return [found.language, *(heard.forced for heard in server.heard)]

    def test_one_of_the_list(self, server: SpeechServer) -> None:
        assert self.say(server, "Korean") == ["Korean", None]
        assert (
            server.heard[0].fields["structured_outputs"]["regex"].startswith("language (English|Korean|None)")
        )

    def test_another_one_is_forced_into_the_first(self, server: SpeechServer) -> None:
        """By a server that takes the pattern and ignores it."""
        assert self.say(server, "German") == ["English", None, "English"]

    def test_nobody_speaks(self, server: SpeechServer) -> None:
        assert self.say(server, "None") == [None, None]

    def test_a_server_that_refuses_the_pattern_is_asked_without(self, server: SpeechServer) -> None:
        def refuse(handler: speech_server.Handler, heard: Heard) -> None:
            if "structured_outputs" in heard.fields:
                handler.error(400, "unknown field structured_outputs")
            else:
                handler.answer(heard)

        server.always = refuse
        recognizer = startup.connect(options(server)).recognizer
        recognizer.recognize([CHUNK], self.FREE)
        assert ["structured_outputs" in heard.fields for heard in server.heard] == [True, False]
        recognizer.recognize([CHUNK], self.FREE)  # and it is not tried again
        assert len(server.heard) == 3


class TestDown:
    def test_one_of_two(self, server: SpeechServer, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING):
            recognizer = startup.connect(options(NOBODY, server)).recognizer
        assert f"{NOBODY} cannot be reached: connection refused; going on without it" in caplog.text
        assert recognizer.recognize([CHUNK], DecodeOptions())

    def test_all(self) -> None:
        with pytest.raises(ServersLostError) as caught:
            startup.connect(options(NOBODY))
        assert str(caught.value) == f"{NOBODY} cannot be reached: connection refused"
        assert caught.value.exit_code == 69

    @pytest.mark.parametrize("status", [500, 503])
    def test_not_ready_yet(self, status: int, server: SpeechServer) -> None:
        server.always = speech_server.status(status, b'{"error": "loading"}')
        with pytest.raises(ServersLostError, match=f"answers {status}: loading"):
            startup.connect(options(server))

    def test_a_key_is_missing(self, server: SpeechServer) -> None:
        server.key = "secret"
        with pytest.raises(RemoteError, match="401: Unauthorized") as caught:
            startup.connect(options(server))
        assert "QASR_SERVER_KEY" in caught.value.hint
        assert startup.connect(options(server, server_key=to_secret(" secret\n"))).recognizer.model_id

    def test_what_the_doctor_says(self, server: SpeechServer) -> None:
        assert startup.describe(options(server, NOBODY)) == [
            (server.url, "models: speech", True),
            (NOBODY, "cannot be reached: connection refused", False),
        ]

    @pytest.mark.parametrize(
        ("host", "is_open"),
        [("192.0.2.1", True), ("localhost.invalid", True), ("127.0.0.invalid", True), ("127.0.0.9", False)],
    )
    def test_a_key_on_an_open_network(
        self, caplog: pytest.LogCaptureFixture, host: str, is_open: bool
    ) -> None:
        with pytest.raises(ServersLostError):
            startup.connect(options(f"http://{host}:9", server_key=Secret("k"), server_model="m"))
        assert ("without encryption" in caplog.text) == is_open


class TestAddresses:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("", ()),
            ("http://gpu:8000", ("http://gpu:8000",)),
            ("http://gpu:8000/v1", ("http://gpu:8000",)),
            ("HTTPS://GPU/proxy/v1/", ("https://gpu/proxy",)),
            ("http://gpu/v1/chat/completions", ("http://gpu",)),
            ("http://a:1, http://b:2/,http://a:1/v1", ("http://a:1", "http://b:2")),
            ("http://[::1]:8000/", ("http://[::1]:8000",)),
        ],
    )
    def test_addresses(self, text: str, found: tuple[str, ...]) -> None:
        assert addresses(text) == found

    @pytest.mark.parametrize(
        "text",
        [
            *("gpu:8000", "ftp://gpu", "http://", "http:///v1", ",", "http://gpu:99999", "http://[::1", "-"),
            *("http://user:pass@gpu", "http://key@gpu", "http://gpu?key=pass", "http://gpu#pass"),
            *("http://g pu", "http://g\npu", "http://gpu/\u00e4", "http://\udcff"),
        ],
    )
    def test_no_addresses(self, text: str) -> None:
        with pytest.raises(UsageError, match="--server") as caught:
            addresses(f"http://ok,{text}" if text != "," else text)
        assert caught.value.flag == "--server"
        assert "pass" not in str(caught.value).replace("a password", "")

    @pytest.mark.parametrize("key", ["one\ntwo", "a b", "schl\u00fcssel", "\x00"])
    def test_a_key_that_no_header_carries(self, key: str) -> None:
        with pytest.raises(UsageError) as caught:
            to_secret(key)
        assert key not in f"{caught.value} {caught.value.hint}"

    def test_a_secret_shows_nothing(self) -> None:
        shown = f"{options('http://gpu', server_key=Secret('hunter2'))!r} {Secret('hunter2')}"
        assert "hunter2" not in shown
        assert "(hidden)" in shown

    @pytest.mark.parametrize(
        "more",
        [
            {"in_flight": 0},
            {"in_flight": 257},
            {"server_api": "grpc"},
            {"server_patience_min": 0.0},
            {"server_patience_min": float("nan")},
        ],
    )
    def test_impossible_values(self, more: dict[str, object]) -> None:
        with pytest.raises(UsageError):
            RemoteOptions(**more)  # type: ignore[arg-type]


class TestSession:
    def test_the_engine_supplies_the_aligner_alone(self, server: SpeechServer) -> None:
        session = engines.load(EngineOptions(engine="tests.fakes:echo", remote=options(server)))
        assert session.recognizer.model_id == "speech@server"
        assert session.engines.aligner_id == fakes.Even.model_id
        (replica,) = session.replicas  # one batch is aligned while the next one is recognised
        assert replica.recognizer is session.recognizer
        assert replica.aligner is session.aligner
        assert session.device == f"{server.url} (chat)"

    def test_no_aligner(self, server: SpeechServer) -> None:
        assert engines.load(EngineOptions(aligner="none", remote=options(server))).aligner is None

    def test_the_fallback_model_is_local_and_shared(self, server: SpeechServer) -> None:
        session = engines.load(EngineOptions(engine="tests.fakes:echo", remote=options(server)), "big")
        (replica,) = session.replicas
        fallback = session.fallback()
        assert fallback.recognizer is replica.fallback().recognizer
        assert fallback.recognizer.recognize([CHUNK], DecodeOptions())[0].text.startswith("One two")

    def test_a_language_that_only_the_server_knows(self, server: SpeechServer) -> None:
        engine = EngineOptions(remote=options(server))
        engines.refuse_unknown_languages(engine, DecodeOptions(language="ca"))
        with pytest.raises(UsageError):
            engines.refuse_unknown_languages(EngineOptions(), DecodeOptions(language="ca"))


def fingerprint(**more: object) -> str:
    return Options(engine=EngineOptions(remote=RemoteOptions(**more))).request_fingerprint()  # type: ignore[arg-type]


def test_fingerprints_know_the_model_and_not_the_place() -> None:
    one, two = ("http://a",), ("http://a", "http://b")
    assert fingerprint(server_key=Secret("k"), in_flight=3) == Options().request_fingerprint()
    assert fingerprint(server=one) != Options().request_fingerprint()
    assert fingerprint(server=one) == fingerprint(server=two, server_key=Secret("k"), in_flight=3)
    assert fingerprint(server=one, server_model="m") != fingerprint(server=one, server_model="n")
    assert fingerprint(server=one, server_api="transcriptions") != fingerprint(server=one)
