"""The events that wait for a client: text that has changed since is not sent, and nobody is waited for long.

In go objects, which become JSON at once, each with an id; out it goes. A client that reads slowly gets fewer
of qasr's own partial events and all others; one that does not read at all is left.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from dataclasses import dataclass

from starlette.websockets import WebSocket

_MOST = 2_000  # events that wait: minutes of speech
_MOST_CHARS = 2**24  # of theirs: a client's own settings come back to it, and may be long
_READ_S = 60.0  # a client that takes nothing for so long is gone
PARTIAL = "qasr.partial"


class Outbox:
    """The events of one connection; used by its event loop only.

    Attributes:
        is_full: The client has not read for so long that events are dropped.
    """

    def __init__(self) -> None:
        self.is_full = False
        self._waiting: deque[_Waiting] = deque()
        self._n_chars = 0
        self._changed = asyncio.Event()
        self._is_empty = asyncio.Event()
        self._is_empty.set()

    def put(self, event: dict[str, object]) -> None:
        """Add an event; a partial takes the place of one of the same item that waits."""
        if event["type"] == PARTIAL:
            self._drop_partial(event["item_id"])
        if len(self._waiting) >= _MOST or self._n_chars >= _MOST_CHARS:
            self.is_full = True
            return
        text = json.dumps({"event_id": f"event_{secrets.token_hex(12)}", **event}, ensure_ascii=False)
        self._waiting.append(_Waiting(text, event["item_id"] if event["type"] == PARTIAL else None))
        self._n_chars += len(text)
        self._is_empty.clear()
        self._changed.set()

    async def send_all(self, websocket: WebSocket) -> None:
        """Send events until the client is gone or reads no more.

        Raises:
            OSError: The client is gone.
            TimeoutError: It does not read.
        """
        while True:
            await self._changed.wait()
            self._changed.clear()
            while self._waiting:
                text = self._waiting.popleft().text
                self._n_chars -= len(text)
                async with asyncio.timeout(_READ_S):
                    # A client's own text in it may have half of a character, which no frame takes
                    await websocket.send_text(text.encode("utf-8", "replace").decode())
            self._is_empty.set()

    async def flush(self) -> None:
        """Wait until all is sent."""
        await self._is_empty.wait()

    def _drop_partial(self, item_id: object) -> None:
        dropped = [one for one in self._waiting if one.item_id is not None and one.item_id == item_id]
        for one in dropped:
            self._waiting.remove(one)
            self._n_chars -= len(one.text)


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """An event as JSON; the item of a partial, None for other events."""

    text: str
    item_id: object
