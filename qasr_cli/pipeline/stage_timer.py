"""The stage timer: how long a source takes in each stage, in lanes that it shares with others.

In go stages and the sources that share them; each source's stage times are added to. A batch's time is split
by the length of audio that each source had in it, which is what decides the time of a padded batch.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence

from qasr_cli.records import Stage

StageTimes = dict[Stage, float]  # seconds by stage

_adding = threading.Lock()  # several devices may have chunks of one source


@contextlib.contextmanager
def timed(stage: Stage, shares: Sequence[tuple[StageTimes, int]]) -> Iterator[None]:
    """Add the time of the block, even of one that fails, to the stage times, in proportion to the shares."""
    begun_s = time.monotonic()
    try:
        yield
    finally:
        spent_s = time.monotonic() - begun_s
        weights = [max(1, share) for _, share in shares]
        with _adding:
            for (stage_times, _), weight in zip(shares, weights, strict=True):
                stage_times[stage] = stage_times.get(stage, 0.0) + spent_s * weight / sum(weights)
