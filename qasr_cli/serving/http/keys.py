"""The keys of a server: who may use it.

In go keys, and what a request brings; out comes whether it has one of them. Keeps hashes only, and compares
all of them in constant time. Any thread may call it.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
from collections.abc import Iterable, Mapping

_SUBPROTOCOL = "openai-insecure-api-key."


class Keys:
    """Keys of which a request must have one; without any, all requests are accepted."""

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._hashes: tuple[bytes, ...] = ()
        self.replace(keys)

    def __bool__(self) -> bool:
        return bool(self._hashes)

    def replace(self, keys: Iterable[str]) -> None:
        """Take other keys from now on."""
        self._hashes = tuple(_hash(key.encode()) for key in keys)

    def accepts(self, headers: Mapping[str, str]) -> bool:
        """Whether a request with these headers has one of the keys, or needs none."""
        hashes = self._hashes
        if not hashes:
            return True
        given = [_hash(key) for key in _given(headers)]
        # No `any`: its time would tell which of them was nearly right
        return sum(hmac.compare_digest(one, known) for one in given for known in hashes) > 0


def _hash(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def _given(headers: Mapping[str, str]) -> list[bytes]:
    """Return the keys of a request: `Bearer KEY`, the password of `Basic`, `X-API-Key`, and a subprotocol's.

    A page cannot give a WebSocket other headers than subprotocols, so OpenAI's clients put the key there.
    """
    given = [headers["x-api-key"].encode("latin-1", "replace")] if headers.get("x-api-key") else []
    scheme, _, value = headers.get("authorization", "").strip().partition(" ")
    value = value.strip()
    if scheme.lower() == "bearer":
        given.append(value.encode("latin-1", "replace"))
    elif scheme.lower() == "basic":  # http://any:KEY@host, for clients that know nothing else
        with contextlib.suppress(binascii.Error, ValueError):
            given.append(base64.b64decode(value, validate=True).partition(b":")[2])
    for offered in headers.get("sec-websocket-protocol", "").split(","):
        if (name := offered.strip()).startswith(_SUBPROTOCOL):
            given.append(name.removeprefix(_SUBPROTOCOL).encode("latin-1", "replace"))
    return given
