"""A server of OpenAI's interface on loopback that misbehaves by script, for tests of its clients.

In go answers and actions; out comes a server on a free port. It answers about audio with what `answer`
returns, in vLLM's shapes. Each entry of `script` is used up by one request about a chunk, before
`answer` is asked; half a second of silence is a probe and no chunk. What was asked for is kept in `heard`.
"""

from __future__ import annotations

import base64
import contextlib
import email.parser
import email.policy
import hashlib
import io
import json
import socket
import threading
import time
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

MODEL = "speech"
MARKER = "<asr_text>"
CHAT, TRANSCRIPTIONS = "/v1/chat/completions", "/v1/audio/transcriptions"


@dataclass(frozen=True, slots=True)
class Heard:
    """A request about audio, as it was understood."""

    path: str
    fields: dict[str, Any]
    samples: np.ndarray  # float32[n_samples]
    authorization: str = ""

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.samples.tobytes()).hexdigest()[:12]

    @property
    def is_probe(self) -> bool:
        return not self.samples.any()

    @property
    def forced(self) -> str | None:
        """The English name in the prefill of chat, or the code of a transcription's form."""
        if self.path == TRANSCRIPTIONS:
            return self.fields.get("language")
        last = self.fields["messages"][-1]
        if last["role"] != "assistant":
            return None
        assert self.fields["continue_final_message"] is True
        assert self.fields["add_generation_prompt"] is False
        return str(last["content"]).removeprefix("language ").removesuffix(MARKER)

    @property
    def context(self) -> str:
        if self.path == TRANSCRIPTIONS:
            return str(self.fields.get("prompt", ""))
        return "".join(one["content"] for one in self.fields["messages"] if one["role"] == "system")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says about a chunk."""

    text: str
    language: str = "English"
    finish: str | None = "stop"


Action = Callable[["Handler", Heard], None]


def digest_of(heard: Heard) -> Answer:
    """Return words that belong to the audio and to nothing else."""
    return Answer(f"Words {heard.digest}." if not heard.is_probe else "", "English")


class SpeechServer(ThreadingHTTPServer):
    """The server.

    Attributes:
        answer: Says what is in the audio.
        models: Names of the models; None answers 404.
        key: The key that it wants, or "".
        speaks: The endpoints that it has.
        script: Actions for the next chunks.
        always: Action for each request about audio, silence included.
        health: Status of /health.
        heard: What was asked about audio that is not silent, in the order of arrival.
        n_probes: Requests about silence.
        n_connections: Connections so far.
        most_at_once: The most requests about audio at the same time.
        delay_s: How long each chunk takes.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, answer: Callable[[Heard], Answer] = digest_of, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.answer = answer
        self.models: list[str] | None = [MODEL]
        self.key = ""
        self.speaks = {CHAT, TRANSCRIPTIONS}
        self.script: list[Action] = []
        self.always: Action | None = None
        self.health = 200
        self.heard: list[Heard] = []
        self.n_probes = self.n_connections = self.most_at_once = self.n_now = 0
        self.delay_s = 0.0
        self.is_over = threading.Event()
        self.lock = threading.Lock()
        self._sockets: set[Any] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def digests(self) -> list[str]:
        return [heard.digest for heard in self.heard]

    def get_request(self) -> tuple[Any, Any]:
        found = super().get_request()
        self.n_connections += 1
        self._sockets.add(found[0])
        return found

    def cut(self) -> None:
        """Close every connection, as a process that is killed does, and listen no more."""
        self.is_over.set()
        self.shutdown()
        self.server_close()
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that go away are what tests are about."""


@contextlib.contextmanager
def serving(server: SpeechServer) -> Iterator[SpeechServer]:
    """Run a server while the block runs."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.is_over.set()
        server.cut()
        thread.join()


@dataclass
class _Form:
    fields: dict[str, Any] = field(default_factory=dict)
    audio: bytes = b""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: SpeechServer

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the test's output is the client's."""

    def do_GET(self) -> None:
        if self.path == "/health":
            self.send(self.server.health)
        elif self.path == "/v1/models":
            if not self._is_let_in():
                return
            if self.server.models is None:
                self.send_json(404, {"detail": "Not Found"})
                return
            self.send_json(200, {"object": "list", "data": [{"id": name} for name in self.server.models]})
        else:
            self.send_json(404, {"detail": "Not Found"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if not self._is_let_in():
            return
        if self.path not in self.server.speaks:
            self.send_json(404, {"detail": "Not Found"})
            return
        heard = self._understood(body)
        model = heard.fields["model"]
        if self.server.models is not None and model not in self.server.models:
            self.error(404, f"The model `{model}` does not exist.")
            return
        action = self._next_action(heard)
        if action is not None:
            action(self, heard)
        else:
            self.answer(heard)

    def _next_action(self, heard: Heard) -> Action | None:
        with self.server.lock:
            if heard.is_probe:
                self.server.n_probes += 1
                return self.server.always
            self.server.heard.append(heard)
            if self.server.script:
                return self.server.script.pop(0)
        return self.server.always

    def answer(self, heard: Heard) -> None:
        """Answer as vLLM does."""
        with self.server.lock:
            self.server.n_now += 1
            self.server.most_at_once = max(self.server.most_at_once, self.server.n_now)
        if self.server.delay_s and not heard.is_probe:
            self.server.is_over.wait(self.server.delay_s)
        said = self.server.answer(heard)
        with self.server.lock:
            self.server.n_now -= 1
        if heard.path == TRANSCRIPTIONS:
            self.send_json(200, {"text": said.text, "usage": {"type": "duration", "seconds": 1}})
            return
        content = said.text if heard.forced else f"language {said.language}{MARKER}{said.text}"
        choice = {"index": 0, "message": {"role": "assistant", "content": content}}
        self.send_json(
            200,
            {
                "choices": [{**choice, "finish_reason": said.finish}],
                "usage": {"completion_tokens": 7},
            },
        )

    def send_json(self, status: int, body: Any, **headers: str) -> None:
        self.send(status, json.dumps(body).encode(), "application/json", **headers)

    def error(self, status: int, message: str, **headers: str) -> None:
        self.send_json(
            status, {"error": {"message": message, "type": "Error", "param": None, "code": status}}, **headers
        )

    def send(self, status: int, body: bytes = b"", kind: str = "text/html", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if kind:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _is_let_in(self) -> bool:
        if self.server.key and self.headers.get("Authorization") != f"Bearer {self.server.key}":
            self.send_json(401, {"error": "Unauthorized"})  # vLLM's own shape
            return False
        return True

    def _understood(self, body: bytes) -> Heard:
        form = _Form()
        if self.path == CHAT:
            form.fields = json.loads(body)
            (turn,) = (one for one in form.fields["messages"] if one["role"] == "user")
            form.audio = base64.b64decode(turn["content"][0]["input_audio"]["data"])
        else:
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
            for part in message.iter_parts():
                name, payload = (
                    str(part.get_param("name", header="content-disposition")),
                    part.get_payload(decode=True),
                )
                assert isinstance(payload, bytes)
                if name == "file":
                    form.audio = payload
                else:
                    form.fields[name] = payload.decode()
        with wave.open(io.BytesIO(form.audio)) as file:
            assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (1, 16_000, 2)
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
        return Heard(self.path, form.fields, samples, self.headers.get("Authorization", ""))


# ── actions ─────────────────────────────────────────────────────────────────────────────────────────────────


def status(code: int, body: bytes = b"", **headers: str) -> Action:
    """Answer with a status."""
    return lambda handler, heard: handler.send(code, body, **headers)


def content(body: Any) -> Action:
    """Answer with 200 and a body of any kind."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda handler, heard: handler.send(200, raw, "application/json")


def raw(*parts: bytes) -> Action:
    """Write bytes in place of HTTP, and close."""

    def act(handler: Handler, heard: Heard) -> None:
        for part in parts:
            handler.wfile.write(part)
        handler.close_connection = True

    return act


def close(handler: Handler, heard: Heard) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def answer_and_close(handler: Handler, heard: Heard) -> None:
    """Answer and close the connection without having said so."""
    handler.answer(heard)
    handler.close_connection = True


def hang(handler: Handler, heard: Heard) -> None:
    """Never answer."""
    handler.server.is_over.wait(60)
    handler.close_connection = True


def drip(handler: Handler, heard: Heard) -> None:
    """Answer with a byte at a time, for ever."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    with contextlib.suppress(OSError):
        while not handler.server.is_over.wait(0.05):
            handler.wfile.write(b" ")
    handler.close_connection = True


def after(seconds: float) -> Action:
    """Answer late."""

    def act(handler: Handler, heard: Heard) -> None:
        time.sleep(seconds)
        handler.answer(heard)

    return act
