"""The values of a request's fields, checked one by one.

In go a form's fields, which are texts; out come values, or the error that names the field and what it may
be. Clients write lists in three ways (a field for each, a JSON list, commas), and switches in many.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus

from qasr_cli import bounded_json
from qasr_cli.serving.http.failures import ApiError

Fields = Mapping[str, Sequence[str]]

_SWITCHES = {"true": True, "1": True, "yes": True, "on": True} | {
    "false": False, "0": False, "no": False, "off": False, "": False,
}  # fmt: skip
_MAX_WORD_CHARS = 60  # of a value that is a name; longer ones are neither compared nor shown
_MAX_ITEMS = 1_000  # of a list


def invalid(field: str, message: str, hint: str = "") -> ApiError:
    """Return the error of a field's value."""
    return ApiError(HTTPStatus.BAD_REQUEST, f"{field}: {message}", hint, param=field)


def shown(value: str) -> str:
    """Return a wrong value for a message, of a bounded length."""
    return repr(value if len(value) <= _MAX_WORD_CHARS else value[:_MAX_WORD_CHARS] + "…")


def word(field: str, value: str) -> str:
    """Return a value that is a name.

    Raises:
        ApiError: It is too long to be one.
    """
    if len(value) > _MAX_WORD_CHARS:
        raise invalid(field, f"{shown(value)} is too long")
    return value


def text(fields: Fields, name: str, default: str = "") -> str:
    """Return the last value of a field, without outer space."""
    values = fields.get(name)
    return values[-1].strip() if values else default


def texts(fields: Fields, name: str) -> list[str]:
    """Return all values of a field, each of which may be a JSON list or have commas.

    Raises:
        ApiError: There are too many.
    """
    found: list[str] = []
    for value in fields.get(name, ()):
        found += _json_list(value) if value.lstrip().startswith("[") else value.split(",")
    items = [item for item in map(str.strip, found) if item]
    if len(items) > _MAX_ITEMS:
        raise invalid(name, f"there are more than {_MAX_ITEMS:,} values")
    return items


def _json_list(value: str) -> list[str]:
    try:
        listed = bounded_json.loads(value)
    except ValueError:
        return value.split(",")
    # JSON may have half of a character, which no tokenizer takes: it would fail the batches of others, too
    return [item.encode("utf-8", "replace").decode() for item in listed if isinstance(item, str)]


def choice(fields: Fields, name: str, choices: Collection[str], default: str) -> str:
    """Return the value of a field that has a few.

    Raises:
        ApiError: It is none of them; the message has the nearest one.
    """
    value = text(fields, name) or default
    return one_of(name, value, choices)


def one_of(name: str, value: str, choices: Collection[str]) -> str:
    """Return a value in the spelling of its choices.

    Raises:
        ApiError: It is none of them.
    """
    found = word(name, value).lower()
    if found in choices:
        return found
    near = difflib.get_close_matches(found, choices, 1, 0.6)
    hint = f"did you mean {near[0]}?" if near else f"it is one of {', '.join(choices)}"
    raise invalid(name, f"there is no {shown(value)}", hint)


def switch(fields: Fields, name: str, *, default: bool = False) -> bool:
    """Return the value of a field that is true or false.

    Raises:
        ApiError: It is neither.
    """
    if name not in fields:
        return default
    value = _SWITCHES.get(text(fields, name).lower())
    if value is None:
        raise invalid(name, f"{shown(text(fields, name))} is neither true nor false")
    return value


def number(fields: Fields, name: str, low: float, high: float) -> float | None:
    """Return the value of a field that is a number; None without it.

    Raises:
        ApiError: It is no number, or not between `low` and `high`.
    """
    value = text(fields, name)
    if not value:
        return None
    try:
        parsed = float(value)
    except ValueError:
        parsed = math.nan
    if not low <= parsed <= high:
        raise invalid(name, f"{shown(value)} is not a number from {low:g} to {high:g}")
    return parsed
