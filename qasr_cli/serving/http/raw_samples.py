"""Samples without a header, as some protocols send them, and the WAV header that makes them a file.

In goes the shape of the samples; out comes a header. Never reads or converts a sample: ffmpeg does.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from qasr_cli.errors import UndecodableError
from qasr_cli.timebase import SAMPLE_RATE_HZ

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_PCM = 1
_BEFORE_SAMPLES = _HEADER.size - 8  # bytes that the file's own size counts beside the samples
_UNKNOWN = 0xFFFF_FFFF  # ffmpeg reads to the end of the file; the sizes of a WAV have 32 bits
_MAX_RATE_HZ = 384_000
_MAX_CHANNELS = 32
_MAX_WIDTH = 4


@dataclass(frozen=True, slots=True)
class RawShape:
    """The shape of samples without a header, interleaved and little-endian.

    Attributes:
        rate_hz: Samples a second of each channel.
        width: Bytes of a sample; one byte is unsigned, more are signed.
        channels: Number of channels.
    """

    rate_hz: int = SAMPLE_RATE_HZ
    width: int = 2
    channels: int = 1

    @classmethod
    def of(cls, rate_hz: object, width: object, channels: object) -> RawShape:
        """Return the shape that a client names.

        Raises:
            UndecodableError: There are no such samples.
        """
        return cls(
            _whole("rate", rate_hz, _MAX_RATE_HZ),
            _whole("width", width, _MAX_WIDTH),
            _whole("channels", channels, _MAX_CHANNELS),
        )

    @property
    def bytes_per_s(self) -> int:
        """Bytes of a second."""
        return self.rate_hz * self.frame_bytes

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of each channel."""
        return self.width * self.channels

    def header(self, n_bytes: int) -> bytes:
        """Return the header of a WAV with `n_bytes` of samples; of an unknown length above 4 GiB."""
        n_bytes -= n_bytes % self.frame_bytes
        is_long = n_bytes > _UNKNOWN - _BEFORE_SAMPLES
        return _HEADER.pack(
            *(b"RIFF", _UNKNOWN if is_long else n_bytes + _BEFORE_SAMPLES, b"WAVE"),
            *(b"fmt ", 16, _PCM, self.channels, self.rate_hz, self.bytes_per_s, self.frame_bytes),
            *(8 * self.width, b"data", _UNKNOWN if is_long else n_bytes),
        )


def _whole(what: str, value: object, most: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most:
        return value
    raise UndecodableError(
        f"samples of {what} {str(value)[:40]!r}", f"send a whole number from 1 to {most:,}"
    )
