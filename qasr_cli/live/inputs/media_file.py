"""A file as an input, as offline work reads it: sample 0 is the container's time 0.

In goes a path; out come samples as fast as they are taken. What was wrong with the media is logged at its
end; a file whose times do not fit its samples is not read a second time, as offline work does.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np

from qasr_cli.live.protocols import Missing
from qasr_cli.media import decode
from qasr_cli.media.decode import OpenAudio
from qasr_cli.options import MediaOptions
from qasr_cli.timebase import SAMPLE_RATE_HZ

_BLOCK_SAMPLES = SAMPLE_RATE_HZ // 10  # fine enough for the steps of a session

_log = logging.getLogger(__name__)


class MediaFile:
    """A live input; see `LiveInput`."""

    is_real_time = False

    def __init__(self, path: Path, audio: OpenAudio) -> None:
        self.name = str(path)
        self._audio = audio
        self._is_stopping = threading.Event()

    @classmethod
    @contextlib.contextmanager
    def opened(cls, path: Path) -> Iterator[Self]:
        """Open a file for the time of a block.

        Raises:
            NoInputError: There is no such file.
            UndecodableError: It is not media, or has no audio.
        """
        with decode.open_audio(path, MediaOptions()) as audio:
            yield cls(path, audio)

    def blocks(self) -> Iterator[np.ndarray | Missing]:
        """Yield the samples, a tenth of a second at a time.

        Raises:
            QasrError: As `decode.AudioStream`.
        """
        for samples in self._audio:
            for start in range(0, len(samples), _BLOCK_SAMPLES):
                if self._is_stopping.is_set():
                    return
                yield samples[start : start + _BLOCK_SAMPLES]
        for warning in self._audio.warnings:
            _log.warning("%s: %s", self.name, warning)

    def stop(self) -> None:
        """End the iterator soon."""
        self._is_stopping.set()
