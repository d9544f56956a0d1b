"""How much a piece of work is, without a clock: the lines of Python that it runs.

A machine that is busy does not change the number. What a library does in C is not counted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def n_lines(work: Callable[[], object]) -> int:
    """Do the work and return how many lines it ran, those of everything that it called included."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def growth(work: Callable[[int], object], small: int, large: int) -> float:
    """Return how many times as much work `large` is as `small`, which is done once before it is counted."""
    work(small)
    return n_lines(lambda: work(large)) / n_lines(lambda: work(small))
