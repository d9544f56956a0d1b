"""Values over a socket: pickled, each behind its length. Both ends are processes of one user and one qasr."""

from __future__ import annotations

import pickle
import socket
import struct
from typing import Any

_HEAD = struct.Struct("<Q")
_PIECE_BYTES = 1 << 20


def send(connection: socket.socket, value: Any) -> None:
    """Send a value.

    Raises:
        OSError: The other end is gone.
    """
    body = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    connection.sendall(_HEAD.pack(len(body)) + body)


def receive(connection: socket.socket) -> Any:
    """Return the next value; blocks as the socket does.

    Raises:
        EOFError: The other end is gone.
        OSError: The connection fails, or its time limit is over.
    """
    (length,) = _HEAD.unpack(_read(connection, _HEAD.size))
    return pickle.loads(_read(connection, length))  # noqa: S301 - from our own child


def _read(connection: socket.socket, n_bytes: int) -> bytes:
    parts = []
    while n_bytes:
        part = connection.recv(min(n_bytes, _PIECE_BYTES))
        if not part:
            raise EOFError
        parts.append(part)
        n_bytes -= len(part)
    return b"".join(parts)
