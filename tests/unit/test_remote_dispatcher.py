"""Servers that go wrong in every known way: what becomes of the chunks, over real sockets."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from qasr_cli.errors import ServersLostError
from qasr_cli.records import Finish
from qasr_cli.speech.inference import stopping
from tests import speech_server
from tests.remote_batches import FREE, check_all_answered_once, chunks, connect, texts
from tests.speech_server import Action, SpeechServer


@pytest.fixture
def server() -> Iterator[SpeechServer]:
    with speech_server.serving(SpeechServer()) as one:
        yield one


@pytest.fixture
def other() -> Iterator[SpeechServer]:
    with speech_server.serving(SpeechServer()) as one:
        yield one


def test_answers_come_back_in_order_whatever_order_they_have_there(server: SpeechServer) -> None:
    audio = chunks(24)
    first = texts(audio[:1])[0]

    def slow_for_the_first(heard: speech_server.Heard) -> speech_server.Answer:
        said = speech_server.digest_of(heard)
        time.sleep(0.3 if said.text == first else 0)
        return said

    server.answer = slow_for_the_first
    server.delay_s = 0.05
    found = connect(server, in_flight=8).recognize(audio, FREE)
    assert [one.text for one in found] == texts(audio)
    assert {(one.language, one.finish, one.n_tokens) for one in found} == {("English", Finish.COMPLETE, 7)}
    check_all_answered_once(audio, server)
    assert 4 <= server.most_at_once <= 8
    assert server.n_connections <= 8 + 3  # kept, and three for the questions before


# What a server does once, and how often the chunk is sent again for it. Each is followed by sane answers.
ONCE: dict[str, tuple[Action, int]] = {
    "503 without Retry-After": (speech_server.status(503), 1),
    "503 with Retry-After": (speech_server.status(503, Retry_After="0.2"), 1),
    "429": (speech_server.status(429, b'{"error":{"message":"slow down"}}', Retry_After="0"), 1),
    "500": (speech_server.status(500, b'{"error":{"message":"EngineCore encountered an issue"}}'), 1),
    "502 with HTML": (speech_server.status(502, b"<html><title>Bad Gateway</title></html>"), 1),
    "404 of a proxy": (speech_server.status(404, b"404 page not found"), 1),
    "503 with a date that is no date": (speech_server.status(503, Retry_After="soon"), 1),
    "closed without an answer": (speech_server.close, 1),
    "closed after the headers": (
        speech_server.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"),
        1,
    ),
    "truncated JSON": (speech_server.content(b'{"choices": [{"message": {"cont'), 1),
    "HTML with 200": (speech_server.content(b"<html>log in, please</html>"), 1),
    "nothing with 200": (speech_server.content(b""), 1),
    "null": (speech_server.content(None), 1),
    "a list": (speech_server.content([1, 2]), 1),
    "no choices": (speech_server.content({"choices": []}), 1),
    "choices that are none": (speech_server.content({"choices": [None]}), 1),
    "content null": (speech_server.content({"choices": [{"message": {"content": None}}]}), 1),
    "content NaN": (speech_server.content(b'{"choices": [{"message": {"content": NaN}}]}'), 1),
    "deep": (speech_server.content(b"[" * 100_000), 1),
    "not UTF-8": (speech_server.content(b'{"choices": "\xff\xfe"}'), 1),
    "not HTTP": (speech_server.raw(b"220 mail.example.org ESMTP\r\n"), 1),
    "64 MB": (
        speech_server.raw(
            b"HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n", *[b"x" * (1 << 20) for _ in range(4)]
        ),
        1,
    ),
    "a Content-Length too long": (
        speech_server.raw(b'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{"choices": []}'),
        1,
    ),
    "a Content-Length too short": (
        speech_server.raw(b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{"choices": []}'),
        1,
    ),
    "a Content-Length of letters": (
        speech_server.raw(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}"),
        1,
    ),
    "100,000 headers": (speech_server.raw(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n" * 100_000), 1),
    "a kept connection closed": (speech_server.answer_and_close, 0),
}


@pytest.mark.parametrize("name", list(ONCE))
def test_a_chunk_survives(name: str, server: SpeechServer, other: SpeechServer) -> None:
    action, n_again = ONCE[name]
    audio = chunks(6, 0.6)
    server.script = [action]
    recognizer = connect(server, other, in_flight=2)
    assert [one.text for one in recognizer.recognize(audio, FREE)] == texts(audio)
    check_all_answered_once(audio, server, other, again=n_again if not server.script else 0)
    assert not server.script, "the server was not asked"


@pytest.mark.parametrize("action", [speech_server.status(500), speech_server.status(503, Retry_After="0")])
def test_a_single_server_is_asked_again(action: Action, server: SpeechServer) -> None:
    audio = chunks(3, 0.6)
    server.script = [action] * 2
    assert [one.text for one in connect(server).recognize(audio, FREE)] == texts(audio)


def test_retry_after_is_kept_to(server: SpeechServer) -> None:
    server.script = [speech_server.status(503, Retry_After="1.5")]
    recognizer = connect(server)
    begun_s = time.monotonic()
    recognizer.recognize(chunks(1), FREE)
    assert 1.5 <= time.monotonic() - begun_s < 5


def test_a_server_without_room_gets_fewer_at_once(server: SpeechServer) -> None:
    """As vLLM with --max-num-queued-reqs: each request above its limit is refused, without a time."""
    audio = chunks(60, 0.6)

    def refuse_above_three(handler: speech_server.Handler, heard: speech_server.Heard) -> None:
        if server.n_now >= 3:
            handler.error(503, "too many requests")
        else:
            handler.answer(heard)

    server.always, server.delay_s = refuse_above_three, 0.02
    assert [one.text for one in connect(server, in_flight=32).recognize(audio, FREE)] == texts(audio)
    assert len(server.heard) < 3 * len(
        audio
    )  # without a smaller window most would be refused again and again


class TestLost:
    def test_one_of_two_dies_in_the_middle(self, server: SpeechServer, other: SpeechServer) -> None:
        audio = chunks(40, 0.6)
        server.delay_s = other.delay_s = 0.02
        recognizer = connect(server, other, in_flight=4)

        def die(handler: speech_server.Handler, heard: speech_server.Heard) -> None:
            threading.Thread(target=server.cut).start()
            speech_server.hang(handler, heard)

        server.script = [speech_server.after(0.02)] * 4 + [die]
        found = recognizer.recognize(audio, FREE)
        assert [one.text for one in found] == texts(audio)
        asked = Counter([*server.digests, *other.digests])
        assert len(asked) == len(audio)
        assert sum(asked.values()) <= len(audio) + 4  # those that it had when it died

    @pytest.mark.parametrize("action", [speech_server.hang, speech_server.drip, speech_server.status(500)])
    def test_all_of_them(self, action: Action, server: SpeechServer, other: SpeechServer) -> None:
        recognizer = connect(server, other, patience_min=1 / 60)
        server.always = other.always = action
        begun_s = time.monotonic()
        with pytest.raises(ServersLostError) as caught:
            recognizer.recognize(chunks(5, 0.6), FREE)
        assert time.monotonic() - begun_s < 10
        assert str(caught.value).startswith("no server has answered for 0.0167 min: ")
        assert server.url in str(caught.value)
        assert other.url in str(caught.value)
        assert "same command" in caught.value.hint

    def test_killed_and_back_on_the_same_port(self, server: SpeechServer) -> None:
        audio = chunks(2, 0.6)
        recognizer = connect(server, patience_min=0.5)
        server.cut()
        with contextlib.ExitStack() as stack:

            def come_back() -> None:
                again = SpeechServer(port=server.server_address[1])
                stack.enter_context(speech_server.serving(again))

            timer = threading.Timer(1.2, come_back)
            timer.start()
            assert [one.text for one in recognizer.recognize(audio, FREE)] == texts(audio)
            timer.join()

    def test_an_answer_that_is_late_is_not_waited_for_without_end(
        self, server: SpeechServer, other: SpeechServer
    ) -> None:
        audio = chunks(4, 0.6)
        recognizer = connect(server, other, patience_min=1 / 30)
        server.script = [speech_server.hang]
        begun_s = time.monotonic()
        assert [one.text for one in recognizer.recognize(audio, FREE)] == texts(audio)
        assert time.monotonic() - begun_s < 8


def test_a_stop_ends_a_batch_at_once(server: SpeechServer) -> None:
    """As Ctrl-C does in a thread that serves a device."""
    server.always = speech_server.hang
    audio = chunks(4, 0.6)
    server.always = None
    recognizer = connect(server)
    server.always = speech_server.hang
    stop, ended = threading.Event(), threading.Event()

    def work() -> None:
        stopping.stop_at(stop)
        try:
            recognizer.recognize(audio, FREE)
        except stopping.Stopped:
            ended.set()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while len(server.heard) < 4:
        time.sleep(0.01)
    stop.set()
    assert ended.wait(2)
    server.always = None  # and nothing of it is left behind for the next batch
    assert [one.text for one in recognizer.recognize(audio, FREE)] == texts(audio)


def test_a_faster_server_gets_more(server: SpeechServer, other: SpeechServer) -> None:
    audio = chunks(80, 0.6)
    server.delay_s, other.delay_s = 0.02, 0.2
    assert [one.text for one in connect(server, other, in_flight=4).recognize(audio, FREE)] == texts(audio)
    assert len(server.heard) > 2 * len(other.heard)
    check_all_answered_once(audio, server, other)


def test_several_batches_at_once(server: SpeechServer) -> None:
    """A batch is aligned while another one is recognised: two threads call."""
    audio = chunks(40, 0.6)
    server.delay_s = 0.01
    recognizer = connect(server, in_flight=8)
    found: dict[int, list[str]] = {}

    def work(number: int) -> None:
        part = audio[number * 20 : number * 20 + 20]
        found[number] = [one.text for one in recognizer.recognize(part, FREE)]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [*found[0], *found[1]] == texts(audio)
    check_all_answered_once(audio, server)


@pytest.mark.parametrize(
    "make", [lambda: chunks(1, 0.0), lambda: chunks(1, 0.001), lambda: chunks(1, 30.001)]
)
def test_chunks_of_any_length(make: Callable[[], list[np.ndarray]], server: SpeechServer) -> None:
    (audio,) = make()
    connect(server).recognize([audio], FREE)
    if len(audio) < 100:  # silence is what a probe is
        return
    (heard,) = server.heard
    assert len(heard.samples) % 160 == 0
    assert np.array_equal(heard.samples[: len(audio)], audio)
    assert not heard.samples[len(audio) :].any()
