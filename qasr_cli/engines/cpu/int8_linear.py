"""Linear layers with 8-bit integer weights, for the steps of decoding on a CPU.

In goes a dense weight, or its integers and scales; out comes a function of float32 rows. Weights have one
scale per output channel, activations one per row (W8A8, dynamic, symmetric; Jacob et al. 2018,
arXiv:1712.05877), so that a row's result never depends on the other rows. The sums are exact integers: a
kernel that saturates on this CPU is found by a test, and gets smaller numbers. Never changes the weight,
never keeps a row.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from qasr_cli.engines.cpu import onnx_product

Unit = torch.Tensor  # float32[n, n_in] in -1 to 1
Product = Callable[[Unit], torch.Tensor]

_WEIGHT_LEVELS = 127  # -128 is left out, so that negating a weight is exact
_BLOCK_ROWS = 8192  # quantised or packed at once: a head of 151,936 rows packs 4 times slower in one piece
_TINY = torch.finfo(torch.float32).tiny  # a row of zeros has a scale too
_engine = threading.Lock()  # torch's choice of a quantised engine is one for the process: `_fbgemm_engine`
_users: list[str] = []  # the choices that the packings in progress have found


@dataclass(frozen=True, slots=True)
class Int8Kernel:
    """An implementation of the integer product, and how many bits of an activation it multiplies exactly.

    Attributes:
        name: `fbgemm`, `onednn` or `onnxruntime`.
        bits: 8, or 7 where the CPU adds two products in 16 bits and saturates (x86 without VNNI).
    """

    name: str
    bits: int


@dataclass(frozen=True, slots=True)
class Int8Weight:
    """A weight in 8 bits; `values * scales[:, None]` is about the dense one.

    Attributes:
        values: `int8[n_out, n_in]`, -127 to 127.
        scales: `float32[n_out]`.
    """

    values: torch.Tensor
    scales: torch.Tensor


def quantize(weight: torch.Tensor) -> Int8Weight:
    """Return a weight `[n_out, n_in]` of any floating type in 8 bits, symmetric per output channel.

    A channel's largest weight becomes 127 or -127; halves are rounded to even. A channel that is not finite
    has a scale that is not, and so have its results.
    """
    values = torch.empty(weight.shape, dtype=torch.int8)
    scales = torch.empty(len(weight), dtype=torch.float32)
    for begin in range(0, len(weight), _BLOCK_ROWS):
        rows = slice(begin, begin + _BLOCK_ROWS)
        block = weight[rows].float()
        scale = block.abs().amax(dim=1).div_(_WEIGHT_LEVELS).clamp_min_(_TINY)
        scales[rows] = scale
        values[rows] = block.div_(scale[:, None]).round_().nan_to_num_().to(torch.int8)
    return Int8Weight(values, scales)


class Int8Linear:
    """`rows @ weight.T` with 8-bit weights, without bias.

    A result differs from the dense one by the rounding of weights and activations only, and is the same,
    bit for bit, whatever other rows the call has.
    """

    def __init__(self, weight: Int8Weight | torch.Tensor, kernel: Int8Kernel) -> None:
        """Pack a weight, which takes 2 to 4 ms for a million; the packed copy is all that is kept.

        Args:
            weight: Integers and scales, or a dense weight `[n_out, n_in]`.
            kernel: One of `exact_kernels()`.
        """
        parts = quantize(weight) if isinstance(weight, torch.Tensor) else weight
        self.shape = tuple(parts.values.shape)
        pack = _PACKERS[kernel.name]
        with torch.no_grad():
            self._products = [
                pack(Int8Weight(values, scales), kernel.bits)
                for values, scales in zip(
                    torch.split(parts.values, _BLOCK_ROWS),
                    torch.split(parts.scales, _BLOCK_ROWS),
                    strict=True,
                )
            ]

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """Return `float32[n, n_out]` for `float32[n, n_in]`; a row that is not finite gives none that is."""
        largest = rows.abs().amax(dim=1, keepdim=True).clamp_min_(_TINY)
        unit = rows / largest
        if len(self._products) == 1:
            return self._products[0](unit).mul_(largest)
        return torch.cat([product(unit) for product in self._products], dim=1).mul_(largest)


@functools.cache
def exact_kernels() -> tuple[Int8Kernel, ...]:
    """Return torch's kernels whose sums are exact on this machine, the one to be preferred first.

    Each is tried with 8-bit activations and then with 7-bit ones, against sums in 64 bits; see `is_exact`. A
    kernel without vectors for this CPU is left out; if none is left, onnxruntime's is tried. It
    takes 20 ms, once.
    """
    found = _usable(_FBGEMM, _ONEDNN) or _usable(_ONNXRUNTIME)
    return tuple(sorted(found, key=lambda kernel: -kernel.bits))


def _usable(*names: str) -> list[Int8Kernel]:
    kernels = (next(filter(is_exact, (Int8Kernel(name, 8), Int8Kernel(name, 7))), None) for name in names)
    return [kernel for kernel in kernels if kernel is not None and is_vectorised(kernel)]


def exact_int8() -> Int8Kernel | None:
    """Return the kernel to be preferred on this machine; None if none is exact here."""
    return next(iter(exact_kernels()), None)


def is_exact(kernel: Int8Kernel) -> bool:
    """Whether a kernel's sums equal those in 64 bits, for random numbers and for the largest ones.

    With 1,024 summands and scales of 1 every sum is below 2^24, so float32 holds it exactly.
    """
    top = _top(kernel.bits)
    generator = torch.Generator().manual_seed(0)
    values = torch.randint(-127, 128, (48, 1024), dtype=torch.int8, generator=generator)
    values[0], values[1] = 127, -127
    rows = torch.randint(-top, top + 1, (5, 1024), generator=generator)
    rows[0], rows[1] = top, -top
    expected = rows @ values.long().T
    unit = rows.float() / top
    try:
        with torch.no_grad():
            product = _PACKERS[kernel.name](Int8Weight(values, torch.full((48,), float(top))), kernel.bits)
            found = product(unit)
    except (
        RuntimeError,
        AttributeError,
        ImportError,
    ):  # torch, CPU or installation have none
        return False
    return torch.equal(found.round().long(), expected)


def is_vectorised(kernel: Int8Kernel) -> bool:
    """Whether a kernel is worth using: a reference implementation is exact too, and 100 times slower.

    The limit, ten times the time of a product in float32, is far from both.
    """
    rows, weight = torch.ones(8, 1024), torch.ones(256, 1024)
    linear = Int8Linear(weight, kernel)
    return _time_s(lambda: linear(rows)) < 10 * _time_s(lambda: torch.nn.functional.linear(rows, weight))


def _time_s(product: Callable[[], torch.Tensor]) -> float:
    """Return the shortest of three times; the first call of all prepares."""
    times = []
    for _ in range(4):
        begin = time.perf_counter()
        product()
        times.append(time.perf_counter() - begin)
    return min(times[1:])


def _top(bits: int) -> int:
    """Return the largest level of a symmetric activation: 127 for 8 bits, 63 for 7."""
    return (1 << (bits - 1)) - 1


def _pack_fbgemm(weight: Int8Weight, bits: int) -> Product:
    """Pack for FBGEMM, the fastest for few rows; it needs the quantised tensors that torch will drop."""
    top = _top(bits)
    zero_points = torch.zeros(len(weight.scales), dtype=torch.int64)
    warnings.filterwarnings("ignore", "torch.quantize_per_tensor", UserWarning)
    with _fbgemm_engine():
        quantized = torch._make_per_channel_quantized_tensor(
            weight.values, weight.scales.double(), zero_points, 0
        )
        packed = torch.ops.quantized.linear_prepack(quantized, None)
    product = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32
    return lambda unit: product(unit, 1 / top, top + 1, packed)


@contextlib.contextmanager
def _fbgemm_engine() -> Iterator[None]:
    """Choose FBGEMM while any thread packs; the last one brings back what the first one found."""
    with _engine:
        _users.append(torch.backends.quantized.engine)
        torch.backends.quantized.engine = "fbgemm"
    try:
        yield
    finally:
        with _engine:
            # All but the first found "fbgemm", so the last one to leave pops the first one's.
            before = _users.pop()
            if not _users:
                torch.backends.quantized.engine = before


def _pack_onednn(weight: Int8Weight, bits: int) -> Product:
    """Pack for oneDNN, through operators on plain tensors (those of torch's exported quantised graphs).

    Activations are unsigned: signed ones take a path without vectors, 500 times slower.
    """
    top, scales = _top(bits), weight.scales
    zero_points = torch.zeros(len(scales), dtype=torch.int32)
    packed = torch.ops.onednn.qlinear_prepack(weight.values, None)
    product = torch.ops.onednn.qlinear_pointwise

    def multiply(unit: Unit) -> torch.Tensor:
        found: torch.Tensor = product(
            *(_levels(unit, top), 1 / top, top + 1, packed, scales, zero_points, None),
            *(1.0, 0, torch.float32, "none", [], ""),
        )
        return found

    return multiply


def _pack_onnxruntime(weight: Int8Weight, bits: int) -> Product:
    """Pack for onnxruntime, where torch has nothing: it multiplies the integers, and torch does the rest."""
    top = _top(bits)
    sums = onnx_product.pack(weight.values.numpy(), top + 1)
    scales = weight.scales / top

    def multiply(unit: Unit) -> torch.Tensor:
        return torch.from_numpy(sums(_levels(unit, top).numpy())).float().mul_(scales)

    return multiply


def _levels(unit: Unit, top: int) -> torch.Tensor:
    """Return `uint8[n, n_in]`: -1 to 1 in whole levels, to the nearest, with 0 at `top + 1`."""
    return (unit * top).round_().add_(top + 1).to(torch.uint8)


_FBGEMM, _ONEDNN, _ONNXRUNTIME = "fbgemm", "onednn", "onnxruntime"
_PACKERS: dict[str, Callable[[Int8Weight, int], Product]] = {
    _FBGEMM: _pack_fbgemm,
    _ONEDNN: _pack_onednn,
    _ONNXRUNTIME: _pack_onnxruntime,
}
