"""What happens in a live session, as OpenAI's events.

In go the events of a session and what its client commits; out come objects for the client. An item is what a
client gets one transcript for: an utterance if the server ends the turns, and what was said between two
commits, be it several utterances, if the client does. Deltas are never taken back: they have stable text
only, and the text that may still change is in events of qasr's own, which others ignore.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from qasr_cli.serving.growing_text import GrowingText, Key
from qasr_cli.speech.streaming.events import (
    Final,
    LiveEvent,
    Partial,
    SpeechStarted,
    SpeechStopped,
)

Send = Callable[[dict[str, object]], None]

_TRANSCRIPTION = "conversation.item.input_audio_transcription"


@dataclass(slots=True)
class _Item:
    """What a client gets one transcript for.

    Attributes:
        text: Of its utterances.
        is_committed: No further utterance belongs to it.
        audio_ms: Milliseconds of its utterances.
    """

    id: str
    text: GrowingText = field(default_factory=GrowingText)
    is_committed: bool = False
    audio_ms: int = 0


class Conversation:
    """The items of one connection; used by its event loop only.

    Args:
        send: Takes the objects for the client.

    Attributes:
        is_manual: The client ends the turns.
        n_uncommitted: Samples of 16 kHz since the last commit; whoever feeds them counts up.
    """

    def __init__(self, send: Send) -> None:
        self.is_manual = False
        self.n_uncommitted = 0
        self._send = send
        self._items: dict[Key, _Item] = {}  # of utterances that are not final
        self._open: _Item | None = None  # not committed yet
        self._last: str | None = None  # id of the last committed item
        self._begin_ms: dict[Key, int] = {}

    def handle(self, number: int, base_ms: int, event: LiveEvent) -> None:
        """Turn one event into those of the client.

        Args:
            number: Of the session in its connection, from 0.
            base_ms: Start of the session in the connection's audio.
            event: The event.
        """
        match event:
            case SpeechStarted(utterance, start_ms):
                self._begin((number, utterance), base_ms + start_ms)
            case Partial() as partial:
                self._show((number, partial.utterance), base_ms + partial.end_ms, partial)
            case SpeechStopped(utterance, end_ms):
                self._stop((number, utterance), base_ms + end_ms)
            case Final() as final:
                self._conclude((number, final.utterance), final)
            case _:
                pass

    def commit(self) -> None:
        """End the open item, whose utterances have stopped; without one, make one of silence."""
        item, self._open = self._open, None
        self._commit(item or _Item(_new_id("item")))

    @property
    def has_open(self) -> bool:
        """Whether something was said since the last commit."""
        return self._open is not None

    def clear(self) -> None:
        """Drop what is not committed; its events to come are ignored."""
        self.n_uncommitted = 0
        dropped, self._open = self._open, None
        self._items = {
            key: item for key, item in self._items.items() if item.is_committed and item is not dropped
        }

    def fail(self, message: str) -> None:
        """Tell the client that the text of its items will not come."""
        unfinished = [*self._items.values(), *filter(None, [self._open])]
        items = {id(item): item for item in unfinished}
        self._items, self._open = {}, None
        for item in items.values():
            error = {"type": "server_error", "code": None, "message": message, "param": None}
            self._tell(item, "failed", error=error)

    def _begin(self, key: Key, start_ms: int) -> None:
        item = self._open
        if item is None:
            item = self._open = _Item(_new_id("item"))
        item.text.begin(key)
        self._items[key] = item
        self._begin_ms[key] = start_ms
        if not self.is_manual:
            self._send(
                {
                    "type": "input_audio_buffer.speech_started",
                    "audio_start_ms": start_ms,
                    "item_id": item.id,
                }
            )

    def _stop(self, key: Key, end_ms: int) -> None:
        item = self._items.get(key)
        begin_ms = self._begin_ms.pop(key, end_ms)
        if item is None:
            return
        item.audio_ms += end_ms - begin_ms
        if self.is_manual or item.is_committed:
            return
        self._send({"type": "input_audio_buffer.speech_stopped", "audio_end_ms": end_ms, "item_id": item.id})
        self._open = None
        self._commit(item)

    def _commit(self, item: _Item) -> None:
        item.is_committed = True
        self.n_uncommitted = 0
        previous, self._last = self._last, item.id
        self._send({"type": "input_audio_buffer.committed", "item_id": item.id, "previous_item_id": previous})
        shown = {
            "id": item.id,
            "object": "realtime.item",
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [{"type": "input_audio", "transcript": None}],
        }
        for name in ("added", "created"):  # today's name, and the older one
            self._send({"type": f"conversation.item.{name}", "previous_item_id": previous, "item": shown})
        self._complete(item)

    def _show(self, key: Key, end_ms: int, partial: Partial) -> None:
        item = self._items.get(key)
        if item is None:
            return
        item.text.show(key, partial)
        self._send_delta(item)
        self._send(
            {
                "type": "qasr.partial",
                "item_id": item.id,
                "content_index": 0,
                "stable": partial.stable,
                "unstable": partial.unstable,
                "language": partial.language,
                "audio_end_ms": end_ms,
            }
        )

    def _conclude(self, key: Key, final: Final) -> None:
        item = self._items.pop(key, None)
        if item is None:
            return
        item.text.conclude(key, final)
        self._send_delta(item)
        self._complete(item)

    def _send_delta(self, item: _Item) -> None:
        if delta := item.text.grown():
            self._tell(item, "delta", delta=delta)

    def _complete(self, item: _Item) -> None:
        """Send an item's transcript if it is committed and final."""
        if not (item.is_committed and item.text.is_final):
            return
        usage = {"type": "duration", "seconds": item.audio_ms / 1000}
        spoken = [{"code": code} for code in item.text.languages]
        self._tell(item, "completed", transcript=item.text.text, usage=usage, languages=spoken)

    def _tell(self, item: _Item, what: str, **fields: object) -> None:
        self._send({"type": f"{_TRANSCRIPTION}.{what}", "item_id": item.id, "content_index": 0, **fields})


def _new_id(kind: str) -> str:
    return f"{kind}_{secrets.token_hex(12)}"
