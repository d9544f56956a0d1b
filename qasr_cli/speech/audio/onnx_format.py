"""ONNX graphs as bytes: as much of the format as reading weights and writing a small graph needs.

In go a model's bytes; out come its operators and weights. In go operators and weights; out come the bytes
of a model. Never runs a graph. The `onnx` package does the same and more, and would be a dependency of 15
MB for it. The numbers of fields are those of `onnx.proto`, version 8; the encoding is that of Protocol
Buffers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_IR_VERSION = 8
_OPERATOR_SET = 16
_FLOAT, _INT64 = 1, 7  # TensorProto.DataType
_INT = 2  # AttributeProto.AttributeType
_VARINT, _BYTES = 0, 2  # kinds of fields; of the others, which have a fixed size, only the size matters
_FIXED_BYTES = {1: 8, 5: 4}


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator of a graph: its kind, and the names of what it reads."""

    kind: str
    inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """A graph.

    Attributes:
        operators: In the order in which they run.
        weights: `float32` arrays by name.
        digest: SHA-256 of everything but the weights, in hexadecimal.
    """

    operators: tuple[Operator, ...]
    weights: dict[str, np.ndarray]
    digest: str


def read(model: bytes) -> Model:
    """Return what a model consists of.

    Raises:
        ValueError: The bytes are not those of a model.
    """
    operators: list[Operator] = []
    weights: dict[str, np.ndarray] = {}
    digest = hashlib.sha256()
    try:
        (graph,) = (value for number, value in _fields(model) if number == 7)
        for number, value in _fields(graph):
            if number == 5:
                name, weight = _read_weight(value)
                weights[name] = weight
                continue
            digest.update(value)
            if number == 1:
                operators.append(_read_operator(value))
    except (IndexError, KeyError, TypeError) as error:
        raise ValueError(f"not an ONNX model: {error}") from error
    return Model(tuple(operators), weights, digest.hexdigest())


def write(
    operators: Sequence[bytes],
    weights: Mapping[str, np.ndarray],
    inputs: Mapping[str, Sequence[int | str]],
    outputs: Mapping[str, Sequence[int | str]],
) -> bytes:
    """Return the bytes of a model.

    Args:
        operators: In the order in which they run; see `operator`.
        weights: `float32` and `int64` arrays by name.
        inputs: Their shapes by name; a text stands for a length that is known only later. All are `float32`.
        outputs: The same.
    """
    graph = b"".join(_field(1, one) for one in operators) + _text(2, "graph")
    graph += b"".join(_field(5, _weight(name, array)) for name, array in weights.items())
    graph += b"".join(_field(11, _value(name, shape)) for name, shape in inputs.items())
    graph += b"".join(_field(12, _value(name, shape)) for name, shape in outputs.items())
    return _number(1, _IR_VERSION) + _field(8, _text(1, "") + _number(2, _OPERATOR_SET)) + _field(7, graph)


def operator(kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: int) -> bytes:
    """Return the bytes of an operator."""
    named = (_text(1, name) + _number(3, value) + _number(20, _INT) for name, value in attributes.items())
    return (
        b"".join(_text(1, name) for name in inputs)
        + b"".join(_text(2, name) for name in outputs)
        + _text(4, kind)
        + b"".join(_field(5, attribute) for attribute in named)
    )


def _read_operator(raw: bytes) -> Operator:
    fields = list(_fields(raw))
    inputs = tuple(str(value, "utf-8") for number, value in fields if number == 1)
    return Operator(str(dict(fields)[4], "utf-8"), inputs)


def _read_weight(raw: bytes) -> tuple[str, np.ndarray]:
    """Return a tensor with its name; an empty one if it does not consist of floats."""
    fields = list(_fields(raw))
    by_number = dict(fields)
    shape = [value for number, value in fields if number == 1]
    name = str(by_number[8], "utf-8") if 8 in by_number else ""
    if by_number.get(2) != _FLOAT or 9 not in by_number:
        return name, np.zeros(0, dtype=np.float32)
    return name, np.frombuffer(by_number[9], dtype="<f4").reshape(shape)


def _fields(raw: bytes) -> Iterator[tuple[int, Any]]:
    """Yield number and value of each field: an integer, or bytes."""
    at = 0
    while at < len(raw):
        key, at = _read_varint(raw, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _read_varint(raw, at)
            yield key >> 3, value
            continue
        n_bytes, at = _read_varint(raw, at) if kind == _BYTES else (_FIXED_BYTES[kind], at)
        if at + n_bytes > len(raw):
            raise IndexError("it is cut off")
        yield key >> 3, raw[at : at + n_bytes]
        at += n_bytes


def _read_varint(raw: bytes, at: int) -> tuple[int, int]:
    """Return an integer of seven bits a byte, and the offset behind it."""
    value = shift = 0
    while True:
        value |= (raw[at] & 0x7F) << shift
        at += 1
        if raw[at - 1] < 0x80:
            return value, at
        shift += 7


def _varint(value: int) -> bytes:
    low = bytearray()
    while value >= 0x80:
        low.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*low, value))


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3 | _VARINT) + _varint(value)


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


def _text(number: int, text: str) -> bytes:
    return _field(number, text.encode())


def _weight(name: str, array: np.ndarray) -> bytes:
    kind = _FLOAT if array.dtype == np.float32 else _INT64
    shape = b"".join(_number(1, length) for length in array.shape)
    return shape + _number(2, kind) + _text(8, name) + _field(9, np.ascontiguousarray(array).tobytes())


def _value(name: str, shape: Sequence[int | str]) -> bytes:
    lengths = (_text(2, length) if isinstance(length, str) else _number(1, length) for length in shape)
    tensor = _number(1, _FLOAT) + _field(2, b"".join(_field(1, length) for length in lengths))
    return _text(1, name) + _field(2, _field(1, tensor))
