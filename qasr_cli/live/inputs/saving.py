"""An input whose sound is saved while it is used.

In goes an input; out comes the same, and in a file is all that came out: samples, and silence of the same
length for what is missing. The session's time is the file's time.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from qasr_cli.live.protocols import LiveInput, Missing
from qasr_cli.media.saved_sound import SavedSound
from qasr_cli.timebase import MS_PER_S, SAMPLE_RATE_HZ, ms_to_samples

_SILENCE = np.zeros(SAMPLE_RATE_HZ, dtype="<i2")


class Saved:
    """A live input; see `LiveInput`."""

    def __init__(self, source: LiveInput, sound: SavedSound) -> None:
        self.name = source.name
        self.is_real_time = source.is_real_time
        self._source = source
        self._sound = sound

    def blocks(self) -> Iterator[np.ndarray | Missing]:
        """Yield the source's blocks once they are in the file.

        Raises:
            QasrError: As the source.
        """
        for block in self._source.blocks():
            if isinstance(block, Missing):
                self._write_silence(block.duration_ms)
            else:
                self._sound.write(block)
            yield block

    def stop(self) -> None:
        """End the iterator soon."""
        self._source.stop()

    def _write_silence(self, duration_ms: int) -> None:
        for start_ms in range(0, duration_ms, MS_PER_S):
            self._sound.write(_SILENCE[: ms_to_samples(min(MS_PER_S, duration_ms - start_ms))])
