"""Stdin or another pipe as an input: raw samples, or any container that can be read forward only.

In goes a descriptor; out come samples as soon as they arrive. Nothing is stored: what is not read waits in
the pipe. Raw samples at 16 kHz are read here, all else by ffmpeg.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from qasr_cli.errors import InputOutputError, NoInputError, UndecodableError
from qasr_cli.live.protocols import LiveInput, Missing
from qasr_cli.media import live_arguments, live_stream
from qasr_cli.media.live_stream import Command, LiveStream
from qasr_cli.operating_system import streams
from qasr_cli.timebase import BYTES_PER_SAMPLE, SAMPLE_RATE_HZ

_BLOCK_BYTES = 32_000  # a second
_NEVER_S = 365 * 86_400.0  # a pipe may be silent for as long as its writer likes
_HINT = "pipe sound into qasr"
_RAW_HINT = "raw samples need --pcm HZ; MP4 is read from a file only; other media: check it with a player"


@contextlib.contextmanager
def opened(path: Path, pcm_hz: int | None) -> Iterator[LiveInput]:
    """Open a stream for the time of a block.

    Args:
        path: `-`, `/dev/fd/63` or a named pipe.
        pcm_hz: Sample rate of raw samples; None for media.

    Raises:
        InputOutputError: It cannot be opened.
    """
    name = streams.shown(path)
    try:
        descriptor = streams.opened(path)
    except OSError as error:
        raise InputOutputError(f"reading {name}: {error.strerror}", _HINT) from error
    try:
        if pcm_hz == SAMPLE_RATE_HZ:
            with contextlib.closing(RawPipe(name, descriptor)) as source:
                yield source
        else:
            arguments = live_arguments.pipe(pcm_hz)
            command = Command(arguments, _NEVER_S, {}, descriptor)
            with live_stream.opened(command) as stream:
                yield MediaPipe(name, stream)
    finally:
        os.close(descriptor)


class RawPipe:
    """Raw samples at 16 kHz as a live input; see `LiveInput`."""

    is_real_time = False

    def __init__(self, name: str, descriptor: int) -> None:
        self.name = name
        self._descriptor = descriptor
        self._wakes, self._waker = socket.socketpair()
        self._is_stopping = threading.Event()

    def blocks(self) -> Iterator[np.ndarray | Missing]:
        """Yield the samples.

        Raises:
            NoInputError: There were none.
            InputOutputError: The pipe cannot be read.
        """
        n_samples, rest = 0, b""
        while read := self._read():
            block = rest + read
            n_bytes = len(block) // BYTES_PER_SAMPLE * BYTES_PER_SAMPLE
            rest = block[n_bytes:]
            n_samples += n_bytes // BYTES_PER_SAMPLE
            if n_bytes:
                yield np.frombuffer(block[:n_bytes], dtype="<i2")
        if not n_samples and not self._is_stopping.is_set():
            raise NoInputError(f"{self.name}: no data", _HINT)

    def stop(self) -> None:
        """End the iterator soon."""
        self._is_stopping.set()
        with contextlib.suppress(OSError):  # closed
            self._waker.send(b"\0")

    def close(self) -> None:
        """Close what `stop` uses."""
        self._wakes.close()
        self._waker.close()

    def _read(self) -> bytes:
        """Return what has arrived; nothing at the end, or after `stop`."""
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._wakes, selectors.EVENT_READ)
                with contextlib.suppress(PermissionError):  # a regular file, which never blocks
                    selector.register(self._descriptor, selectors.EVENT_READ)
                    selector.select()
            return b"" if self._is_stopping.is_set() else os.read(self._descriptor, _BLOCK_BYTES)
        except OSError as error:
            raise InputOutputError(f"reading {self.name}: {error.strerror}", _HINT) from error


class MediaPipe:
    """What ffmpeg reads from a pipe as a live input; see `LiveInput`."""

    is_real_time = False

    def __init__(self, name: str, stream: LiveStream) -> None:
        self.name = name
        self._stream = stream
        self._is_stopping = threading.Event()

    def blocks(self) -> Iterator[np.ndarray | Missing]:
        """Yield the samples.

        Raises:
            UndecodableError: It is not media, or has no sound; or it breaks off in the middle.
        """
        n_samples = 0
        for block in self._stream.blocks():
            n_samples += len(block)
            yield block
        if self._is_stopping.is_set():
            return
        reason = self._stream.failure()
        if not n_samples:
            raise UndecodableError(f"{self.name}: {reason or 'no sound in it'}", _RAW_HINT)
        if reason:
            raise UndecodableError(f"{self.name}: the sound breaks off: {reason}", _RAW_HINT)

    def stop(self) -> None:
        """End the iterator soon."""
        self._is_stopping.set()
        self._stream.stop()
