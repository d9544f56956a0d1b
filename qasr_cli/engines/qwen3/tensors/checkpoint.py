"""The weights of a stored model by their names in transformers' classes.

In goes a model in either layout; out come single tensors as they are stored. Each is read alone, so that a
model which is converted while it is loaded is never in memory twice. Never makes a tensor up.
"""

from __future__ import annotations

import math
import sys

import numpy as np
import torch

from qasr_cli.engines import weights
from qasr_cli.engines.layouts import Layout
from qasr_cli.engines.model_store import StoredModel
from qasr_cli.engines.weights import AGAIN, Location
from qasr_cli.errors import UnavailableError

_DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


class Checkpoint:
    """The tensors of one model.

    Args:
        stored: The model.
        layout: Its layout, from `layouts.read`.
    """

    def __init__(self, stored: StoredModel, layout: Layout) -> None:
        self._locations = {
            layout.native_name(name): location for name, location in weights.locations(stored.folder).items()
        }

    def tensor(self, name: str) -> torch.Tensor:
        """Return a copy of the tensor in its stored format.

        Raises:
            UnavailableError: The file was changed or cut short meanwhile.
        """
        return self._read(name, is_mapped=False)

    def mapped(self, name: str) -> torch.Tensor:
        """Return the tensor over the file's own pages, of which only those that are read take memory."""
        return self._read(name, is_mapped=True)

    def _read(self, name: str, *, is_mapped: bool) -> torch.Tensor:
        location = self._locations[name]
        dtype = _DTYPES[location.tensor.dtype]
        try:
            data = _bytes(location, math.prod(location.tensor.shape) * dtype.itemsize, is_mapped=is_mapped)
        except (OSError, ValueError) as error:
            raise UnavailableError(
                f"{location.path} cannot be read: {error}", AGAIN, path=location.path
            ) from error
        return torch.from_numpy(data).view(dtype).view(location.tensor.shape)


def _bytes(location: Location, n_bytes: int, *, is_mapped: bool) -> np.ndarray:
    """Return `uint8[n_bytes]`, little-endian numbers as the format has them.

    Raises:
        ValueError: The file ends before.
    """
    if is_mapped and n_bytes and sys.byteorder == "little":
        # Copy on write, since torch takes no memory that cannot be written; nothing writes.
        return np.memmap(location.path, np.uint8, "c", location.begin, (n_bytes,))
    data = np.fromfile(location.path, np.uint8, n_bytes, offset=location.begin)
    if len(data) != n_bytes:
        raise ValueError("it ends too early")
    return data
