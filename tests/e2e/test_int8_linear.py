"""8-bit linear layers: exact sums, rows that do not depend on their company, and CPUs that saturate."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
import torch

from qasr_cli.engines.cpu import int8_linear
from qasr_cli.engines.cpu.int8_linear import Int8Kernel, Int8Linear, Int8Weight
from tests.this_cpu import skip_if_amx

EXACT = int8_linear.exact_kernels()
ONNXRUNTIME = next(one for bits in (8, 7) if int8_linear.is_exact(one := Int8Kernel("onnxruntime", bits)))
KERNELS = (*EXACT, ONNXRUNTIME)
N_ROWS = (1, 3, 8, 404)


@pytest.fixture(params=KERNELS, ids=lambda kernel: f"{kernel.name}-{kernel.bits}")
def kernel(request: pytest.FixtureRequest) -> Int8Kernel:
    found: Int8Kernel = request.param
    return found


@pytest.fixture(scope="module")
def weight() -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(1000, 1024, generator=generator) * torch.rand(1000, 1, generator=generator)


def rows(n: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randn(n, 1024, generator=generator) * torch.logspace(-3, 3, n)[:, None]


def reference(parts: Int8Weight, given: torch.Tensor, bits: int) -> torch.Tensor:
    """The same product in 64-bit integers and doubles."""
    top = (1 << (bits - 1)) - 1
    largest = given.abs().amax(dim=1, keepdim=True)
    levels = (given / largest * top).round().long()
    sums = (levels @ parts.values.long().T).double()
    return sums * parts.scales.double() * largest.double() / top


def test_some_kernel_is_exact_on_x86() -> None:
    assert EXACT
    assert int8_linear.exact_int8() == EXACT[0]


def test_onnxruntime_is_taken_where_torch_has_no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> int8_linear.Product:
        raise AttributeError("'_OpNamespace' 'quantized' object has no attribute 'linear_prepack'")

    for name in ("fbgemm", "onednn"):
        monkeypatch.setitem(int8_linear._PACKERS, name, gone)
    int8_linear.exact_kernels.cache_clear()
    try:
        found = int8_linear.exact_int8()
    finally:
        int8_linear.exact_kernels.cache_clear()
    assert found is not None
    assert found.name == "onnxruntime"


def test_a_kernel_without_vectors_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(weight: Int8Weight, bits: int) -> int8_linear.Product:
        def multiply(unit: torch.Tensor) -> torch.Tensor:
            time.sleep(0.05)  # what oneDNN takes for signed activations of this size
            return unit @ weight.values.float().T

        return multiply

    monkeypatch.setitem(int8_linear._PACKERS, "fbgemm", slow)
    assert not int8_linear.is_vectorised(Int8Kernel("fbgemm", 8))
    assert int8_linear.is_vectorised(EXACT[-1])


@pytest.mark.parametrize("n", N_ROWS)
def test_sums_are_those_of_64_bit_integers(kernel: Int8Kernel, weight: torch.Tensor, n: int) -> None:
    parts = int8_linear.quantize(weight)
    found = Int8Linear(parts, kernel)(rows(n))
    expected = reference(parts, rows(n), kernel.bits)
    assert found.dtype == torch.float32
    # One level of one activation may round the other way: 1/127 of the largest weight. A sum that saturates
    # would be wrong by far more in many places.
    error = (found - expected).abs() / expected.abs().amax(dim=1, keepdim=True)
    assert error.max() < 2e-3
    assert (error < 1e-6).double().mean() > 0.98


def test_a_row_does_not_depend_on_its_company(kernel: Int8Kernel, weight: torch.Tensor) -> None:
    linear, given = Int8Linear(weight, kernel), rows(404)
    whole = linear(given)
    for n in N_ROWS:
        assert torch.equal(linear(given[:n]), whole[:n])
        assert torch.equal(linear(given[-n:].flip(0)), whole[-n:].flip(0))


@pytest.mark.parametrize("n_out", [1000, 1001, 17])
def test_nor_on_the_number_of_threads(kernel: Int8Kernel, n_out: int) -> None:
    if kernel.name == "onednn":
        skip_if_amx()
    linear, given, before = Int8Linear(torch.randn(n_out, 1024), kernel), rows(404), torch.get_num_threads()
    found = []
    try:
        for n_threads in (1, 2, 3):
            torch.set_num_threads(n_threads)
            found += [linear(given), torch.cat([linear(part) for part in torch.split(given, 7)])]
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(found[0], other) for other in found[1:])


def test_a_wide_head_in_pieces_is_the_head(kernel: Int8Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = int8_linear.quantize(torch.randn(1001, 256))
    whole = Int8Linear(parts, kernel)
    monkeypatch.setattr(int8_linear, "_BLOCK_ROWS", 128)
    pieces = Int8Linear(parts, kernel)
    given = rows(3)[:, :256]
    assert len(pieces._products) == 8
    assert torch.equal(pieces(given), whole(given))


def test_it_is_near_the_dense_product(kernel: Int8Kernel, weight: torch.Tensor) -> None:
    given = rows(8)
    found, dense = Int8Linear(weight.bfloat16(), kernel)(given), given @ weight.T
    assert torch.nn.functional.cosine_similarity(found, dense).min() > 0.999


def test_zeros_and_numbers_that_are_none(kernel: Int8Kernel, weight: torch.Tensor) -> None:
    given = rows(4)
    given[0] = 0
    given[1, 5] = float("nan")
    given[2, 5] = float("inf")
    found = Int8Linear(weight, kernel)(given)
    assert torch.equal(found[0], torch.zeros(1000))
    assert not torch.isfinite(found[1:3]).any()
    assert torch.isfinite(found[3]).all()


def test_a_damaged_weight_is_seen_in_its_channel_alone(kernel: Int8Kernel, weight: torch.Tensor) -> None:
    damaged = weight.clone()
    damaged[7, 7] = float("nan")
    damaged[8] = 0
    found = Int8Linear(damaged, kernel)(rows(3))
    assert torch.isnan(found[:, 7]).all()
    assert torch.equal(found[:, 8], torch.zeros(3))
    assert torch.isfinite(found).sum() == 3 * 999


def test_it_is_made_and_called_in_inference_mode(kernel: Int8Kernel) -> None:
    with torch.inference_mode():
        linear = Int8Linear(torch.randn(64, 64), kernel)
        assert linear(torch.randn(2, 64)).shape == (2, 64)


def test_a_quantised_weight_is_within_half_a_level(weight: torch.Tensor) -> None:
    parts = int8_linear.quantize(weight)
    assert parts.values.abs().max() == 127
    error = (parts.values * parts.scales[:, None] - weight).abs()
    assert (error <= parts.scales[:, None] * 0.5001).all()


@pytest.mark.parametrize(
    ("variable", "name"), [("FBGEMM_ENABLE_INSTRUCTIONS", "fbgemm"), ("ONEDNN_MAX_CPU_ISA", "onednn")]
)
def test_a_cpu_that_saturates_gets_7_bits(variable: str, name: str) -> None:
    if name not in {kernel.name for kernel in EXACT}:
        pytest.skip(f"{name} is not in this torch")
    code = (
        "from qasr_cli.engines.cpu.int8_linear import exact_kernels\n"
        "print(*(f'{kernel.name}{kernel.bits}' for kernel in exact_kernels()))"
    )
    child = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {variable: "AVX2"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"{name}7" in child.stdout.split()
