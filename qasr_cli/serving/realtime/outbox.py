"""The events that wait for a client: text that has changed since is not sent, and nobody is waited for long.

In go objects; out they go as JSON, each with an id. A client that reads slowly gets fewer of qasr's own
partial events and all others; one that does not read at all is left.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque

from starlette.websockets import WebSocket

_MOST = 2_000  # events that wait: minutes of speech
_READ_S = 60.0  # a client that takes nothing for so long is gone
PARTIAL = "qasr.partial"


class Outbox:
    """The events of one connection; used by its event loop only.

    Attributes:
        is_full: The client has not read for so long that events are dropped.
    """

    def __init__(self) -> None:
        self.is_full = False
        self._waiting: deque[dict[str, object]] = deque()
        self._changed = asyncio.Event()
        self._is_empty = asyncio.Event()
        self._is_empty.set()

    def put(self, event: dict[str, object]) -> None:
        """Add an event; a partial takes the place of one of the same item that waits."""
        if event["type"] == PARTIAL:
            self._waiting = deque(
                one for one in self._waiting if one["type"] != PARTIAL or one["item_id"] != event["item_id"]
            )
        if len(self._waiting) >= _MOST:
            self.is_full = True
            return
        self._waiting.append(event)
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
                event = {"event_id": f"event_{secrets.token_hex(12)}", **self._waiting.popleft()}
                # A client's own text in it may have half of a character, which no frame takes
                text = json.dumps(event, ensure_ascii=False).encode("utf-8", "replace").decode()
                async with asyncio.timeout(_READ_S):
                    await websocket.send_text(text)
            self._is_empty.set()

    async def flush(self) -> None:
        """Wait until all is sent."""
        await self._is_empty.wait()
