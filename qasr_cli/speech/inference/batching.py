"""Which chunks share a forward pass, and what happens when they do not fit, or when one spoils it for all.

In go lengths and a capacity; out come batches of like length, so that little of a batch is padding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from qasr_cli.errors import OutOfMemoryError, QasrError, without_frames
from qasr_cli.speech.inference.memory_limit import MemoryLimit
from qasr_cli.speech.inference.protocols import Capacity

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def plan(durations_ms: Sequence[int], capacity: Capacity) -> list[list[int]]:
    """Return batches of indices, the longest chunks first, so that memory runs out early if ever.

    Every batch holds at least one chunk; its longest chunk times its size stays within `max_batch_ms`.
    """
    batches: list[list[int]] = []
    room = 0
    for index in sorted(range(len(durations_ms)), key=lambda i: (-durations_ms[i], i)):
        if not batches or len(batches[-1]) >= room:
            padded_ms = max(durations_ms[index], 1)
            room = max(1, min(capacity.max_batch_size, capacity.max_batch_ms // padded_ms))
            batches.append([])
        batches[-1].append(index)
    return batches


def run_halving(
    items: Sequence[Item],
    work: Callable[[Sequence[Item]], Sequence[Answer]],
    lengths: Sequence[int] | None = None,
    memory_limit: MemoryLimit | None = None,
) -> list[Answer]:
    """Return `work(items)` in order, in parts half as large wherever memory runs out.

    Args:
        items: What to work on, the longest first if their lengths differ much.
        work: Returns one answer for each item it gets.
        lengths: Of the items, in any one unit; equal if left out.
        memory_limit: The model's; kept by the caller, so that the next call starts with it.

    Raises:
        OutOfMemoryError: Not even one item fits.
    """
    lengths = [1] * len(items) if lengths is None else lengths
    memory_limit = memory_limit or MemoryLimit()
    answers: list[Answer] = []
    begin = 0
    while begin < len(items):
        end = begin + memory_limit.share(lengths[begin:])
        try:
            answers.extend(work(items[begin:end]))
        except OutOfMemoryError:
            if end - begin == 1:
                raise
            memory_limit.shrink(lengths[begin:end])
        else:
            begin = end
    return answers


def try_each(
    items: Sequence[Item], attempt: Callable[[Sequence[Item]], Sequence[Answer] | QasrError]
) -> list[Answer | QasrError]:
    """Return an answer or a reason for each item; when all together fail, find out which of them do.

    The reasons may be kept: they hold on to nothing that the attempt worked on.

    Args:
        items: At least one.
        attempt: Returns one answer for each item it gets, or why it failed.
    """
    answers = attempt(items)
    if not isinstance(answers, QasrError):
        return [*answers]
    if len(items) == 1:
        return [without_frames(answers)]
    return [answer for item in items for answer in try_each([item], attempt)]
