"""Products of rows with one weight matrix, as PyTorch stores it or laid out once for oneDNN.

In goes a weight; out comes a callable from rows to rows. Never computes in another type than the weight's.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch.nn import functional

Activation = Literal["none", "gelu"]
_LEAST_ROWS = {torch.bfloat16: 2, torch.float32: 4}  # measured on an AMD CPU; tests compare bits on any
# oneDNN compiles a kernel for each new number of rows, and keeps 1,024 of them, of about 0.5 MB each. A
# stream's steps have ever new numbers: with the demo pair a third of their time went into compiling. A
# larger bucket is too much padding at real sizes, where 8 rows are 3 % of a step's.
_ROWS_BUCKET = 8
_OPERATORS = ("_reorder_linear_weight", "_linear_pointwise", "_convolution_pointwise")


def can_pack(dtype: torch.dtype, device: torch.device | str = "cpu") -> bool:
    """Whether oneDNN is there, with the operators that this module and `conv_front_end` use, for the type.

    The operators are those that torch's own compiler emits on a CPU; they have no public name, so a build
    without one of them computes the plain way.
    """
    has_onednn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if torch.device(device).type != "cpu" or not has_onednn:
        return False
    if not all(hasattr(torch.ops.mkldnn, name) for name in _OPERATORS):
        return False
    if dtype == torch.bfloat16:
        is_known = hasattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported")
        return is_known and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return dtype == torch.float32


def pad_to_bucket(rows: torch.Tensor) -> torch.Tensor:
    """Return `[n, width]` with rows of 0 behind it, so that products see few different numbers of rows.

    On a CPU; elsewhere the rows are returned as they are.
    """
    n_missing = -len(rows) % _ROWS_BUCKET if rows.device.type == "cpu" else 0
    return functional.pad(rows, (0, 0, 0, n_missing)) if n_missing else rows


class DenseLinear:
    """A product `rows @ weight.T + bias`, with GELU behind it if asked for.

    A packed weight lies in the blocks in which the CPU's kernel reads it. On an AMD CPU that is 2.3 times
    faster than `F.linear` in fp32, where that is MKL's, and up to 1.9 times in bf16 for few rows.
    """

    def __init__(
        self,
        weight: torch.Tensor,
        bias: torch.Tensor | None = None,
        is_packed: bool = False,
        *,
        activation: Activation = "none",
    ) -> None:
        """Keep the weight, packed where `can_pack` allows it and plain elsewhere.

        Args:
            weight: `[n_out, n_in]`.
            bias: `[n_out]`, of the weight's type.
            is_packed: Whether a packed copy replaces the weight.
            activation: "gelu" is the exact one, with the error function.
        """
        self.is_packed = is_packed and can_pack(weight.dtype, weight.device)
        self._bias = None if bias is None else bias.detach()
        self._activation = activation
        weight = weight.detach().contiguous()
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight) if self.is_packed else weight

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """Return `[n, n_out]` for `[n, n_in]`, of the weight's type."""
        if self.is_packed:
            packed: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
                rows, self._weight, self._bias, self._activation, [], "none"
            )
            return packed
        out = functional.linear(rows, self._weight, self._bias)
        return functional.gelu(out) if self._activation == "gelu" else out


class RowwiseLinear:
    """A product whose rows are the same bits however many there are.

    With one row or a few, a CPU's libraries take other kernels, whose sums differ in the last bit from those
    of more rows. Rows of 0 fill such a call up.
    """

    def __init__(self, linear: DenseLinear, dtype: torch.dtype) -> None:
        """Wrap a product of rows of a type."""
        self._linear = linear
        self._least_rows = _LEAST_ROWS.get(dtype, 1)

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """Return `[n, n_out]` for `[n, n_in]`."""
        n_missing = self._least_rows - len(rows)
        if n_missing <= 0:
            return self._linear(rows)
        return self._linear(functional.pad(rows, (0, 0, 0, n_missing)))[: len(rows)]
