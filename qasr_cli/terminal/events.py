"""What happens in a run as one line for programs: a JSON object, or text that a person can grep.

In go an event's name, its level and its fields; out comes a line without a line break inside.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from qasr_cli.errors import printable


def now() -> str:
    """Return the time of day with its offset, so that a log can be read in another country."""
    return datetime.now().astimezone().isoformat(timespec="milliseconds")


def json_line(event: str, level: str, fields: Mapping[str, object]) -> str:
    """Return `{"time": ..., "level": ..., "event": ..., ...}`."""
    told = {"time": now(), "level": level, "event": event, **fields}
    return json.dumps(told, ensure_ascii=False, default=str)


def text_line(event: str, level: str, fields: Mapping[str, object]) -> str:
    """Return `TIME level event key=value ...`; what is not set is left out."""
    told = (f"{key}={_as_text(value)}" for key, value in fields.items() if value not in (None, "", [], ()))
    return printable(" ".join((now(), level, event, *told)))


def _as_text(value: object) -> str:
    plain = isinstance(value, str) and value != "" and not set(value) & set(" \"'=")
    return str(value) if plain else json.dumps(value, ensure_ascii=False, default=str)
