"""The keys and values of all tokens so far, for a fixed number of rows.

In go the keys and values of a prompt or of one step; out come views for attention, and copies of what stays.
Allocated once for each batch and never concatenated: a step writes one token a row in place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

_WIDTH_STEP = 64  # keys; attention over a multiple of it gives the same bits whatever the multiple


@dataclass(frozen=True, slots=True)
class CacheShape:
    """The sizes of a cache.

    Attributes:
        n_layers: Layers of the language model.
        n_heads: Key-value heads of a layer.
        head_dim: Width of a head.
    """

    n_layers: int
    n_heads: int
    head_dim: int


@dataclass(frozen=True, slots=True)
class Prefix:
    """Keys and values of the first tokens of one sequence, which no later token changes.

    Attributes:
        keys: `dtype[n_layers, n_heads, n_tokens, head_dim]`.
        values: The same.
    """

    keys: torch.Tensor
    values: torch.Tensor

    @property
    def n_tokens(self) -> int:
        """Number of tokens."""
        return self.keys.shape[2]

    def first(self, n_tokens: int) -> Prefix:
        """Return the first tokens alone."""
        return Prefix(self.keys[:, :, :n_tokens], self.values[:, :, :n_tokens])


class KeyValueCache:
    """Keys and values of `n_rows` sequences of at most `n_tokens` each.

    Attributes:
        keys: `dtype[n_layers, n_rows, n_heads, n_tokens, head_dim]`; zero where nothing is written, since
            attention multiplies masked values by 0 and NaN would remain NaN.
        values: The same.
    """

    def __init__(
        self, shape: CacheShape, n_rows: int, n_tokens: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        width = round_up(n_tokens)
        sizes = (shape.n_layers, n_rows, shape.n_heads, width, shape.head_dim)
        self.keys = _zeros(sizes, dtype, device)
        self.values = _zeros(sizes, dtype, device)
        self.n_tokens = width

    def write_prompt(
        self, layer: int, row: int, keys: torch.Tensor, values: torch.Tensor, position: int = 0
    ) -> None:
        """Write keys and values of a prompt, or of its end, from a position on.

        Args:
            layer: Number of the layer.
            row: The row.
            keys: `[n_heads, n_tokens, head_dim]`.
            values: The same.
            position: Of the first of the tokens.
        """
        end = position + keys.shape[1]
        self.keys[layer, row, :, position:end] = keys
        self.values[layer, row, :, position:end] = values

    def write_prefix(self, row: int, prefix: Prefix) -> None:
        """Write the first tokens of a row, in all layers."""
        self.keys[:, row, :, : prefix.n_tokens] = prefix.keys
        self.values[:, row, :, : prefix.n_tokens] = prefix.values

    def copy_prefix(self, row: int, n_tokens: int) -> Prefix:
        """Return a copy of the first tokens of a row."""
        return Prefix(self.keys[:, row, :, :n_tokens].clone(), self.values[:, row, :, :n_tokens].clone())

    def write_step(
        self, layer: int, positions: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> None:
        """Write one token a row.

        Args:
            layer: Number of the layer.
            positions: `int64[n_rows]`, the token's position in each of the first rows.
            keys: `[n_rows, n_heads, head_dim]`.
            values: The same.
        """
        rows = torch.arange(len(positions), device=positions.device)
        self.write_tokens(layer, rows, positions, keys, values)

    def write_tokens(
        self,
        layer: int,
        rows: torch.Tensor,
        positions: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
    ) -> None:
        """Write tokens of any rows.

        Args:
            layer: Number of the layer.
            rows: `int64[n_tokens]`.
            positions: `int64[n_tokens]`, no two the same in a row.
            keys: `[n_tokens, n_heads, head_dim]`.
            values: The same.
        """
        self.keys[layer, rows, :, positions] = keys.to(self.keys.dtype)
        self.values[layer, rows, :, positions] = values.to(self.values.dtype)

    def copy_row(self, source: int, target: int, n_tokens: int) -> None:
        """Copy the first tokens of a row into another one."""
        self.keys[:, target, :, :n_tokens] = self.keys[:, source, :, :n_tokens]
        self.values[:, target, :, :n_tokens] = self.values[:, source, :, :n_tokens]


def round_up(n_tokens: int) -> int:
    """Return the least width for attention that holds `n_tokens` keys."""
    return -(-n_tokens // _WIDTH_STEP) * _WIDTH_STEP


def _zeros(sizes: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Return zeros; on a CPU without touching the pages, of which short answers use a part."""
    if device.type != "cpu":
        return torch.zeros(sizes, dtype=dtype, device=device)
    n_bytes = int(np.prod(sizes)) * dtype.itemsize
    return torch.from_numpy(np.zeros(n_bytes, dtype=np.uint8)).view(dtype).view(sizes)
