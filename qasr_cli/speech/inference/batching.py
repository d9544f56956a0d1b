"""Batching: which chunks share a forward pass, and how a batch that fails is split.

In go lengths and a capacity; out come batches of like length, so that little of a batch is padding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from qasr_cli.errors import OutOfMemoryError, QasrError, without_frames
from qasr_cli.speech.inference.memory_limit import MemoryLimit
from qasr_cli.speech.inference.protocols import Capacity

Item = TypeVar("Item")
Result = TypeVar("Result")


def plan(durations_ms: Sequence[int], capacity: Capacity) -> list[list[int]]:
    """Return batches of indices, the longest chunks first, so that an out-of-memory error comes early.

    Every batch has at least one chunk; its longest chunk times its size is at most `max_batch_ms`.
    """
    batches: list[list[int]] = []
    max_size = 0
    for index in sorted(range(len(durations_ms)), key=lambda i: (-durations_ms[i], i)):
        if not batches or len(batches[-1]) >= max_size:
            padded_ms = max(durations_ms[index], 1)
            max_size = max(1, min(capacity.max_batch_size, capacity.max_batch_ms // padded_ms))
            batches.append([])
        batches[-1].append(index)
    return batches


def run_halving(
    items: Sequence[Item],
    work: Callable[[Sequence[Item]], Sequence[Result]],
    lengths: Sequence[int] | None = None,
    memory_limit: MemoryLimit | None = None,
) -> list[Result]:
    """Return `work(items)` in order, with parts half as large after each out-of-memory error.

    Args:
        items: The items, the longest first if their lengths differ much.
        work: Returns one result for each item.
        lengths: Lengths of the items, in any one unit; equal if left out.
        memory_limit: The model's batch limit, learnt from out-of-memory errors; reuse it for the next batch.

    Raises:
        OutOfMemoryError: Not even one item fits.
    """
    lengths = [1] * len(items) if lengths is None else lengths
    memory_limit = memory_limit or MemoryLimit()
    results: list[Result] = []
    begin = 0
    while begin < len(items):
        end = begin + memory_limit.share(lengths[begin:])
        try:
            results.extend(work(items[begin:end]))
        except OutOfMemoryError:
            if end - begin == 1:
                raise
            memory_limit.shrink(lengths[begin:end])
        else:
            begin = end
    return results


def try_each(
    items: Sequence[Item], attempt: Callable[[Sequence[Item]], Sequence[Result] | QasrError]
) -> list[Result | QasrError]:
    """Return a result or an error for each item; if all together fail, each is tried alone.

    The errors may be stored: they have no reference to the data of the attempt.

    Args:
        items: At least one.
        attempt: Returns one result for each item, or the error.
    """
    results = attempt(items)
    if not isinstance(results, QasrError):
        return [*results]
    if len(items) == 1:
        return [without_frames(results)]
    return [result for item in items for result in try_each([item], attempt)]
