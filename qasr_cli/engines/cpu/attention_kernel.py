"""Attention of single tokens to a cache of keys and values on a CPU, by a kernel that LLVM compiles here.

In go queries, and a layer's keys and values; out comes what each query attends to. A row reads the keys up to
its own position and no others, and its result depends on nothing else, bit for bit. The kernel is compiled in
memory, in 0.1 s a process, and never written to a file. It needs llvmlite, an OpenMP library with GNU's entry
point (torch's own on Linux), and results that are right on this processor; without one of them there is none.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.metadata
import logging
import mmap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

logger = logging.getLogger(__name__)

# From queries `[n_rows, n_heads, head_dim]` of any type, and a layer's keys and values
# `[n_rows or more, n_key_heads, n_tokens, head_dim]` of the cache's type, to the same as the queries.
Attention = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]

_LANES = 16  # scores are written in whole vectors
_KEYS = 4  # are read at once
_MOST_ERROR = 1e-4  # of numbers about 1: sums in float32 are wrong by 1e-6, a wrong kernel by 1


@dataclass(frozen=True, slots=True)
class Heads:
    """Sizes of a layer's attention, and the type of its keys and values."""

    n_heads: int
    n_key_heads: int
    head_dim: int
    cache: torch.dtype


@functools.cache
def find(heads: Heads) -> Kernel | None:
    """Return a kernel that gives right results on this machine; None if there is none."""
    if heads.cache not in (torch.bfloat16, torch.float32) or heads.head_dim % _LANES:
        return None
    try:
        kernel = Kernel(heads)
    except ImportError:
        return None
    except (AttributeError, OSError, RuntimeError, TypeError) as error:
        logger.debug("there is no kernel for attention: %s", error)
        return None
    if is_right(kernel):
        return kernel
    logger.warning("LLVM's kernel for attention is wrong on this processor; PyTorch's is used")
    return None


def library() -> str:
    """Return the version of llvmlite, on which the last bits depend; nothing without it."""
    try:
        return importlib.metadata.version("llvmlite")
    except importlib.metadata.PackageNotFoundError:
        return ""


def is_right(kernel: Kernel) -> bool:
    """Whether a kernel's results are those of PyTorch in float64, for several rows on several threads."""
    heads, generator = kernel.heads, torch.Generator().manual_seed(0)
    queries = torch.randn(3, heads.n_heads, heads.head_dim, generator=generator) * 3
    keys, values = torch.randn(2, 3, heads.n_key_heads, 64, heads.head_dim, generator=generator).to(
        heads.cache
    )
    positions = torch.tensor([0, 37, 63])
    found = kernel.at(positions, 64)(queries, keys, values)
    is_read = torch.arange(64) <= positions[:, None]
    expected = functional.scaled_dot_product_attention(
        queries.double().unsqueeze(2).view(3, heads.n_key_heads, -1, heads.head_dim),
        keys.double(),
        values.double(),
        attn_mask=is_read[:, None, None],
    )
    return bool(((found - expected.view_as(found)).abs() < _MOST_ERROR).all())


class Kernel:
    """A compiled kernel, for heads of some sizes."""

    def __init__(self, heads: Heads) -> None:
        """Compile.

        Raises:
            ImportError: llvmlite is not installed.
            AttributeError, TypeError: No OpenMP library with GNU's entry point is loaded.
            OSError: The system lets no process write code into memory.
            RuntimeError: LLVM cannot compile for this processor.
        """
        from qasr_cli.engines.cpu import attention_code

        self.heads = heads
        n_grouped = heads.n_heads // heads.n_key_heads
        code = attention_code.module(heads.head_dim, n_grouped, is_bf16=heads.cache == torch.bfloat16)
        self._parallel = ctypes.CDLL(None).GOMP_parallel  # torch loads its OpenMP library for all to see
        self._parallel.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint)
        self._parallel.restype = None
        self._engine = _compiled(code)  # the function's memory is its own
        self._address = self._engine.get_function_address(attention_code.NAME)

    def at(self, positions: torch.Tensor, n_keys: int) -> Attention:
        """Return the attention of one step, to be called for one layer after the other.

        Args:
            positions: `int64[n_rows]`; row `i` attends to the keys 0 to `positions[i]`.
            n_keys: More than the largest position.

        Raises:
            ValueError: A position is not below `n_keys`; later, that keys and values are not what the kernel
                reads.
        """
        least, most = positions.aminmax()
        if not 0 <= int(least) <= int(most) < n_keys:
            raise ValueError(f"positions of {int(least)} to {int(most)} among {n_keys} keys")
        positions, width = positions.contiguous(), n_keys + _LANES
        scores = torch.empty(len(positions), self.heads.n_heads, width)

        def attend(queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
            self._check(queries, keys, values, (len(positions), n_keys))
            rows = queries.float().contiguous()
            attended, next_item = torch.empty_like(rows), ctypes.c_int64(0)
            parts = (rows, keys, values, attended, scores, positions)
            self._run(
                *(part.data_ptr() for part in parts),
                *(ctypes.addressof(next_item), len(positions) * self.heads.n_key_heads),
                *(self.heads.n_key_heads, keys.stride(0), keys.stride(1), width),
            )
            return attended.to(queries.dtype)

        return attend

    def _check(
        self, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, sizes: tuple[int, int]
    ) -> None:
        """Raise before the kernel could read where nothing is."""
        n_rows, n_keys = sizes
        heads, (n_cached, n_key_heads, n_tokens, head_dim) = self.heads, keys.shape
        is_readable = (
            queries.shape == (n_rows, heads.n_heads, heads.head_dim)
            and (n_key_heads, head_dim) == (heads.n_key_heads, heads.head_dim)
            and n_rows <= n_cached
            and -(-n_keys // _KEYS) * _KEYS <= n_tokens
            and keys.stride()[2:] == (head_dim, 1)
            and (keys.shape, keys.stride()) == (values.shape, values.stride())
            and keys.dtype == values.dtype == heads.cache
            and queries.device == keys.device == values.device == torch.device("cpu")
        )
        if not is_readable:
            raise ValueError(f"queries {tuple(queries.shape)} and keys {tuple(keys.shape)} of {keys.dtype}")

    def _run(self, *words: int) -> None:
        """Call the function with these arguments on torch's threads."""
        arguments = (ctypes.c_int64 * len(words))(*words)
        self._parallel(self._address, ctypes.addressof(arguments), torch.get_num_threads(), 0)


def _compiled(code: str) -> Any:
    """Return LLVM's engine with a module compiled for this processor.

    Raises:
        ImportError: llvmlite is not installed.
        OSError: The system lets no process write code into memory.
        RuntimeError: LLVM cannot compile for this processor.
    """
    from llvmlite import binding

    _try_executable_memory()  # of which LLVM does not report that it got none
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    features = binding.get_host_cpu_features()
    target = binding.Target.from_default_triple()
    if target.triple.startswith("x86") and not features.get("fma"):
        raise RuntimeError("this processor has no FMA")  # LLVM would call a function for each number
    machine = target.create_target_machine(
        cpu=binding.get_host_cpu_name(), features=features.flatten(), opt=3
    )
    module = binding.parse_assembly(code)
    module.verify()
    engine = binding.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return engine


def _try_executable_memory() -> None:
    """Raise OSError where a page that was written cannot be made executable, as in hardened services."""
    with mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as page:
        page[0] = 0
        first = ctypes.c_char.from_buffer(page)
        mprotect = ctypes.CDLL(None, use_errno=True).mprotect
        mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        is_refused = mprotect(ctypes.addressof(first), mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_EXEC)
        del first  # or the page could not be closed
        if is_refused:
            raise OSError(ctypes.get_errno(), "memory cannot be made executable")
