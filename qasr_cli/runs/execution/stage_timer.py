"""Where a source's time goes, in lanes that it shares with others.

In go stages and who shares them; each source's account is added to. A batch's time is split by the length of
what each source had in it, which is what decides the time of a padded batch.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence

from qasr_cli.records import Stage

StageTimes = dict[Stage, float]  # seconds


@contextlib.contextmanager
def spending(stage: Stage, shares: Sequence[tuple[StageTimes, int]]) -> Iterator[None]:
    """Put the time of the block, even of one that fails, on the accounts, in proportion to their shares."""
    begun_s = time.monotonic()
    try:
        yield
    finally:
        spent_s = time.monotonic() - begun_s
        weights = [max(1, share) for _, share in shares]
        for (account, _), weight in zip(shares, weights, strict=True):
            account[stage] = account.get(stage, 0.0) + spent_s * weight / sum(weights)
