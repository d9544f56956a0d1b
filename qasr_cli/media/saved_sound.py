"""Sound that is saved while it is heard, as WAV or FLAC: mono, 16 kHz, 16 bits.

In go samples; out comes a file that can be read at any moment, after a kill too: the header of a WAV is that
of the samples so far, once a second, and FLAC needs none. Nothing is synced, as that may take seconds, and a
device does not wait: a power cut costs what the system had not written. A failure ends the file, and not the
session.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from qasr_cli.errors import CannotCreateError, QasrError, UsageError, from_os_error
from qasr_cli.timebase import BYTES_PER_SAMPLE, SAMPLE_RATE_HZ

_SUFFIXES = (".flac", ".wav")
_HEADER_BYTES = 44
_MOST_WAVE_BYTES = 2**32 - _HEADER_BYTES - 1  # its sizes have 32 bits: 37 hours

_log = logging.getLogger(__name__)


class _Writer(Protocol):
    def write(self, samples: np.ndarray) -> None:
        """Write `int16[n_samples]`; an `OSError` says that it failed."""

    def close(self) -> None:
        """Finish the header."""


class SavedSound:
    """A file that gets sound; nothing raises but `finish`."""

    def __init__(self, path: Path, file: io.FileIO) -> None:
        self._path = path
        self._file = file
        self._writer: _Writer | None = None
        self._failure: QasrError | None = None

    @property
    def has_begun(self) -> bool:
        """Whether something was written to the file."""
        return self._writer is not None

    def write(self, samples: np.ndarray) -> None:
        """Write `int16[n_samples]`; after a failure, which is logged, do nothing."""
        if self._failure is not None or not len(samples):
            return
        try:
            if self._writer is None:
                self._file.truncate(0)
                is_flac = self._path.suffix.lower() == ".flac"
                self._writer = _Flac(self._file) if is_flac else _Wave(self._file)
            self._writer.write(np.ascontiguousarray(samples, dtype="<i2"))
        except OSError as error:
            self._fail(error)

    def finish(self) -> None:
        """Finish the file.

        Raises:
            InputOutputError: Not all of the sound is in it.
        """
        if self._writer is not None:
            try:
                self._writer.close()
                os.fsync(self._file.fileno())
            except OSError as error:
                if self._failure is None:
                    self._fail(error)
        if self._failure is not None:
            raise self._failure

    def _fail(self, error: OSError) -> None:
        self._failure = from_os_error(error, f"saving the sound in {self._path}", path=self._path)
        _log.warning("%s; the session goes on without it", self._failure)


class _Wave:
    def __init__(self, file: io.FileIO) -> None:
        self._file = file
        self._n_bytes = self._n_unsaid = 0
        _write_all(file, bytes(_HEADER_BYTES))
        self._write_header()

    def write(self, samples: np.ndarray) -> None:
        content = samples.tobytes()
        if self._n_bytes + len(content) > _MOST_WAVE_BYTES:
            raise OSError(0, "a WAV file holds 37 hours; give a name with .flac")
        _write_all(self._file, content)
        self._n_bytes += len(content)
        self._n_unsaid += len(content)
        if self._n_unsaid >= SAMPLE_RATE_HZ * BYTES_PER_SAMPLE:
            self._write_header()

    def close(self) -> None:
        self._write_header()

    def _write_header(self) -> None:
        """Write the sizes of what is there (RIFF, 1991), and stay at the end."""
        self._n_unsaid = 0
        rate = SAMPLE_RATE_HZ
        form = b"fmt " + _little(16, 4) + _little(1, 2) + _little(1, 2) + _little(rate, 4)
        form += _little(rate * BYTES_PER_SAMPLE, 4) + _little(BYTES_PER_SAMPLE, 2) + _little(16, 2)
        riff = b"RIFF" + _little(_HEADER_BYTES - 8 + self._n_bytes, 4) + b"WAVE"
        self._file.seek(0)
        _write_all(self._file, riff + form + b"data" + _little(self._n_bytes, 4))
        self._file.seek(0, os.SEEK_END)


class _Flac:
    def __init__(self, file: io.FileIO) -> None:
        import soundfile

        self._target = _Target(file)
        self._sound = soundfile.SoundFile(
            self._target, "w", SAMPLE_RATE_HZ, channels=1, format="FLAC", subtype="PCM_16"
        )

    def write(self, samples: np.ndarray) -> None:
        with self._target.raising():
            self._sound.write(samples)

    def close(self) -> None:
        with self._target.raising():
            self._sound.close()


class _Target:
    """The file, as libsndfile writes it: an error cannot pass through its code, and is kept."""

    def __init__(self, file: io.FileIO) -> None:
        self._file = file
        self._error: OSError | None = None

    @contextlib.contextmanager
    def raising(self) -> Iterator[None]:
        """Raise the error of a write within the block, if there was one, in place of libsndfile's."""
        try:
            yield
        except (RuntimeError, AssertionError) as error:
            raise self._error or OSError(0, "libsndfile failed") from error
        if self._error is not None:
            raise self._error

    def write(self, content: bytes) -> int:
        if self._error is not None:
            return 0
        try:
            _write_all(self._file, bytes(content))
        except OSError as error:
            self._error = error
            return 0
        return len(content)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, n_bytes: int) -> bytes:
        return self._file.read(n_bytes) or b""


@contextlib.contextmanager
def opened(path: Path | None, *, overwrite: bool) -> Iterator[SavedSound | None]:
    """Create a file for sound for the time of a block; None without a path.

    A file that exists keeps its content until the first sample, and a new one without samples is removed.

    Raises:
        UsageError: The suffix is neither of FLAC nor of WAV.
        CannotCreateError: The file exists, or cannot be created.
        InputOutputError: At the end of the block: not all of the sound is in it.
    """
    if path is None:
        yield None
        return
    file, is_new = _created(path, overwrite=overwrite)
    sound = SavedSound(path, file)
    try:
        yield sound
    except BaseException:
        with contextlib.suppress(QasrError):  # the first error counts
            sound.finish()
        raise
    else:
        sound.finish()
    finally:
        file.close()
        if is_new and not sound.has_begun:
            path.unlink(missing_ok=True)


def _created(path: Path, *, overwrite: bool) -> tuple[io.FileIO, bool]:
    """Return the open file, and whether it is new."""
    if path.suffix.lower() not in _SUFFIXES:
        hint = "give a name with .flac or .wav"
        raise UsageError(f"--save {path}: sound is saved as FLAC or WAV", hint, flag="--save")
    flags = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
    is_new = True
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError as error:
            if not overwrite:
                hint = "use --overwrite to replace it"
                raise CannotCreateError.about(path, "exists", hint, flag="--save") from error
            is_new = False
            descriptor = os.open(path, flags)
    except OSError as error:
        raise from_os_error(error, path=path, flag="--save") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise CannotCreateError.about(path, "not a regular file", "give a name for a new file", flag="--save")
    return io.FileIO(descriptor, "r+"), is_new


def _write_all(file: io.FileIO, content: bytes) -> None:
    view = memoryview(content)
    while view:
        n_written = file.write(view)
        view = view[n_written or 0 :]


def _little(number: int, n_bytes: int) -> bytes:
    return number.to_bytes(n_bytes, "little")
