"""Frozen dataclasses as JSON values, and back exactly.

In go dataclasses of texts, numbers, paths, enumerations, tuples, mappings and other dataclasses; out come
values for `json.dumps`. A field that has its default is left out. Back, types are those of the annotations
and nothing else: a value of another type is refused with its place, keys that are unknown are ignored. Bytes
never become JSON: such a field has its default afterwards.
"""

from __future__ import annotations

import functools
import math
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


class FieldError(ValueError):
    """A value that a field cannot have.

    Attributes:
        place: The field, such as `reference.words[3].start_ms`.
        reason: What it must be.
    """

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place or 'the line'} {reason}")
        self.place = place
        self.reason = reason


def encode(value: Any) -> Any:
    """Return a value for `json.dumps`; a number that is not finite becomes None."""
    if is_dataclass(value) and not isinstance(value, type):
        return _fields_of(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {key: encode(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [encode(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _fields_of(value: Any) -> dict[str, Any]:
    found = {}
    kind: type = type(value)
    for field, _ in _layout(kind):
        one = getattr(value, field.name)
        if not isinstance(one, bytes) and not (_has_default(field) and one == _default(field)):
            found[field.name] = encode(one)
    return found


def decode(kind: Any, value: Any, place: str = "") -> Any:
    """Return the value of a type from its JSON.

    Args:
        kind: A type as an annotation has it.
        value: What `json.loads` returned.
        place: Where it stands, for errors.

    Raises:
        FieldError: It has another type, or a field is missing.
    """
    if is_dataclass(kind) and isinstance(kind, type):
        return _object(kind, value, place)
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _optional(kind, value, place)
    if origin is not None:
        return _several(origin, typing.get_args(kind), value, place)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _member(kind, value, place)
    if kind is Path:
        return Path(_plain(str, value, place))
    return _plain(kind, value, place)


def _object(kind: type, value: Any, place: str) -> Any:
    if not isinstance(value, dict):
        raise FieldError(place, "must be an object")
    given: dict[str, Any] = {}
    for field, annotation in _layout(kind):
        if field.name in value and annotation != bytes | None:
            inner = f"{place}.{field.name}" if place else field.name
            given[field.name] = decode(annotation, value[field.name], inner)
        elif not _has_default(field):
            raise FieldError(place, f"has no {field.name}")
    try:
        return kind(**given)
    except FieldError:
        raise
    except ValueError as error:  # a rule of the dataclass itself
        raise FieldError(place, f"is not possible: {error}") from error


def _optional(kind: Any, value: Any, place: str) -> Any:
    """Return None, or the value of the union's only other type."""
    others = [one for one in typing.get_args(kind) if one is not types.NoneType]
    return None if value is None else decode(others[0], value, place)


def _several(origin: Any, arguments: tuple[Any, ...], value: Any, place: str) -> Any:
    if origin is tuple:
        if not isinstance(value, list):
            raise FieldError(place, "must be a list")
        if arguments[-1] is not Ellipsis and len(value) != len(arguments):
            raise FieldError(place, f"must have {len(arguments)} values")
        kinds = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
        return tuple(
            decode(kind, one, f"{place}[{number}]")
            for number, (kind, one) in enumerate(zip(kinds, value, strict=True))
        )
    if not isinstance(value, dict):
        raise FieldError(place, "must be an object")
    return {key: decode(arguments[1], one, f"{place}.{key}") for key, one in value.items()}


def _member(kind: type[Enum], value: Any, place: str) -> Enum:
    try:
        return kind(value)
    except ValueError:
        names = ", ".join(str(one.value) for one in kind)
        raise FieldError(place, f"must be one of {names}") from None


def _plain(kind: type, value: Any, place: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = _as_float(value, place)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise FieldError(place, f"must be {_NAMES.get(kind, kind.__name__)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise FieldError(place, "must be a finite number")
    return value


def _as_float(value: int, place: str) -> float:
    try:
        return float(value)
    except OverflowError:
        raise FieldError(place, "must be a finite number") from None


@functools.cache
def _layout(kind: type) -> tuple[tuple[Field[Any], Any], ...]:
    """Return a dataclass's fields with their types."""
    hints = typing.get_type_hints(kind)
    return tuple((field, hints[field.name]) for field in fields(kind))


def _has_default(field: Field[Any]) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


def _default(field: Field[Any]) -> Any:
    if field.default is not MISSING:
        return field.default
    make: Callable[[], Any] | Any = field.default_factory
    return make()
