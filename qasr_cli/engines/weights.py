"""Headers of safetensors files: the tensors of a folder, and whether its files are complete.

In goes a folder; out come names and shapes, without reading a weight. A pickle is never opened, because
opening one runs code.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qasr_cli.errors import UnavailableError

_INDEX = "model.safetensors.index.json"
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_LENGTH_BYTES = 8  # a file begins with the length of its JSON header, little-endian
_MAX_HEADER_BYTES = 100_000_000  # the format's own limit
AGAIN = "download it again: qasr models pull NAME"


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a file: its shape, and its type as safetensors spells it (`BF16`, `F32`)."""

    shape: tuple[int, ...]
    dtype: str


def files(folder: Path) -> list[Path]:
    """Return the weight files of a model; all of them exist.

    Raises:
        UnavailableError: There is no safetensors file, or a file of the index is missing.
    """
    index = folder / _INDEX
    if not index.is_file():
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
        expected = sorted(set(json.loads(index.read_bytes())["weight_map"].values()))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UnavailableError(
            f"{index} is not a readable list of weight files", AGAIN, path=index
        ) from error
    missing = [name for name in expected if not (folder / name).is_file()]
    if missing:
        raise UnavailableError(
            f"{len(missing)} of {len(expected)} weight files are missing in {folder}, such as {missing[0]}",
            AGAIN,
            path=folder,
        )
    return [folder / name for name in expected]


def tensors(folder: Path) -> dict[str, Tensor]:
    """Return every tensor of a model by its name.

    Raises:
        UnavailableError: As :func:`files`; or a file is truncated or not a safetensors file.
    """
    by_name: dict[str, Tensor] = {}
    for path in files(folder):
        by_name |= _tensors_in(path)
    return by_name


def _tensors_in(path: Path) -> dict[str, Tensor]:
    size = path.stat().st_size
    try:
        header, begin = _header(path)
        header.pop("__metadata__", None)
        entries = {
            name: (
                Tensor(tuple(map(int, entry["shape"])), str(entry["dtype"])),
                int(entry["data_offsets"][1]),
            )
            for name, entry in header.items()
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UnavailableError(f"{path} is not a safetensors file", AGAIN, path=path) from error
    expected = begin + max((end for _, end in entries.values()), default=0)
    if size < expected:
        raise UnavailableError(f"{path} is cut short: {size} of {expected} bytes", AGAIN, path=path)
    return {name: tensor for name, (tensor, _) in entries.items()}


def _header(path: Path) -> tuple[dict[str, Any], int]:
    """Return a file's JSON header and where the data begins."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(_LENGTH_BYTES).ljust(_LENGTH_BYTES, b"\xff"))
        if length > _MAX_HEADER_BYTES:
            raise ValueError("no header")
        header: dict[str, Any] = json.loads(file.read(length))
    return header, _LENGTH_BYTES + length
