"""Attention of a step to the cache: LLVM's kernel beside PyTorch, at the shapes of the 0.6B model.

OMP_NUM_THREADS=1 python -m tests.bench.attention        CPU milliseconds of one thread
OMP_NUM_THREADS=2 python -m tests.bench.attention        wall milliseconds of two
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable

import torch

from qasr_cli.engines.cpu import attention_kernel
from qasr_cli.engines.cpu.attention_kernel import Attention, Heads
from qasr_cli.engines.qwen3.decoding import cached_attention
from qasr_cli.engines.qwen3.decoding.kv_cache import CacheShape, KeyValueCache

_N_LAYERS, _ROUNDS = 28, 9
_SHAPES = [(n_rows, n_keys) for n_rows in (1, 8, 16) for n_keys in (450, 900)]


def _milliseconds(step: Callable[[], Attention], queries: torch.Tensor, cache: KeyValueCache) -> float:
    """Return the time of all layers: the CPU's where there is one thread, else the wall's."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    begin = clock()
    attend = step()
    for layer in range(_N_LAYERS):
        attend(queries, cache.keys[layer], cache.values[layer])
    return (clock() - begin) * 1000


def measure(dtype: torch.dtype, n_rows: int, n_keys: int) -> tuple[float, float]:
    """Return the milliseconds of PyTorch and of the kernel: medians, the two in turn."""
    heads = Heads(16, 8, 128, dtype)
    kernel = attention_kernel.find(heads)
    if kernel is None:
        raise SystemExit("there is no kernel: pip install 'qasr[jit]'")
    shape = CacheShape(_N_LAYERS, heads.n_key_heads, heads.head_dim)
    cache = KeyValueCache(shape, n_rows, n_keys, dtype, torch.device("cpu"))
    cache.keys.normal_()
    cache.values.normal_()
    queries = torch.randn(n_rows, heads.n_heads, heads.head_dim)
    positions = torch.full((n_rows,), n_keys - 1)
    plain, ours = [], []
    for _ in range(_ROUNDS):
        plain.append(
            _milliseconds(lambda: cached_attention.of_pytorch(heads, positions, n_keys), queries, cache)
        )
        ours.append(_milliseconds(lambda: kernel.at(positions, n_keys), queries, cache))
    return statistics.median(plain), statistics.median(ours)


def main() -> None:
    """Print a table."""
    n_threads = torch.get_num_threads()
    unit = "CPU ms of one thread" if n_threads == 1 else f"wall ms of {n_threads} threads"
    sys.stdout.write(f"torch {torch.__version__}, {os.cpu_count()} cores, {_N_LAYERS} layers, {unit}\n")
    sys.stdout.write("| cache | rows | keys | PyTorch | kernel | ratio |\n|---|---|---|---|---|---|\n")
    for dtype in (torch.bfloat16, torch.float32):
        for n_rows, n_keys in _SHAPES:
            plain, ours = measure(dtype, n_rows, n_keys)
            cells = (str(dtype).removeprefix("torch."), n_rows, n_keys, f"{plain:.1f}", f"{ours:.1f}")
            sys.stdout.write(f"| {' | '.join(map(str, cells))} | {plain / ours:.1f} |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
