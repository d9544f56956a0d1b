"""The events of Wyoming as they come over a connection.

In go bytes of strangers; out come events. Every size is limited, which the library's own reader does not do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from qasr_cli import bounded_json
from qasr_cli.errors import UsageError

MAX_LINE_BYTES = 1 << 16  # also the limit of the reader
_MAX_DATA_BYTES = 1 << 20  # the names of a house
_MAX_PAYLOAD_BYTES = 1 << 22  # usual are 2 kB of audio


@dataclass(frozen=True, slots=True)
class Received:
    """One event.

    Attributes:
        type: What it is.
        data: Its fields.
        payload: The bytes behind it, mostly audio.
    """

    type: str
    data: Mapping[str, Any] = field(default_factory=dict)
    payload: bytes = b""


async def read_event(reader: asyncio.StreamReader) -> Received | None:
    """Return the next event of a connection whose lines are limited to `MAX_LINE_BYTES`; None at its end.

    Raises:
        UsageError: It is no event, or larger than any needs to be.
    """
    try:
        line = await reader.readuntil(b"\n")
        head = _object(line)
        data = head.get("data")
        given = await reader.readexactly(_length(head, "data_length", _MAX_DATA_BYTES))
        payload = await reader.readexactly(_length(head, "payload_length", _MAX_PAYLOAD_BYTES))
    except asyncio.LimitOverrunError as error:
        raise UsageError(f"an event's line has more than {MAX_LINE_BYTES} bytes", " ") from error
    except asyncio.IncompleteReadError:
        return None
    kind = head.get("type")
    if not isinstance(kind, str):
        raise UsageError("an event without a type", " ")
    inline = data if isinstance(data, dict) else {}
    return Received(kind, {**inline, **(_object(given) if given else {})}, payload)


def _object(content: bytes) -> dict[str, Any]:
    try:
        value = bounded_json.loads(content)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise UsageError("no event of Wyoming: a line that is no JSON object", "check the address and port")
    return value


def _length(head: Mapping[str, Any], name: str, most: int) -> int:
    length = head.get(name) or 0
    if type(length) is not int or not 0 <= length <= most:
        raise UsageError(f"an event's {name} is {str(length)[:40]}", f"send at most {most:,} bytes an event")
    return length
