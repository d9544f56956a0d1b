"""WAV files of the plainest shape, read in this process: 16 kHz, of 16 bits, or short ones of floats.

In goes a path; out come the same track, samples, warnings and errors as from ffmpeg, without a process,
which costs ten times the rest of the work on a clip of two seconds. Reads the file's own bytes; none is
decoded, and floats are rounded. Leaves to ffmpeg everything that is unusual in any way:
another rate or width, chunks that say more than a title, sizes that do not fit, several recordings,
compressed sound that is labelled as samples.
"""

from __future__ import annotations

import contextlib
import os
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from qasr_cli.media import container_ends, signatures
from qasr_cli.media.file_checks import changed, failing
from qasr_cli.media.plain_stream import BLOCK_SAMPLES, PlainSound, PlainStream
from qasr_cli.operating_system.files import open_regular
from qasr_cli.options import MediaOptions
from qasr_cli.timebase import BYTES_PER_SAMPLE, SAMPLE_RATE_HZ

_HEAD_BYTES = 4096  # holds the chunks in front of the samples
_MAX_TAIL_BYTES = 1 << 16  # of the titles behind them
_PCM, _FLOAT = 1, 3
_FLOAT_BYTES = 4
_MAX_FLOATS = (
    120 * SAMPLE_RATE_HZ
)  # all are looked at before one counts, and longer files are worth a process
# Times 32768 they fit the 32 bits in which ffmpeg rounds them; others are no number, or of another scale.
_MAX_FLOAT = 1 << 15
_BESIDE_FLOATS = {b"fact": 4, b"PEAK": 16}  # their bytes of one channel: count of samples, highest one
_FORMAT = struct.Struct("<HHIIHH")
# ffmpeg looks for compressed sound in the first packets of 16-bit samples, up to about so many bytes.
_PROBE_BYTES = 1 << 18
# Sync words of S/PDIF bursts (IEC 61937), TrueHD, MLP and DTS in both byte orders, of 16 and 14 bits a word.
# By chance one is in 1 of 3,000 such blocks of noise, which ffmpeg then reads.
_COMPRESSED = (
    *(b"\x72\xf8\x1f\x4e", b"\xf8\x72\x4e\x1f", b"\xf8\x72\x6f\xba", b"\xf8\x72\x6f\xbb"),
    *(b"\x7f\xfe\x80\x01", b"\xfe\x7f\x01\x80"),
)
_DTS_14 = {  # four bytes are found quickly, but a step from 8191 to -6144 looks like them
    b"\x1f\xff\xe8\x00": re.compile(rb"\x1f\xff\xe8\x00\x07[\xf0-\xff]"),
    b"\xff\x1f\x00\xe8": re.compile(rb"\xff\x1f\x00\xe8[\xf0-\xff]\x07"),
}


@dataclass(frozen=True, slots=True)
class _Form:
    """What a sample is: 16 bits of each channel, or one float."""

    channels: int
    is_float: bool = False

    @property
    def frame_bytes(self) -> int:
        """Bytes of a sample of all channels."""
        return _FLOAT_BYTES if self.is_float else BYTES_PER_SAMPLE * self.channels

    @property
    def codec(self) -> str:
        """Its name in ffmpeg."""
        return "pcm_f32le" if self.is_float else "pcm_s16le"


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the samples are: the offset of the first byte, their bytes, and their form."""

    start: int
    n_bytes: int
    form: _Form

    @property
    def n_samples(self) -> int:
        """Samples of each channel."""
        return self.n_bytes // self.form.frame_bytes


@contextlib.contextmanager
def opened(path: Path, options: MediaOptions) -> Iterator[PlainStream | None]:
    """Open a plain WAV for as long as the context lasts; None if the file is anything else."""
    with contextlib.ExitStack() as stack:
        plain = None
        with contextlib.suppress(OSError):  # and ffmpeg says why
            file = stack.enter_context(os.fdopen(open_regular(path), "rb"))
            size = os.fstat(file.fileno()).st_size
            layout = _layout(file, size) if options.audio_track == 0 else None
            blocks = None if layout is None else _blocks(path, file, layout)
            if layout is not None and blocks is not None:
                sound = PlainSound("wav", layout.form.codec, layout.form.channels, layout.n_samples)
                plain = PlainStream(path, size, sound, blocks, options)
        yield plain


def _blocks(path: Path, file: BinaryIO, layout: _Layout) -> Iterable[bytes] | None:
    """Return the samples in 16 bits; None for floats that are too many, no numbers or of another scale."""
    if not layout.form.is_float:
        return _stored(path, file, layout)
    if layout.n_samples > _MAX_FLOATS:
        return None
    file.seek(layout.start)
    content = file.read(layout.n_bytes)
    if len(content) < layout.n_bytes:
        return None
    samples = np.frombuffer(content, "<f4")
    if not np.all(np.abs(samples) < _MAX_FLOAT):  # false where one is no number
        return None
    rounded = np.rint(samples * np.float32(32768)).clip(-32768, 32767).astype("<i2")
    return [rounded[at : at + BLOCK_SAMPLES].tobytes() for at in range(0, len(rounded), BLOCK_SAMPLES)]


def _stored(path: Path, file: BinaryIO, layout: _Layout) -> Iterator[bytes]:
    """Yield the samples of 16 bits.

    Raises:
        InputOutputError: The file has become shorter, or its disk failed.
    """
    try:
        file.seek(layout.start)
        n_left = layout.n_bytes
        while n_left:
            n_bytes = min(n_left, BLOCK_SAMPLES * layout.form.frame_bytes)
            block = file.read(n_bytes)
            if len(block) < n_bytes:
                raise changed(path)
            n_left -= n_bytes
            yield block
    except OSError as error:
        raise failing(path, error.strerror or "it cannot be read") from error


def _layout(file: BinaryIO, size: int) -> _Layout | None:
    """Return where the samples of an open file are; None unless each byte of it is as expected."""
    head = file.read(_HEAD_BYTES)
    riff_size = int.from_bytes(head[4:8], "little")
    is_wave = head[:4] == b"RIFF" and head[8:12] == b"WAVE"
    if not is_wave or riff_size + 8 != size or container_ends.is_unknown_size(riff_size):
        return None
    form: _Form | None = None
    for name, content, n_bytes in _chunks(head):
        body = head[content : content + n_bytes]
        if name == b"data":
            layout = None if form is None else _Layout(content, n_bytes, form)
            return layout if layout is not None and _are_samples(file, layout, size) else None
        if name == b"fmt " and form is None:
            form = _form(body)
        elif form is None or len(body) < n_bytes or not _is_harmless(name, body, form):
            return None
        if form is None or n_bytes % 2:
            return None
    return None


def _chunks(head: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, place of the content and its bytes of each chunk that begins in the head of a file."""
    at = 12
    while at + 8 <= len(head):
        n_bytes = int.from_bytes(head[at + 4 : at + 8], "little")
        yield head[at : at + 4], at + 8, n_bytes
        at += 8 + n_bytes


def _form(body: bytes) -> _Form | None:
    """Return the form of samples by a format chunk; None if it is not that of plain ones."""
    if len(body) != _FORMAT.size and body[_FORMAT.size :] != b"\0\0":
        return None
    kind, channels, rate_hz, bytes_per_s, align, bits = _FORMAT.unpack_from(body.ljust(_FORMAT.size, b"\0"))
    form = _Form(channels, is_float=kind == _FLOAT)
    is_plain = (kind, bits) == (_PCM, 8 * BYTES_PER_SAMPLE) and channels in {1, 2}
    is_plain = is_plain or ((kind, bits) == (_FLOAT, 8 * _FLOAT_BYTES) and channels == 1)
    is_consistent = align == form.frame_bytes and bytes_per_s == rate_hz * align
    return form if is_plain and is_consistent and rate_hz == SAMPLE_RATE_HZ else None


def _is_harmless(name: bytes, body: bytes, form: _Form) -> bool:
    """Whether a chunk in front of the samples changes nothing of what ffmpeg makes of them."""
    return (name == b"LIST" and _is_title(body)) or (form.is_float and _BESIDE_FLOATS.get(name) == len(body))


def _is_title(body: bytes) -> bool:
    """Whether the content of a list chunk is texts about the file, one behind the other and no byte more."""
    at = 4
    while at + 8 <= len(body) and container_ends.is_name(body[at : at + 4]):
        n_bytes = int.from_bytes(body[at + 4 : at + 8], "little")
        at += 8 + n_bytes + n_bytes % 2
    return body[:4] == b"INFO" and at == len(body)


def _are_samples(file: BinaryIO, layout: _Layout, size: int) -> bool:
    """Whether the data chunk holds whole samples, not compressed ones, and only titles are behind it."""
    end = layout.start + layout.n_bytes
    n_behind = size - end
    is_unknown = container_ends.is_unknown_size(layout.n_bytes)
    if is_unknown or not layout.n_samples or not 0 <= n_behind <= _MAX_TAIL_BYTES:
        return False
    if layout.n_bytes % layout.form.frame_bytes or not _is_tail(file, end, n_behind):
        return False
    file.seek(layout.start)
    begin = file.read(min(layout.n_bytes, _PROBE_BYTES))
    head = begin.lstrip(b"\0")[: signatures.HEAD_BYTES]
    is_framed = signatures.is_media(begin[: signatures.HEAD_BYTES]) or signatures.is_media(head)
    return not is_framed and not _has_sync_word(begin)


def _has_sync_word(begin: bytes) -> bool:
    if any(marker in begin for marker in _COMPRESSED):
        return True
    return any(marker in begin and pattern.search(begin) for marker, pattern in _DTS_14.items())


def _is_tail(file: BinaryIO, at: int, n_bytes: int) -> bool:
    """Whether nothing or one list of texts is behind the samples."""
    if not n_bytes:
        return True
    file.seek(at)
    tail = file.read(n_bytes)
    is_whole = len(tail) == n_bytes and int.from_bytes(tail[4:8], "little") == n_bytes - 8
    return is_whole and tail[:4] == b"LIST" and n_bytes % 2 == 0 and _is_title(tail[8:])
