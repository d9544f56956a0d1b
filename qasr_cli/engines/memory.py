"""Returns the memory of released engines to the machine, and reports the most that a GPU has held.

Imports nothing heavy: a watch without work has not imported torch.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys
from collections.abc import Iterator

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # glibc's malloc.h
_SMALL_BLOCK, _LARGE_BLOCK = 1 << 22, 1 << 25  # 4 MB, and the most that glibc takes as a threshold


def prepare() -> None:
    """Make the C library return freed memory, in a process that loads engines repeatedly.

    glibc gives each thread a heap, several threads read weights, and remnants keep each heap large: 10 to
    20 MB a load with the demo pair, and nothing with one heap for all threads.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


@contextlib.contextmanager
def converting() -> Iterator[None]:
    """Give every large block back at once as it is freed, while weights are read and converted.

    glibc keeps freed blocks of up to 32 MB for later ones: 0.4 GB beside a model of 1 GB.
    """
    _set_threshold(_SMALL_BLOCK)
    try:
        yield
    finally:
        _set_threshold(_LARGE_BLOCK)
        trim()


def _set_threshold(n_bytes: int) -> None:
    """Set from which size on a block is the system's own, and how much of the others is kept when freed.

    glibc adapts both on its own until one is set; then it would give back all beyond 128 kB, and the next
    operation of a model would fault its pages in again: up to ten times the CPU time of an addition.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, n_bytes)
        library.mallopt(_M_TRIM_THRESHOLD, 2 * n_bytes)  # as glibc adapts it


def reclaim() -> None:
    """Free the memory of engines that are no longer referenced.

    Models are part of reference cycles, torch caches a device's memory, and the C library keeps pages that
    Python has freed; all three are cleared.
    """
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    trim()


def trim() -> None:
    """Return the pages that the C library keeps after a free: weights that were converted leave gigabytes."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def peak_device_bytes() -> int | None:
    """Return the most memory that tensors have held on this process's GPUs; None without a GPU in use."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return None
    return sum(int(torch.cuda.max_memory_allocated(index)) for index in range(torch.cuda.device_count()))
