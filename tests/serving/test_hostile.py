"""A hostile client harms nobody: forms, names and hosts that are meant to break a server.

One process gets it all. After each attack it answers a normal request, and at the end its memory, its open
files and its scratch folder are as they were.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import server
from tests.serving.server import Answer, Served

_FORM = "/v1/audio/transcriptions"
_PAUSE_S = 1.0


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of its own, which must be as before in the end."""
    folder = tmp_path_factory.mktemp("victim")
    arguments = ("--engine", "tests.fakes:echo", "--max-upload", "8MB", "--keep-results", "0")
    with server.started(folder, *arguments) as served:
        works(served)
        memory, descriptors = served.memory_bytes(), served.n_descriptors()
        yield served
        works(served)
        until_s = time.monotonic() + 20
        while (served.n_descriptors() > descriptors or served.scratch_files()) and time.monotonic() < until_s:
            time.sleep(0.1)
        assert served.scratch_files() == []
        assert served.n_descriptors() <= descriptors
        assert served.memory_bytes() < memory + 100_000_000


def works(served: Served) -> None:
    """Check that a normal request gets its answer."""
    body, kind = server.form(
        {"model": "x"}, ("talk.wav", server.speech(2, number=time.monotonic_ns() % 2**31))
    )
    answer = served.ask("POST", _FORM, body, kind)
    assert answer.status == 200, answer.text
    assert "One two" in answer.text


def message(answer: Answer) -> str:
    """Return the message of an error, which is one line in OpenAI's object."""
    found = answer.json()
    assert isinstance(found, dict)
    assert set(found) == {"error"}, found
    text: str = found["error"]["message"]
    assert "\n" not in text
    assert len(text) < 600
    return text


def raw(served: Served, *parts: bytes, timeout_s: float = 30.0) -> bytes:
    """Send bytes as they are, and return all that comes back until the server closes or pauses."""
    with socket.create_connection(served.address, timeout=timeout_s) as connection:
        with contextlib.suppress(ConnectionError):
            for part in parts:
                connection.sendall(part)
        received = b""
        with contextlib.suppress(ConnectionError, TimeoutError):
            while block := connection.recv(65536):
                received += block
                connection.settimeout(_PAUSE_S)
        return received


def head(served: Served, *lines: str, path: str = _FORM, method: str = "POST") -> bytes:
    """Return the head of a request."""
    host, port = served.address
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}:{port}", *lines, "", ""]).encode(
        "latin-1"
    )


class TestForms:
    @pytest.mark.parametrize("n_fields", [65, 10_000])
    def test_too_many_fields(self, victim: Served, n_fields: int) -> None:
        body, kind = server.form({f"f{number}": "x" for number in range(n_fields)})
        answer = victim.ask("POST", _FORM, body, kind)
        assert (answer.status, "more than 64 fields" in message(answer)) == (400, True)
        works(victim)

    def test_a_huge_field(self, victim: Served) -> None:
        body, kind = server.form({"prompt": "x" * 2_000_000})
        answer = victim.ask("POST", _FORM, body, kind)
        assert (answer.status, "prompt" in message(answer)) == (400, True)

    def test_a_huge_form_is_refused_before_it_is_read(self, victim: Served) -> None:
        lines = ("Content-Type: multipart/form-data; boundary=x", "Content-Length: 999999999999")
        begun_s = time.monotonic()
        answered = raw(victim, head(victim, *lines), timeout_s=10)
        assert time.monotonic() - begun_s < 10
        assert answered.startswith(b"HTTP/1.1 413 ")
        assert b"--max-upload" in answered
        assert b"8 MiB" in answered

    def test_a_huge_form_without_a_length(self, victim: Served) -> None:
        start = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        lines = ("Content-Type: multipart/form-data; boundary=x", "Transfer-Encoding: chunked")
        chunk = b"%x\r\n" % 1_000_000 + b"a" * 1_000_000 + b"\r\n"
        answered = raw(victim, head(victim, *lines), b"%x\r\n%s\r\n" % (len(start), start), *[chunk] * 12)
        assert answered.startswith(b"HTTP/1.1 413 ")
        assert victim.scratch_files() == []

    def test_a_form_in_chunks_works(self, victim: Served) -> None:
        body, kind = server.form({"model": "x"}, ("talk.wav", server.speech(2, number=77)))
        pieces = [body[at : at + 1000] for at in range(0, len(body), 1000)]
        lines = (f"Content-Type: {kind['Content-Type']}", "Transfer-Encoding: chunked", "Connection: close")
        chunks = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces]
        assert b"One two" in raw(victim, head(victim, *lines), *chunks, b"0\r\n\r\n")

    @pytest.mark.parametrize(
        ("kind", "body", "words"),
        [
            ("text/plain", b"hello", "not multipart/form-data"),
            ("multipart/form-data", b"--x--", "not multipart/form-data"),
            ("multipart/form-data; boundary=", b"--x--", "not multipart/form-data"),
            ("multipart/form-data; boundary=x", b"", "ends in the middle"),
            ("multipart/form-data; boundary=x", b"no form at all", "not a multipart form"),
            (
                "multipart/form-data; boundary=x",
                b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb",
                "ends in",
            ),
            ("multipart/form-data; boundary=x", b"--x--\r\n", "no file"),
            ("multipart/form-data; boundary=" + "y" * 5000, b"--y", "not multipart/form-data"),
        ],
    )
    def test_what_is_no_form(self, victim: Served, kind: str, body: bytes, words: str) -> None:
        answer = victim.ask("POST", _FORM, body, {"Content-Type": kind})
        assert answer.status == 400
        assert words in message(answer)
        assert victim.scratch_files() == []

    def test_two_files(self, victim: Served) -> None:
        one, kind = server.form({}, ("a.wav", server.speech(2)))
        other = one.partition(b"\r\n")[2]
        answer = victim.ask("POST", _FORM, one.removesuffix(b"--\r\n") + b"\r\n" + other, kind)
        assert (answer.status, "more than one file" in message(answer)) == (400, True)
        assert victim.scratch_files() == []

    @pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
    def test_a_client_that_goes_away_in_the_middle(self, victim: Served, share: float) -> None:
        body, kind = server.form({"model": "x"}, ("talk.wav", server.speech(60)))
        lines = (f"Content-Type: {kind['Content-Type']}", f"Content-Length: {len(body)}")
        with socket.create_connection(victim.address) as connection:
            connection.sendall(head(victim, *lines) + body[: int(share * len(body))])
            time.sleep(0.2)
        until_s = time.monotonic() + 10
        while victim.scratch_files() and time.monotonic() < until_s:
            time.sleep(0.05)
        assert victim.scratch_files() == []

    def test_a_length_that_lies(self, victim: Served) -> None:
        body, kind = server.form({"model": "x"}, ("talk.wav", server.speech(2)))
        kind_line = f"Content-Type: {kind['Content-Type']}"
        short = raw(victim, head(victim, kind_line, f"Content-Length: {len(body) - 9}"), body)
        assert short.startswith(b"HTTP/1.1 400 ")  # the form's end is missing
        for length in ("-1", "1e3", "0x10", "9" * 400, "5, 6", ""):
            answered = raw(victim, head(victim, kind_line, f"Content-Length: {length}"), body)
            assert answered[:12] in {b"HTTP/1.1 400", b"HTTP/1.1 413"}, length
        both = raw(victim, head(victim, kind_line, "Content-Length: 5", "Transfer-Encoding: chunked"), body)
        assert not both.startswith(b"HTTP/1.1 200")
        works(victim)

    @pytest.mark.parametrize("chunk", [b"zz\r\nab\r\n", b"-5\r\nab\r\n", b"5\r\nab", b"f" * 40 + b"\r\n"])
    def test_chunks_that_are_none(self, victim: Served, chunk: bytes) -> None:
        lines = ("Content-Type: multipart/form-data; boundary=x", "Transfer-Encoding: chunked")
        answered = raw(victim, head(victim, *lines), chunk, timeout_s=10)
        assert b" 200 " not in answered.split(b"\r\n")[0]
        works(victim)


class TestNames:
    @pytest.mark.parametrize(
        "name",
        [
            "../../etc/passwd",
            "..\\..\\windows\\system32\\x",
            "/etc/passwd",
            "C:\\x",
            "\0.wav",
            "n" * 10_000,
            "\u202e\u2066gnp.exe",
            "a\r\nX-Evil: 1",
            "|cat /etc/passwd",
            "-rf",
            "concat:a|b",
            "http://127.0.0.1/x.m3u8",
            "\udcff\udcfe.wav",
            "..",
            "",
            "\x1b]0;owned\x07.wav",
            "<script>alert(1)</script>.wav",
        ],
    )
    def test_a_name_is_a_label(self, victim: Served, name: str, tmp_path: Path) -> None:
        sent = name.encode("utf-8", "surrogateescape")
        body, kind = server.form({"model": "x"}, ("NAME", server.speech(2, number=hash(name) % 2**31)))
        answer = victim.ask("POST", _FORM, body.replace(b"NAME", sent), {**kind, "Prefer": "respond-async"})
        assert answer.status in {202, 400}, answer.text
        assert "x-evil" not in answer.headers
        if answer.status == 202:
            found = answer.json()
            assert isinstance(found, dict)
            label: str = found["name"]
            assert label.isprintable()
            assert 1 <= len(label) <= 200
            assert not set(label) & {"/", "\0", "\n", "\x1b"}
        assert "passwd:" not in answer.text
        works(victim)

    @pytest.mark.parametrize(
        "path",
        [
            *(
                "/page/../../../etc/passwd",
                "/page/%2e%2e/%2e%2e/etc/passwd",
                "/page/..%5c..%5cx",
                "//etc/passwd",
            ),
            *("/v1/jobs/../../etc/passwd/result", "/v1/models/../../../etc/passwd", "/page/%00", "/%ff%fe"),
            *("/v1/audio/transcriptions/", "/" + "a" * 20_000, "/?" + "a=1&" * 5_000, "/health;x", "/.env"),
        ],
    )
    def test_a_path_leads_nowhere_else(self, victim: Served, path: str) -> None:
        answered = raw(victim, head(victim, "Connection: close", path=path, method="GET"))
        status = int(answered.split(b" ")[1])
        assert status in {200, 404, 405}, answered[:200]
        assert b"root:" not in answered

    def test_a_head_that_is_too_long(self, victim: Served) -> None:
        answered = raw(victim, head(victim, *(f"X-{n}: {'a' * 1000}" for n in range(100)), method="GET"))
        assert answered.startswith(b"HTTP/1.1 431 ")
        assert b'"error"' in answered

    @pytest.mark.parametrize(
        "sent",
        [
            *(
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                b"\0" * 4096,
                b"GET\r\n\r\n",
                b"SSH-2.0-x\r\n\r\n",
            ),
            *(b"GET / HTTP/1.1\r\n\r\n", b"get  / http\r\n\r\n"),
            *(b"GET http://evil/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",),
        ],
    )
    def test_what_is_no_http(self, victim: Served, sent: bytes) -> None:
        answered = raw(victim, sent, timeout_s=10)
        assert answered.startswith(b"HTTP/1.1 400 "), answered[:100]
        assert json.loads(answered.partition(b"\r\n\r\n")[2])["error"]["type"] == "invalid_request_error"


class TestOrigins:
    @pytest.mark.parametrize(
        ("host", "is_ours"),
        [
            *(("localhost", True), ("127.0.0.1:9", True), ("[::1]", True), ("127.9.9.9", True)),
            *(("LOCALHOST.", True), ("qasr.localhost", True)),
            *(
                ("evil.example", False),
                ("127.0.0.1.evil.example", False),
                ("10.0.0.1", False),
                ("qasr", False),
            ),
            *(("localhost.evil.example:80", False), ("a b", False), ("[::1", False), ("[::2]", False)),
        ],
    )
    def test_the_host_must_be_ours(self, victim: Served, host: str, is_ours: bool) -> None:
        lines = f"GET /v1/models HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        answered = raw(victim, lines.encode())
        assert answered.startswith(b"HTTP/1.1 200 " if is_ours else b"HTTP/1.1 400 "), answered[:300]
        if not is_ours and host.isprintable() and " " not in host:
            assert b"--allowed-host" in answered

    @pytest.mark.parametrize(
        ("headers", "is_ours"),
        [
            ({}, True),
            ({"Sec-Fetch-Site": "same-origin", "Origin": "OURS"}, True),
            ({"Sec-Fetch-Site": "none"}, True),
            ({"Origin": "OURS"}, True),
            ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, False),
            ({"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:3000"}, False),
            ({"Origin": "https://evil.example"}, False),
            ({"Origin": "null"}, False),
            ({"Origin": "http://127.0.0.1:1"}, False),
        ],
    )
    def test_a_strangers_page_posts_nothing(
        self, victim: Served, headers: dict[str, str], is_ours: bool
    ) -> None:
        body, kind = server.form({"model": "x"}, ("talk.wav", server.speech(2, number=5)))
        sent = {name: value.replace("OURS", victim.url) for name, value in headers.items()}
        answer = victim.ask("POST", _FORM, body, {**kind, **sent})
        assert answer.status == (200 if is_ours else 403)
        assert "access-control-allow-origin" not in answer.headers
        gone = victim.ask("DELETE", "/v1/jobs/0", headers=sent)
        assert gone.status == (404 if is_ours else 403)

    def test_a_browser_may_not_ask_for_more(self, victim: Served) -> None:
        asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        answer = victim.ask("OPTIONS", _FORM, headers=asked)
        assert answer.status == 405
        assert not any(name.startswith("access-control") for name in answer.headers)


class TestConnections:
    def test_a_thousand_at_once(self, victim: Served) -> None:
        begun = head(victim, "Content-Type: multipart/form-data; boundary=x", "Content-Length: 5000")
        with contextlib.ExitStack() as stack:
            for number in range(1_000):
                connection = stack.enter_context(socket.create_connection(victim.address, timeout=30))
                connection.sendall(begun if number % 2 else begun[:40])
            works(victim)
            assert victim.ask("GET", "/health").status == 200
        works(victim)

    def test_many_requests_on_one_connection(self, victim: Served) -> None:
        connection = http.client.HTTPConnection(*victim.address, timeout=30)
        with contextlib.closing(connection):
            for _ in range(300):
                connection.request("GET", "/status")
                assert connection.getresponse().read()

    def test_requests_before_their_answers(self, victim: Served) -> None:
        one = head(victim, path="/health", method="GET")
        answered = raw(victim, one * 200)
        assert answered.count(b"HTTP/1.1 200 OK") == 200

    def test_an_upload_in_front_of_another_request(self, victim: Served) -> None:
        body, kind = server.form({"model": "x"}, ("talk.wav", server.speech(2, number=6)))
        lines = (f"Content-Type: {kind['Content-Type']}", f"Content-Length: {len(body)}")
        after = head(victim, path="/health", method="GET")
        answered = raw(victim, head(victim, *lines) + body + after)
        assert answered.count(b"HTTP/1.1 200 OK") == 2

    def test_many_clients_that_go_away_while_they_wait(self, victim: Served) -> None:
        def leave(number: int) -> None:
            body, kind = server.form({"model": "x"}, ("t.wav", server.speech(20, number=1000 + number)))
            lines = (f"Content-Type: {kind['Content-Type']}", f"Content-Length: {len(body)}")
            with socket.create_connection(victim.address, timeout=30) as connection:
                connection.sendall(head(victim, *lines) + body)

        threads = [threading.Thread(target=leave, args=(number,)) for number in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        works(victim)

    def test_a_client_that_does_not_read(self, victim: Served) -> None:
        with contextlib.ExitStack() as stack:
            for _ in range(20):
                connection = stack.enter_context(socket.create_connection(victim.address, timeout=30))
                connection.sendall(head(victim, path="/openapi.json", method="GET") * 50)
            works(victim)

    def test_a_bomb_of_silence(self, victim: Served) -> None:
        """Hours of audio in a small file end by the limit on its length or as a text without words."""
        body, kind = server.form({"model": "x"}, ("t.wav", b"RIFF\xff\xff\xff\xffWAVEfmt "))
        answer = victim.ask("POST", _FORM, body, kind)
        assert answer.status == 400
        assert "t.wav" in message(answer)
