"""The batch limit of a model, learnt from out-of-memory errors.

In go the batches that did not fit; out comes the size of the next one. Never queries a device, and never
raises a limit: a batch that did not fit once is not tried again in the session.
"""

from __future__ import annotations

from collections.abc import Sequence


class MemoryLimit:
    """One model's limit on padded audio in a batch; unlimited until the first out-of-memory error.

    Belongs to a `Session`, whose thread alone calls it.

    Padded audio is the longest item times the number of items. The number alone is not limited, so that long
    chunks do not make later batches of short ones small.
    """

    def __init__(self) -> None:
        self._limit: int | None = None

    def share(self, lengths: Sequence[int]) -> int:
        """Return the number of first items that may fit at once, at least one; `lengths` in any one unit."""
        if self._limit is None:
            return len(lengths)
        longest = 1
        for n_before, length in enumerate(lengths):
            longest = max(longest, length)
            if n_before and longest * (n_before + 1) > self._limit:
                return n_before
        return len(lengths)

    def shrink(self, lengths: Sequence[int]) -> None:
        """Lower the limit to half of these items, which did not fit together."""
        self._limit = max(1, *lengths) * len(lengths) // 2
