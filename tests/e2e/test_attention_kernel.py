"""LLVM's kernel of attention against PyTorch, and the loop with and without it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch.nn import functional

from qasr_cli.engines.cpu import attention_kernel
from qasr_cli.engines.cpu.attention_kernel import Heads, Kernel
from qasr_cli.engines.qwen3.decoding import cached_attention

binding = pytest.importorskip("llvmlite.binding", reason="without the extra `jit` there is no kernel")

BF16, FP32 = torch.bfloat16, torch.float32
# As in the released models, in the demo pair, and shapes that no model has.
ALL_HEADS = [
    *(Heads(16, 8, 128, BF16), Heads(16, 8, 128, FP32)),
    *(Heads(5, 5, 32, BF16), Heads(5, 5, 32, FP32)),
    *(Heads(6, 2, 16, BF16), Heads(4, 1, 48, FP32)),
]
POSITIONS = torch.tensor([0, 1, 2, 3, 14, 15, 16, 17, 63, 64, 200, 255])
N_KEYS = 256


@pytest.fixture(params=ALL_HEADS, ids=lambda heads: f"{heads.n_heads}-{heads.n_key_heads}-{heads.head_dim}")
def kernel(request: pytest.FixtureRequest) -> Kernel:
    found = attention_kernel.find(request.param)
    assert found, "llvmlite is installed, so there is a kernel"
    return found


def inputs(heads: Heads, positions: torch.Tensor = POSITIONS) -> list[torch.Tensor]:
    """Queries, keys and values; what lies behind a row's position is not a number."""
    generator, n_rows = torch.Generator().manual_seed(1), len(positions)
    queries = torch.randn(n_rows, heads.n_heads, heads.head_dim, generator=generator) * 4
    sizes = (2, n_rows, heads.n_key_heads, N_KEYS, heads.head_dim)
    keys, values = torch.randn(sizes, generator=generator).to(heads.cache)
    is_later = torch.arange(N_KEYS) > positions[:, None]
    for part in (keys, values):
        part.masked_fill_(is_later[:, None, :, None], torch.nan)
    return [queries, keys, values]


def in_float64(queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    rows = []
    for row, position in enumerate(POSITIONS.tolist()):
        attended = functional.scaled_dot_product_attention(
            queries[row].double().view(keys.shape[1], -1, keys.shape[3]),
            keys[row, :, : position + 1].double(),
            values[row, :, : position + 1].double(),
        )
        rows.append(attended.flatten(0, 1))
    return torch.stack(rows)


def test_results_are_those_of_pytorch_in_float64(kernel: Kernel) -> None:
    parts = inputs(kernel.heads)
    found = kernel.at(POSITIONS, N_KEYS)(*parts)
    torch.testing.assert_close(found.double(), in_float64(*parts), rtol=0, atol=5e-6)


def test_the_plain_way_agrees(kernel: Kernel) -> None:
    parts = [part.nan_to_num(0.0) for part in inputs(kernel.heads)]
    plain = cached_attention.of_pytorch(kernel.heads, POSITIONS, N_KEYS)(*parts)
    tolerance = 5e-2 if kernel.heads.cache == BF16 else 5e-6  # of queries and shares rounded to bf16
    torch.testing.assert_close(kernel.at(POSITIONS, N_KEYS)(*parts), plain, rtol=0, atol=tolerance)


def test_a_row_is_the_same_bits_in_every_company_and_on_any_number_of_threads(
    kernel: Kernel, threads: None
) -> None:
    queries, keys, values = inputs(kernel.heads)
    torch.set_num_threads(2)
    together = kernel.at(POSITIONS, N_KEYS)(queries, keys, values)
    torch.set_num_threads(1)
    for row, position in enumerate(POSITIONS.tolist()):
        one = slice(row, row + 1)
        alone = kernel.at(POSITIONS[one], position + 1)(queries[one], keys[one], values[one])
        assert torch.equal(alone[0], together[row])
    backwards = kernel.at(POSITIONS.flip(0), N_KEYS)(queries.flip(0), keys.flip(0), values.flip(0))
    assert torch.equal(backwards.flip(0), together)


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_python_threads_may_call_at_once(kernel: Kernel) -> None:
    parts = inputs(kernel.heads)
    expected = kernel.at(POSITIONS, N_KEYS)(*parts)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: kernel.at(POSITIONS, N_KEYS)(*parts), range(40)))
    assert all(torch.equal(one, expected) for one in found)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_what_is_not_finite_stays_so_in_its_row(kernel: Kernel, bad: float) -> None:
    queries, keys, values = inputs(kernel.heads)
    keys[4, :, 3] = bad
    queries[6] = bad
    found = kernel.at(POSITIONS, N_KEYS)(queries, keys, values)
    is_finite = torch.isfinite(found).flatten(1)
    assert not is_finite[4].any()
    assert not is_finite[6].any()
    assert is_finite[[i for i in range(len(POSITIONS)) if i not in (4, 6)]].all()


def test_scores_far_apart_and_very_large_do_not_overflow() -> None:
    heads = Heads(2, 1, 32, FP32)
    kernel = attention_kernel.find(heads)
    assert kernel
    queries, keys, values = inputs(heads)
    queries *= 1e4
    found = kernel.at(POSITIONS, N_KEYS)(queries, keys, values)
    torch.testing.assert_close(found.double(), in_float64(queries, keys, values), rtol=0, atol=2e-3)


def test_what_the_kernel_cannot_read_is_refused() -> None:
    heads = Heads(4, 2, 32, BF16)
    kernel = attention_kernel.find(heads)
    assert kernel
    queries, keys, values = inputs(heads)
    for positions in (torch.tensor([N_KEYS]), torch.tensor([-1])):
        with pytest.raises(ValueError, match="positions"):
            kernel.at(positions, N_KEYS)
    attend = kernel.at(POSITIONS, N_KEYS)
    wrong = [
        (queries[:3], keys, values),
        (queries, keys[:3], values[:3]),
        (queries, keys[:, :1], values[:, :1]),
        (queries, keys[:, :, :200], values[:, :, :200]),
        (queries, keys.float(), values.float()),
        (queries, keys, values.float()),
        (queries, keys.transpose(1, 2), values.transpose(1, 2)),
        (queries, keys[..., ::2], values[..., ::2]),
    ]
    for parts in wrong:
        with pytest.raises(ValueError, match="queries"):
            attend(*parts)


def test_there_is_no_kernel_for_other_heads_and_formats() -> None:
    assert attention_kernel.find(Heads(4, 2, 40, BF16)) is None
    assert attention_kernel.find(Heads(4, 2, 32, torch.float16)) is None


def test_a_kernel_that_is_wrong_here_is_not_used(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    heads = Heads(8, 4, 64, BF16)
    right = Kernel(heads)
    assert attention_kernel.is_right(right)
    run = Kernel._run

    def run_without_the_first_key_head(self: Kernel, *words: int) -> None:
        run(self, *words[:7], words[7] - 1, *words[8:])  # the last item is left out

    monkeypatch.setattr(Kernel, "_run", run_without_the_first_key_head)
    assert attention_kernel.find.__wrapped__(heads) is None
    assert "wrong on this processor" in caplog.text


def test_code_for_a_processor_with_avx2_alone_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    if not binding.get_host_cpu_features().get("avx512f"):
        pytest.skip("this processor has no AVX-512, so all tests are of AVX2 or another architecture")
    heads = Heads(16, 8, 128, BF16)
    usual = attention_kernel.find(heads)
    assert usual
    monkeypatch.setattr(binding, "get_host_cpu_name", lambda: "x86-64-v3")
    avx2 = binding.FeatureMap({"avx2": True, "fma": True, "f16c": True})
    monkeypatch.setattr(binding, "get_host_cpu_features", lambda: avx2)
    other = Kernel(heads)
    assert attention_kernel.is_right(other)
    found = [kernel.at(POSITIONS, N_KEYS)(*inputs(heads)) for kernel in (usual, other)]
    torch.testing.assert_close(*found, rtol=0, atol=1e-5)


def test_a_processor_without_fma_has_no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    if not binding.get_default_triple().startswith("x86"):
        pytest.skip("other architectures have FMA in their base")
    monkeypatch.setattr(binding, "get_host_cpu_features", lambda: binding.FeatureMap({"avx": True}))
    assert attention_kernel.find.__wrapped__(Heads(4, 2, 32, BF16)) is None


@pytest.mark.parametrize("is_bf16", [True, False])
def test_code_for_arm_is_vectors_without_calls(is_bf16: bool) -> None:
    """Compiled and looked at, as it cannot run here."""
    from qasr_cli.engines.cpu import attention_code

    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    target = binding.Target.from_triple("aarch64-unknown-linux-gnu")
    machine = target.create_target_machine(cpu="neoverse-n1", opt=3)
    code = machine.emit_assembly(binding.parse_assembly(attention_code.module(128, 2, is_bf16=is_bf16)))
    assert code.count("fmla\tv") >= 96  # 4 keys x 2 query heads x 32 vectors of 4, in one turn, and more
    assert "\tbl\t" not in code


def test_where_no_memory_may_become_code_attention_is_pytorch_s() -> None:
    code = (
        "import ctypes, sys, torch\n"
        "from qasr_cli.engines.cpu import attention_kernel\n"
        "refuse = 65, 1, 0, 0, 0  # PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN: Linux 6.3\n"
        "if sys.platform != 'linux' or ctypes.CDLL(None).prctl(*refuse): sys.exit(77)\n"
        "assert attention_kernel.find(attention_kernel.Heads(4, 2, 32, torch.bfloat16)) is None\n"
    )
    status = subprocess.run([sys.executable, "-c", code], check=False).returncode
    if status == 77:
        pytest.skip("this system cannot refuse executable memory")
    assert status == 0


def test_without_llvmlite_attention_is_pytorch_s() -> None:
    code = (
        "import sys; sys.modules['llvmlite'] = None\n"
        "import torch\n"
        "from qasr_cli.engines.cpu import attention_kernel\n"
        "from qasr_cli.engines.cpu.attention_kernel import Heads\n"
        "from qasr_cli.engines.qwen3.decoding import cached_attention\n"
        "heads = Heads(4, 2, 32, torch.bfloat16)\n"
        "assert attention_kernel.find(heads) is None\n"
        "attend = cached_attention.of_step(heads, torch.tensor([5]), 6)\n"
        "parts = torch.ones(1, 4, 32), *torch.ones(2, 1, 2, 64, 32).bfloat16()\n"
        "assert (attend(*parts) == 1).all()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
