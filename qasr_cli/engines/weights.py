"""Headers of safetensors files: the tensors of a folder, and whether its files are complete.

In goes a folder; out come names and shapes, without reading a weight. A pickle is never opened, because
opening one runs code.
"""

from __future__ import annotations

import math
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from qasr_cli import bounded_json
from qasr_cli.engines import model_files
from qasr_cli.errors import UnavailableError
from qasr_cli.operating_system.files import open_regular

_INDEX = "model.safetensors.index.json"
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_LENGTH_BYTES = 8  # a file begins with the length of its JSON header, little-endian
_MAX_HEADER_BYTES = 10_000_000  # 60,000 tensors of 150 bytes; the largest model of the family has 1,000
_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}  # the types that weights are in when nothing is quantised
_MAX_SHOWN_CHARS = 80
AGAIN = "download it again: qasr models pull NAME"


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a file: its shape, and its type as safetensors spells it (`BF16`, `F32`)."""

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class Location:
    """Where one tensor is stored: its file, and the offset of its first byte."""

    tensor: Tensor
    path: Path
    begin: int


def files(folder: Path) -> list[Path]:
    """Return the weight files of a model; all of them exist.

    Raises:
        UnavailableError: There is no safetensors file, or a file of the index is missing.
    """
    index = folder / _INDEX
    if not os.path.lexists(index):
        paths = sorted(folder.glob("*.safetensors"))
        if paths:
            return paths
        pickles = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
        if pickles:
            raise UnavailableError(
                f"{folder} holds weights only as a pickle ({pickles[0]}), which qasr never opens",
                "take a release of the model with .safetensors files",
                path=folder,
            )
        raise UnavailableError(f"no .safetensors weights in {folder}", AGAIN, path=folder)
    try:
        expected = sorted(set(model_files.load_json(index)["weight_map"].values()))
        outside = next(
            (name for name in expected if name in {"", ".", ".."} or Path(name).name != name), None
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UnavailableError(
            f"{index} is not a readable list of weight files", AGAIN, path=index
        ) from error
    if outside is not None:
        raise UnavailableError.about(
            index, f"names {outside[:_MAX_SHOWN_CHARS]!r}, which is no file beside it", AGAIN
        )
    missing = [name for name in expected if not os.path.isfile(folder / name)]
    if missing:
        raise UnavailableError(
            f"{len(missing)} of {len(expected)} weight files are missing in {folder}, such as "
            f"{missing[0][:_MAX_SHOWN_CHARS]}",
            AGAIN,
            path=folder,
        )
    return [folder / name for name in expected]


def tensors(folder: Path) -> dict[str, Tensor]:
    """Return every tensor of a model by its name.

    Raises:
        UnavailableError: As :func:`files`; or a file is truncated or not a safetensors file.
    """
    return {name: location.tensor for name, location in locations(folder).items()}


def locations(folder: Path) -> dict[str, Location]:
    """Return where every tensor of a model is stored, by its name.

    Raises:
        UnavailableError: As :func:`tensors`.
    """
    by_name: dict[str, Location] = {}
    for path in files(folder):
        by_name |= _locations_in(path)
    return by_name


def n_parameters(folder: Path) -> int:
    """Return how many numbers a model's weights are.

    Raises:
        UnavailableError: As :func:`tensors`.
    """
    return sum(math.prod(tensor.shape) for tensor in tensors(folder).values())


def _locations_in(path: Path) -> dict[str, Location]:
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            header, begin = _header(file, size)
        header.pop("__metadata__", None)
        entries = {name: _tensor(entry) for name, entry in header.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UnavailableError(f"{path} is not a safetensors file", AGAIN, path=path) from error
    expected = begin + max((end for _, _, end in entries.values()), default=0)
    if size < expected:
        raise UnavailableError(f"{path} is cut short: {size} of {expected} bytes", AGAIN, path=path)
    foreign = next((name for name, (tensor, _, _) in entries.items() if tensor.dtype not in _BYTES), None)
    if foreign is not None:
        dtype = entries[foreign][0].dtype[:_MAX_SHOWN_CHARS]
        raise UnavailableError.about(
            path, f"{foreign[:_MAX_SHOWN_CHARS]} is of type {dtype}", f"known types: {', '.join(_BYTES)}"
        )
    return {name: Location(tensor, path, begin + start) for name, (tensor, start, _) in entries.items()}


def _tensor(entry: Any) -> tuple[Tensor, int, int]:
    """Return a tensor, and where its data begins and ends behind the header.

    Raises:
        ValueError: The entry contradicts itself. Other errors: it is no entry.
    """
    shape, dtype, (begin, end) = entry["shape"], entry["dtype"], entry["data_offsets"]
    if not all(type(number) is int and number >= 0 for number in (*shape, begin, end)):
        raise ValueError("not whole numbers")
    if not isinstance(dtype, str) or (dtype in _BYTES and end - begin != math.prod(shape) * _BYTES[dtype]):
        raise ValueError("its shape and its data differ")
    return Tensor(tuple(shape), dtype), begin, end


def _header(file: BinaryIO, size: int) -> tuple[dict[str, Any], int]:
    """Return a file's JSON header and where the data begins."""
    (length,) = struct.unpack("<Q", file.read(_LENGTH_BYTES).ljust(_LENGTH_BYTES, b"\xff"))
    if length > min(_MAX_HEADER_BYTES, size):
        raise ValueError("no header")
    header = bounded_json.loads(file.read(length))
    if not isinstance(header, dict):
        raise TypeError("not an object")
    return header, _LENGTH_BYTES + length
