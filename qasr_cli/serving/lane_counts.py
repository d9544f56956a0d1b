"""What the engine lane of a server does now, and has done so far: for metrics, and for how long others wait.

In go the batches of the lane's threads; out come numbers. Locks itself: devices count at the same time.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from qasr_cli.pipeline.pooled_batch import PooledChunk
from qasr_cli.serving.batch_queue import Request

Chunks = Sequence[PooledChunk[Request]]


class LaneCounts:
    """The numbers of one lane.

    Attributes:
        on_batch: Called with the size of each batch, its largest possible size, and its seconds.
        busy_s: Seconds in which devices computed batches.
        audio_ms: Milliseconds of audio in all batches.
        batch_s: Seconds of the last batch.
    """

    def __init__(self) -> None:
        self.on_batch: Callable[[int, int, float], None] = lambda size, most, seconds: None
        self.busy_s = 0.0
        self.audio_ms = 0
        self.batch_s = 0.0
        self._lock = threading.Lock()
        self._computed: list[Chunks] = []

    @property
    def computed(self) -> list[PooledChunk[Request]]:
        """The chunks that devices compute at this moment."""
        with self._lock:
            return [pooled for chunks in self._computed for pooled in chunks]

    @contextlib.contextmanager
    def computing(self, chunks: Chunks, most: int) -> Iterator[None]:
        """Note a batch for the time of a block, and count it unless the block raises.

        Args:
            chunks: The batch.
            most: Its largest possible size.
        """
        begun_s = time.monotonic()
        with self._lock:
            self._computed.append(chunks)
        try:
            yield
        finally:
            with self._lock:
                self._computed = [one for one in self._computed if one is not chunks]
        seconds = time.monotonic() - begun_s
        with self._lock:
            self.busy_s += seconds
            self.batch_s = seconds
            self.audio_ms += sum(pooled.chunk.duration_ms for pooled in chunks)
        self.on_batch(len(chunks), most, seconds)
