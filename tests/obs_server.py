"""A server that speaks obs-websocket 5 as OBS does, and keeps what it is asked for."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve


class FakeObs:
    """OBS with one text source.

    Attributes:
        texts: What the source has shown, in order.
        captions: Captions of the stream, in order.
        password: Of the server; "" needs none.
        is_streaming: Captions of the stream are taken.
    """

    source = "Captions"

    def __init__(self, password: str = "") -> None:
        self.texts: list[str] = []
        self.captions: list[str] = []
        self.password = password
        self.is_streaming = True
        self.n_connections = 0
        self.changed = threading.Condition()

    def wait_for(self, text: str) -> None:
        """Wait until the source shows a text."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.texts[-1:] == [text], 20), self.texts

    def talk(self, socket: ServerConnection) -> None:
        """Handle one connection."""
        self.n_connections += 1
        with contextlib.suppress(ConnectionClosed):
            if self._identify(socket):
                for message in socket:
                    self._answer(socket, json.loads(message))

    def _identify(self, socket: ServerConnection) -> bool:
        hello: dict[str, Any] = {"obsWebSocketVersion": "5.5.0", "rpcVersion": 1}
        challenge, salt = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        if self.password:
            hello["authentication"] = {"challenge": challenge, "salt": salt}
        socket.send(json.dumps({"op": 0, "d": hello}))
        message = json.loads(socket.recv(timeout=20))
        assert message["op"] == 1
        assert message["d"]["rpcVersion"] == 1
        if self.password:
            secret = base64.b64encode(hashlib.sha256((self.password + salt).encode()).digest())
            right = base64.b64encode(hashlib.sha256(secret + challenge.encode()).digest()).decode()
            if message["d"].get("authentication") != right:
                socket.close(4009, "Authentication failed.")
                return False
        socket.send(json.dumps({"op": 2, "d": {"negotiatedRpcVersion": 1}}))
        return True

    def _answer(self, socket: ServerConnection, message: dict[str, Any]) -> None:
        assert message["op"] == 6
        request = message["d"]
        code = self._do(request["requestType"], request["requestData"])
        # An event that nobody has asked for comes first, as from OBS while other programs use it.
        socket.send(json.dumps({"op": 5, "d": {"eventType": "InputSettingsChanged", "eventIntent": 1}}))
        status = {"result": code == 100, "code": code}
        answer = {key: request[key] for key in ("requestType", "requestId")} | {"requestStatus": status}
        socket.send(json.dumps({"op": 7, "d": answer}))
        with self.changed:
            self.changed.notify_all()

    def _do(self, kind: str, data: dict[str, Any]) -> int:
        match kind:
            case "SetInputSettings":
                if data["inputName"] != self.source:
                    return 600
                assert data["overlay"] is True
                self.texts.append(data["inputSettings"]["text"])
            case "SendStreamCaption":
                if not self.is_streaming:
                    return 501
                self.captions.append(data["captionText"])
            case _:
                return 204
        return 100


@contextlib.contextmanager
def running(obs: FakeObs, port: int = 0) -> Iterator[int]:
    """Run the server for the time of a block, and yield its port; its clients are gone at the end."""
    with serve(obs.talk, "127.0.0.1", port, compression=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.socket.getsockname()[1]
        finally:
            server.shutdown()
            thread.join()
