"""An input slowed down to the speed of speech: a file as if it were spoken now.

In goes an input that can wait; out come its blocks, each when its last sample would have been spoken.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np

from qasr_cli.live.protocols import LiveInput, Missing
from qasr_cli.timebase import MS_PER_S, SAMPLE_RATE_HZ

_BLOCK_SAMPLES = SAMPLE_RATE_HZ // 20


class Paced:
    """A live input; see `LiveInput`."""

    is_real_time = True

    def __init__(self, source: LiveInput) -> None:
        self.name = source.name
        self._source = source
        self._stopping = threading.Event()

    def blocks(self) -> Iterator[np.ndarray | Missing]:
        """Yield the source's blocks at their time, in parts of 50 ms.

        Raises:
            QasrError: As the source.
        """
        began_s: float | None = None
        spoken_s = 0.0
        for block in self._source.blocks():
            began_s = time.monotonic() if began_s is None else began_s
            for part, duration_s in _parts(block):
                spoken_s += duration_s
                if self._stopping.wait(max(0.0, began_s + spoken_s - time.monotonic())):
                    return
                yield part

    def stop(self) -> None:
        """End the iterator soon."""
        self._stopping.set()
        self._source.stop()


def _parts(block: np.ndarray | Missing) -> Iterator[tuple[np.ndarray | Missing, float]]:
    """Yield the parts of a block with their duration in seconds."""
    if isinstance(block, Missing):
        yield block, block.duration_ms / MS_PER_S
        return
    for start in range(0, len(block), _BLOCK_SAMPLES):
        part = block[start : start + _BLOCK_SAMPLES]
        yield part, len(part) / SAMPLE_RATE_HZ
