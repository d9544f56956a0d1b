"""Samples on disk: decoded once, read a chunk at a time."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np

from qasr_cli.errors import from_os_error
from qasr_cli.records import Waveform
from qasr_cli.timebase import BYTES_PER_SAMPLE


class WaveformWriter:
    """Writes a waveform; a context manager that leaves no file behind unless `close` was reached."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._n_bytes = 0
        self._is_whole = False

    def __enter__(self) -> WaveformWriter:
        """Create the file."""
        try:
            self._file: BinaryIO = self._path.open("wb")
        except OSError as error:
            raise from_os_error(error, f"writing {self._path}", path=self._path) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file, and remove it if it is incomplete."""
        with contextlib.suppress(OSError):  # on a full disk it would fail once more, and hide the first error
            self._file.close()
        if not self._is_whole:
            self._path.unlink(missing_ok=True)

    def append(self, samples: np.ndarray) -> None:
        """Write `int16[n_samples]` more.

        Raises:
            InputOutputError: The disk is full.
        """
        raw = samples.astype("<i2", copy=False).tobytes()
        try:
            self._file.write(raw)
        except OSError as error:
            raise from_os_error(error, f"writing {self._path}", path=self._path) from error
        self._n_bytes += len(raw)

    def close(self) -> Waveform:
        """Return the finished waveform.

        Raises:
            InputOutputError: The disk is full.
        """
        try:
            self._file.close()  # a network disk may report only now that it is full
        except OSError as error:
            raise from_os_error(error, f"writing {self._path}", path=self._path) from error
        self._is_whole = True
        return Waveform(self._path, self._n_bytes // BYTES_PER_SAMPLE)
