"""Fields of a JSON object, each checked for its type, each named by its path when it is wrong.

In goes text from any source; out come Python values of the requested type, or one clear error
(`segments[3].words[0].start_ms: must be a whole number`). Knows JSON only, never transcripts.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from qasr_cli import bounded_json
from qasr_cli.errors import UndecodableError
from qasr_cli.timebase import seconds_to_ms

# A year. No media is longer, and `timedelta`, which SRT goes through, ends at a billion days.
_MAX_COUNT = 366 * 24 * 3_600_000
_MAX_NUMBERS = 1_000  # of an object of numbers
_RATE = re.compile(r"[0-9]{1,9}(?:/[0-9]{1,9})?")
_MAX_RATE = 1_000
_HINT = "give JSON of qasr, whisper, whisperX, stable-ts, whisper.cpp or OpenAI"


def load_object(text: str) -> Fields:
    """Parse a JSON object.

    Raises:
        UndecodableError: It is not JSON, or not an object.
    """
    try:
        # Some writers put NaN, which is not JSON, into fields that are not read; no field that is read may
        # be one.
        whole = bounded_json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise UndecodableError(f"not a transcript: no valid JSON at {place} ({error.msg})", _HINT) from error
    except bounded_json.DepthError as error:
        raise UndecodableError(f"not a transcript: the JSON {error}", _HINT) from error
    except ValueError as error:  # a number with thousands of digits
        raise UndecodableError(f"not a transcript: no valid JSON ({error})", _HINT) from error
    if not isinstance(whole, dict):
        raise UndecodableError("not a transcript: the JSON is not an object", _HINT)
    return Fields(whole, "")


@dataclass(frozen=True, slots=True)
class Fields:
    """One object; `path` is its place in the file, "" for the whole file."""

    values: dict[str, object]
    path: str

    def wrong(self, key: str, what: str) -> UndecodableError:
        """Return the error for a field."""
        return UndecodableError(f"not a transcript: {self._path(key)} {what}", _HINT)

    def require_schema(self, schema: str) -> None:
        """Refuse any other schema.

        Raises:
            UndecodableError: `schema` is missing or different.
        """
        actual = self.values.get("schema")
        if actual != schema:
            problem = "has no schema" if actual is None else f"has schema {str(actual)[:40]!r}"
            raise UndecodableError(f"not a transcript: the JSON {problem}, not {schema!r}", _HINT)

    def text(self, key: str) -> str:
        """Return a string."""
        value = self._get(key)
        if not isinstance(value, str):
            raise self.wrong(key, "must be a text")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of strings."""
        value = self._get(key)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(key, "must be a list of texts")
        return tuple(value)

    def optional_text(self, key: str) -> str | None:
        """Return a string, or None for null."""
        return None if self._get(key) is None else self.text(key)

    def signed_ms(self, key: str) -> int:
        """Return a whole number that may be negative (a track can begin before its container does)."""
        value = self._get(key)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.wrong(key, "must be a whole number")
        if abs(value) > _MAX_COUNT:
            raise self.wrong(key, "is out of range")
        return value

    def count(self, key: str) -> int:
        """Return a whole number from 0 to a year of milliseconds."""
        value = self.signed_ms(key)
        if value < 0:
            raise self.wrong(key, "must not be negative")
        return value

    def optional_count(self, key: str) -> int | None:
        """Return a whole number, or None for null."""
        return None if self._get(key) is None else self.count(key)

    def optional_number(self, key: str, *, is_needed: bool = True) -> float | None:
        """Return a number in the range of milliseconds; None for null, or without an unneeded key."""
        value = self._get(key) if is_needed else self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self.wrong(key, "must be a number or null")
        if not abs(value) <= _MAX_COUNT:  # NaN is in no range
            raise self.wrong(key, "is out of range")
        return float(value)

    def numbers(self, key: str) -> dict[str, float]:
        """Return an object of numbers; empty without the key."""
        if key not in self.values:
            return {}
        child = self.child(key)
        if len(child.values) > _MAX_NUMBERS:
            raise self.wrong(key, f"has more than {_MAX_NUMBERS} numbers")
        found = {name: child.optional_number(name) for name in child.values}
        if any(value is None for value in found.values()):
            raise self.wrong(key, "must hold numbers")
        return {name: value for name, value in found.items() if value is not None}

    def seconds_ms(self, key: str) -> int:
        """Return seconds as the nearest millisecond; 0 for null."""
        return seconds_to_ms(self.optional_number(key) or 0.0)

    def optional_seconds_pair(self, key: str) -> tuple[int | None, int | None]:
        """Return `[start, end]` in milliseconds of a list of seconds; None for null."""
        value = self._get(key)
        if not isinstance(value, list) or len(value) != 2:
            raise self.wrong(key, "must be a start and an end")
        pair = Fields({"0": value[0], "1": value[1]}, self._path(key))
        start, end = (None if item is None else pair.seconds_ms(name) for name, item in pair.values.items())
        return start, end

    def optional_rate(self, key: str) -> Fraction | None:
        """Return a rate written as text (`24000/1001`, `25`), or None for null."""
        if self._get(key) is None:
            return None
        text = self.text(key)
        over, _, under = text.partition("/")
        if not _RATE.fullmatch(text) or not int(under or 1):
            raise self.wrong(key, "must be a rate such as 25 or 24000/1001")
        rate = Fraction(int(over), int(under or 1))
        if not 1 <= rate <= _MAX_RATE:
            raise self.wrong(key, "is out of range")
        return rate

    def rising_counts(self, key: str) -> tuple[int, ...]:
        """Return a list of milliseconds, each above the one before."""
        value = self._get(key)
        if not isinstance(value, list) or not all(type(item) is int for item in value):
            raise self.wrong(key, "must be a list of whole numbers")
        if any(not 0 <= item <= _MAX_COUNT for item in value) or any(a >= b for a, b in pairwise(value)):
            raise self.wrong(key, "must rise from 0")
        return tuple(value)

    def spans(self, key: str) -> list[tuple[int, int]]:
        """Return a list of `[start, end]` in milliseconds; empty without the key."""
        value = self.values.get(key, [])
        if not isinstance(value, list):
            raise self.wrong(key, "must be a list")
        for number, pair in enumerate(value):
            is_pair = isinstance(pair, list) and len(pair) == 2 and all(type(edge) is int for edge in pair)
            if not is_pair or not 0 <= pair[0] < pair[1] <= _MAX_COUNT:
                raise self.wrong(f"{key}[{number}]", "must be a start and a later end")
        return [(start, end) for start, end in value]

    def range(self, key: str, length: int) -> tuple[int, int]:
        """Return `[first, last]`, a stretch of a list of `length` items."""
        value = self._get(key)
        is_pair = isinstance(value, list) and len(value) == 2 and all(type(edge) is int for edge in value)
        if not (isinstance(value, list) and is_pair and 0 <= value[0] <= value[1] <= length):
            raise self.wrong(key, f"must be two places among {length} words")
        return value[0], value[1]

    def child(self, key: str) -> Fields:
        """Return an object."""
        value = self._get(key)
        if not isinstance(value, dict):
            raise self.wrong(key, "must be an object")
        return Fields(value, self._path(key))

    def optional_child(self, key: str) -> Fields | None:
        """Return an object, or None for null and without the key."""
        return None if self.values.get(key) is None else self.child(key)

    def children(self, key: str) -> list[Fields]:
        """Return a list of objects."""
        value = self._get(key)
        if not isinstance(value, list):
            raise self.wrong(key, "must be a list")
        children = []
        for number, item in enumerate(value):
            if not isinstance(item, dict):
                raise self.wrong(f"{key}[{number}]", "must be an object")
            children.append(Fields(item, f"{self._path(key)}[{number}]"))
        return children

    def _get(self, key: str) -> object:
        if key not in self.values:
            raise self.wrong(key, "is missing")
        return self.values[key]

    def _path(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key
