"""Products of 8-bit integers by onnxruntime, where torch has no kernel for the CPU.

In goes a weight; out comes a function of integer rows. The model is one ONNX node, `MatMulInteger`, written
here in protobuf's format (https://protobuf.dev/programming-guides/encoding), so that no library for ONNX is
needed. Never starts a thread: each session would have a pool of its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

# Types of tensors, and the versions of file format and operators, from onnx.proto and the operators' list.
_UINT8, _INT8, _INT32 = 2, 3, 6
_IR_VERSION, _OPSET_VERSION = 8, 10  # the first operator set with MatMulInteger

Sums = Callable[[np.ndarray], np.ndarray]


def pack(weight: np.ndarray, zero_point: int) -> Sums:
    """Return a function of `uint8[n, n_in]` that returns `int32[n, n_out]`: `(rows - zero_point) @ weight.T`.

    Args:
        weight: `int8[n_out, n_in]`.
        zero_point: The level of an activation of 0.

    Raises:
        ImportError: onnxruntime is not installed.
        RuntimeError: It refuses the model.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # from 1.32 on it sends telemetry as soon as it is imported
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        _model(weight, zero_point), sess_options=options, providers=["CPUExecutionProvider"]
    )

    def multiply(rows: np.ndarray) -> np.ndarray:
        sums: np.ndarray = session.run(["sums"], {"rows": rows})[0]
        return sums

    return multiply


def _model(weight: np.ndarray, zero_point: int) -> bytes:
    """Return a `ModelProto` with one node: `sums = MatMulInteger(rows, weight, zero)`."""
    inputs = b"".join(_field(1, name.encode()) for name in ("rows", "weight", "zero"))
    node = inputs + _field(2, b"sums") + _field(4, b"MatMulInteger")
    graph = (
        *(_field(1, node), _field(2, b"product")),
        _field(5, _tensor("weight", _INT8, np.ascontiguousarray(weight.T))),
        _field(5, _tensor("zero", _UINT8, np.array(zero_point, dtype=np.uint8))),
        *(_field(11, _value("rows", _UINT8)), _field(12, _value("sums", _INT32))),
    )
    return _number(1, _IR_VERSION) + _field(7, b"".join(graph)) + _field(8, _number(2, _OPSET_VERSION))


def _tensor(name: str, kind: int, values: np.ndarray) -> bytes:
    """Return a `TensorProto`."""
    shape = b"".join(_number(1, size) for size in values.shape)
    return shape + _number(2, kind) + _field(8, name.encode()) + _field(9, values.tobytes())


def _value(name: str, kind: int) -> bytes:
    """Return a `ValueInfoProto` of any shape."""
    return _field(1, name.encode()) + _field(2, _field(1, _number(1, kind)))


def _field(number: int, content: bytes) -> bytes:
    """Return a field of bytes: its number with wire type 2, its length, its content."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _number(number: int, value: int) -> bytes:
    """Return a field of a whole number: its number with wire type 0, its value."""
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    """Return a whole number in groups of 7 bits, the lowest first; all but the last have the high bit."""
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)
