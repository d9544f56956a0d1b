"""Short FLAC files of the plainest shape, decoded by the child of `flac_server`.

In goes a path; out come the same track and samples as from ffmpeg, or None where ffmpeg has to decode.
Samples count only if their MD5 is the one that the encoder has written, and only if the file ends with its
last frame: for a file with anything behind it ffmpeg gives a warning. Decodes nothing itself. The layout is
that of RFC 9639.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qasr_cli.media import flac_server
from qasr_cli.media.plain_stream import BLOCK_SAMPLES, PlainSound, PlainStream
from qasr_cli.operating_system.files import open_regular
from qasr_cli.options import MediaOptions
from qasr_cli.timebase import BYTES_PER_SAMPLE, SAMPLE_RATE_HZ

_MARKER = b"fLaC"
_MAX_SAMPLES = 600 * SAMPLE_RATE_HZ  # of each channel; more are worth a process, and fill memory
_MAX_BYTES = 2 * _MAX_SAMPLES * BYTES_PER_SAMPLE
_MAX_HEADER_BLOCKS = 64  # of usually three; a crafted file could have millions of empty ones
_MAX_FRAME_BYTES = 1 << 16  # of usually 4608 samples; a checksum of one takes 4 ms here
_MAX_CANDIDATES = 4  # begins of a last frame: one, and by chance in 1 of 1,000 files another one
_BEGIN_BYTES = 42  # of the marker and the stream information
_STREAM_INFO, _COMMENT = 0, 4
_HARMLESS = {1, 3, _COMMENT}  # padding, seek table
# Of comments that ffmpeg makes a picture, chapters or a layout of
_EFFECTIVE = (b"picture", b"chapter", b"waveformatextensible")
_SYNC = b"\xff\xf8"  # of frames of one length
_POLYNOMIAL = 0x8005


@dataclass(frozen=True, slots=True)
class _Header:
    """What stands in front of the frames.

    Attributes:
        frames_at: Offset of the first.
        block_samples: Samples of each channel in a frame but the last.
        max_frame_bytes: The longest frame.
        channels: One or two.
        n_samples: Of each channel.
        md5: Of all samples.
    """

    frames_at: int
    block_samples: int
    max_frame_bytes: int
    channels: int
    n_samples: int
    md5: bytes

    @property
    def n_bytes(self) -> int:
        """Bytes of all samples."""
        return self.n_samples * self.channels * BYTES_PER_SAMPLE


def opened(path: Path, options: MediaOptions) -> PlainStream | None:
    """Return the samples of a plain FLAC; None if the file is anything else, or no child is there."""
    server = flac_server.active()
    if server is None or options.audio_track != 0:
        return None
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            begin = file.read(_BEGIN_BYTES)
            if _stream_info(begin[8:], 0) is None:
                return None  # such as an album, which is not read for nothing
            file.seek(0)
            raw = file.read(_MAX_BYTES + 1)
            header = _header(raw)
            if header is None or not _ends_with_last_frame(raw, header):
                return None
            samples = server.decode(file.fileno(), header.n_bytes)
    except OSError:
        return None  # and ffmpeg says why
    if samples is None or hashlib.md5(samples, usedforsecurity=False).digest() != header.md5:
        return None
    sound = PlainSound("flac", "flac", header.channels, header.n_samples, is_duration_promised=True)
    return PlainStream(path, len(raw), sound, _blocks(samples, header.channels), options)


def _blocks(samples: bytes, channels: int) -> Iterator[bytes]:
    step = BLOCK_SAMPLES * BYTES_PER_SAMPLE * channels
    for start in range(0, len(samples), step):
        yield samples[start : start + step]


def _header(raw: bytes) -> _Header | None:
    """Return what is in front of the frames; None unless all of it is as expected, and short."""
    is_one = raw.startswith(_MARKER) and raw.count(_MARKER) == 1  # and not one recording behind another
    if not is_one or len(raw) > _MAX_BYTES:
        return None
    at, info = 4, b""
    for _ in range(_MAX_HEADER_BLOCKS):
        if at + 4 > len(raw):
            return None
        kind, length = raw[at] & 0x7F, int.from_bytes(raw[at + 1 : at + 4], "big")
        is_last = bool(raw[at] & 0x80)
        content = raw[at + 4 : at + 4 + length]
        at += 4 + length
        if not info and kind == _STREAM_INFO and len(content) == 34:
            info = content
        elif not info or not _is_harmless(kind, content, length):
            return None
        if is_last:
            return _stream_info(info, at) if raw.startswith(_SYNC, at) else None
    return None


def _is_harmless(kind: int, content: bytes, length: int) -> bool:
    if kind not in _HARMLESS or len(content) < length:
        return False
    return kind != _COMMENT or not any(word in content.lower() for word in _EFFECTIVE)


def _stream_info(info: bytes, frames_at: int) -> _Header | None:
    """Return the numbers of the stream information; None unless they are known and those of plain sound."""
    shortest, longest = (int.from_bytes(info[at : at + 2], "big") for at in (0, 2))
    packed = int.from_bytes(info[10:18], "big")  # 20 bits of rate, 3 of channels, 5 of width, 36 of samples
    rate_hz, channels, bits = packed >> 44, (packed >> 41 & 7) + 1, (packed >> 36 & 31) + 1
    found = _Header(
        frames_at=frames_at,
        block_samples=longest,
        max_frame_bytes=int.from_bytes(info[7:10], "big"),
        channels=channels,
        n_samples=packed & (1 << 36) - 1,
        md5=info[18:],
    )
    is_plain = rate_hz == SAMPLE_RATE_HZ and channels <= 2 and bits == 8 * BYTES_PER_SAMPLE
    is_known = 0 < found.n_samples <= _MAX_SAMPLES and any(found.md5)
    is_known = is_known and 0 < found.max_frame_bytes <= _MAX_FRAME_BYTES
    return found if is_plain and is_known and 0 < shortest == longest else None


def _ends_with_last_frame(raw: bytes, header: _Header) -> bool:
    """Whether the file's last bytes are the frame with the last number: its checksum includes its own.

    Zeros behind a frame do not change the checksum, so that one that ends with a zero remains uncertain.
    """
    if not raw[-1]:
        return False
    number = _coded((header.n_samples - 1) // header.block_samples)
    begin = re.compile(re.escape(_SYNC) + b".." + re.escape(number), re.DOTALL)
    start = max(header.frames_at, len(raw) - header.max_frame_bytes)
    candidates = itertools.islice(begin.finditer(raw, start), _MAX_CANDIDATES)
    return any(not _checksum(raw[found.start() :]) for found in candidates)


def _coded(number: int) -> bytes:
    """Return a frame's number as its header has it: as UTF-8 codes a character, but up to 31 bits."""
    if number < 0x80:
        return bytes([number])
    n_more = next(n for n in range(1, 6) if number < 1 << 5 * n + 6)
    first = (0xFF << 7 - n_more & 0xFF) | number >> 6 * n_more
    return bytes((first, *(0x80 | number >> 6 * place & 0x3F for place in reversed(range(n_more)))))


def _table() -> tuple[int, ...]:
    values = []
    for byte in range(256):
        value = byte << 8
        for _ in range(8):
            value = value << 1 ^ (_POLYNOMIAL if value & 0x8000 else 0)
        values.append(value & 0xFFFF)
    return tuple(values)


_TABLE = _table()


def _checksum(frame: bytes) -> int:
    """Return the CRC-16 of a frame with its footer; 0 if it is whole."""
    value = 0
    for byte in frame:
        value = (value << 8 & 0xFFFF) ^ _TABLE[value >> 8 ^ byte]
    return value
