"""Frozen dataclasses as JSON values, and back exactly.

In go dataclasses of texts, numbers, paths, enumerations, tuples, mappings and other dataclasses; out come
values for `json.dumps`. A field that has its default is left out. Back, types are those of the annotations
and nothing else: a value of another type is refused with its place, keys that are unknown are ignored. Bytes
never become JSON: such a field has its default afterwards.
"""

from __future__ import annotations

import functools
import itertools
import math
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

Decoder = Callable[[Any], Any]
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

    def inside(self, outer: str) -> FieldError:
        """Return the same error, named from outside."""
        joint = "." if self.place and not self.place.startswith("[") else ""
        return FieldError(f"{outer}{joint}{self.place}", self.reason)


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


def decode(kind: Any, value: Any) -> Any:
    """Return the value of a type from its JSON.

    Args:
        kind: A type as an annotation has it.
        value: What `json.loads` returned.

    Raises:
        FieldError: It has another type, or a field is missing.
    """
    return _decoder(kind)(value)


@functools.cache  # made once for each type: results have millions of words
def _decoder(kind: Any) -> Decoder:
    if is_dataclass(kind) and isinstance(kind, type):
        return _object_decoder(kind)
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        [other] = [one for one in typing.get_args(kind) if one is not types.NoneType]
        inner = _decoder(other)
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        return _tuple_decoder(typing.get_args(kind))
    if origin is not None:
        return _mapping_decoder(_decoder(typing.get_args(kind)[1]))
    return _single_decoder(kind)


def _single_decoder(kind: Any) -> Decoder:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return functools.partial(_member, kind)
    if kind is Path:
        return lambda value: Path(_plain(str, value))
    return _number if kind is float else functools.partial(_plain, kind)


def _object_decoder(kind: type) -> Decoder:
    layout = [
        (field.name, _decoder(annotation), _has_default(field))
        for field, annotation in _layout(kind)
        if annotation != bytes | None
    ]

    def decoded(value: Any) -> Any:
        if not isinstance(value, dict):
            raise FieldError("", "must be an object")
        given: dict[str, Any] = {}
        for name, inner, is_optional in layout:
            if name in value:
                try:
                    given[name] = inner(value[name])
                except FieldError as error:
                    raise error.inside(name) from error.__cause__
            elif not is_optional:
                raise FieldError("", f"has no {name}")
        try:
            return kind(**given)
        except ValueError as error:  # a rule of the dataclass itself
            raise FieldError("", f"is not possible: {error}") from error

    return decoded


def _tuple_decoder(arguments: tuple[Any, ...]) -> Decoder:
    is_open = arguments[-1] is Ellipsis
    inners = [_decoder(argument) for argument in arguments if argument is not Ellipsis]

    def decoded(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise FieldError("", "must be a list")
        if not is_open and len(value) != len(inners):
            raise FieldError("", f"must have {len(inners)} values")
        found: list[Any] = []
        try:
            for inner, one in zip(itertools.cycle(inners) if is_open else inners, value, strict=False):
                found.append(inner(one))
        except FieldError as error:
            raise error.inside(f"[{len(found)}]") from error.__cause__
        return tuple(found)

    return decoded


def _mapping_decoder(inner: Decoder) -> Decoder:
    def decoded(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise FieldError("", "must be an object")
        found: dict[str, Any] = {}
        for key, one in value.items():
            try:
                found[key] = inner(one)
            except FieldError as error:
                raise error.inside(key) from error.__cause__
        return found

    return decoded


def _member(kind: type[Enum], value: Any) -> Enum:
    try:
        return kind(value)
    except ValueError:
        names = ", ".join(str(one.value) for one in kind)
        raise FieldError("", f"must be one of {names}") from None


def _plain(kind: type, value: Any) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise FieldError("", f"must be {_NAMES.get(kind, kind.__name__)}")
    return value


def _number(value: Any) -> float:
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            value = float(value)
        except OverflowError:
            value = math.inf
    if not isinstance(value, float):
        raise FieldError("", f"must be {_NAMES[float]}")
    if not math.isfinite(value):
        raise FieldError("", "must be a finite number")
    return value


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
    make: Any = field.default_factory
    return make()
