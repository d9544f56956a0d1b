"""The memory of engines that are gone, given back to the machine.

Nothing goes in or out. Loads nothing heavy: a watch that has found no work has no torch.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys

_M_ARENA_MAX = -8  # glibc's malloc.h


def prepare() -> None:
    """Have memory that is freed go back, in a process that will load engines again and again.

    glibc gives each thread a heap of its own, weights are read by several threads, and what is left in each
    heap keeps it large: ten to twenty megabytes a time with the demo pair, and none with one heap for all.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def reclaim() -> None:
    """Give back what engines held that nobody refers to any more.

    Models hang in circles of references, torch keeps a device's memory for the next one, and the C library
    keeps pages that Python has freed; each of the three is asked to let go.
    """
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
