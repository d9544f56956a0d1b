"""What a container promises of its sound, as far as ffmpeg does not report it.

In goes a window that begins with the container; out come the length that its headers give to the sound, and
whether the file ends before the container does. ffmpeg shortens these lengths to what the file can hold, so
that a file that is cut off looks whole.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from qasr_cli.media import container_ends
from qasr_cli.media.byte_window import Window
from qasr_cli.timebase import MS_PER_S

# Two frames of the longest common kind (256 ms of AAC at 8 kHz): encoders add one at either end, and headers
# count them or do not.
_TOLERANCE_MS = 500
# Of lengths in samples in a file that is known to be cut off: less than a syllable.
_EXACT_TOLERANCE_MS = 100
_CLOCK_TOLERANCE = 0.01  # recorders' clocks differ by 0.1 % at most, and 1000/1001 is as much
_PCM = {1, 3, 6, 7}  # integer, float, A-law, mu-law
_MP3 = 0x55
_MP3_SAMPLES = (576, 1152)  # in a frame
_ASF_PROPERTIES = bytes.fromhex("A1DCAB8C47A9CF118EE400C00C205365")
_MAX_CHUNKS = 1_000  # before the samples
_MP3_HEAD_BYTES = 64  # of a frame: its header, its side information and the begin of the counts
_VBRI_AT = 36
_OGG_PAGE_BYTES = 65_307  # the largest
_AVI_UNKNOWN = 0x4000_0000  # ffmpeg into a pipe
_FLV_SIZE = b"\x00\x08filesize\x00"
_FLV_HEAD_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Promise:
    """What a container's headers promise.

    Attributes:
        sound_ms: Length of the sound itself; None if they give only the length of everything.
        is_cut: The container is longer than the file.
        is_clock_wrong: The rate in its clock is not that of its samples.
        is_exceeded: More samples seem to follow behind those that the headers count.
        is_counted: The length that ffmpeg gives is a count of samples or frames.
        is_open: The program that wrote it could not know its length.
        is_torn: The container gives no length, and its last page is incomplete.
    """

    sound_ms: int | None = None
    is_cut: bool = False
    is_clock_wrong: bool = False
    is_exceeded: bool = False
    is_counted: bool = False
    is_open: bool = False
    is_torn: bool = False

    def missing_of(self, decoded_ms: int, whole_ms: int | None) -> int | None:
        """Return the promised length if clearly less was decoded, or None.

        Args:
            decoded_ms: Length of the decoded sound.
            whole_ms: Length of the whole container, if it is known and the sound must last as long.
        """
        if self.is_exceeded or self.is_open:
            return None
        promised_ms = whole_ms if self.sound_ms is None else self.sound_ms
        is_exact = self.is_cut and (self.is_counted or bool(self.sound_ms))
        tolerance_ms = _EXACT_TOLERANCE_MS if is_exact else _TOLERANCE_MS
        return promised_ms if promised_ms is not None and promised_ms - decoded_ms > tolerance_ms else None


NO_PROMISE = Promise()


def read(window: Window, audio_track: int) -> Promise:
    """Return what the container at the start of a window promises of an audio track."""
    head = window.read(0, 12)
    if head[:4] == b"RIFF" and head[8:] == b"AVI ":
        return _of_avi(window, audio_track)
    kinds = {
        **dict.fromkeys((b"RIFF", b"RF64", b"BW64"), _of_wave),
        **{b"caff": _of_caf, b"FLV\x01": _of_flv, container_ends.W64[:4]: _of_w64},
        container_ends.ASF[:4]: _of_asf,
        **{b"OggS": _of_ogg, b"FORM": _of_counted, b".snd": _of_counted},
    }
    is_framed = head.startswith(b"ID3") or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0)
    return (_of_mp3 if is_framed else kinds.get(head[:4], _of_other))(window)


def is_drifting(first_ms: float, second_ms: float) -> bool:
    """Whether two lengths of the same sound differ by more than two clocks do."""
    difference_ms = abs(first_ms - second_ms)
    return difference_ms > max(MS_PER_S, _CLOCK_TOLERANCE * max(first_ms, second_ms))


def _of_other(window: Window) -> Promise:
    return Promise(is_cut=container_ends.is_cut(window))


def _of_counted(window: Window) -> Promise:
    return Promise(is_cut=container_ends.is_cut(window), is_counted=True)


def _of_mp3(window: Window) -> Promise:
    """The first frame of an mp3 may hold a count of frames and of bytes, from itself on."""
    at = container_ends.id3_bytes(window)
    frame = window.read(at, _MP3_HEAD_BYTES)
    n_bytes = 0
    for name in (b"Xing", b"Info"):
        found = frame.find(name)
        if found >= 0 and frame[found + 7] & 3 == 3:
            n_bytes = int.from_bytes(frame[found + 12 : found + 16], "big")
    if frame[_VBRI_AT:].startswith(b"VBRI"):
        n_bytes = int.from_bytes(frame[_VBRI_AT + 10 : _VBRI_AT + 14], "big")
    return Promise(is_cut=n_bytes > window.size - at, is_counted=True)


def _of_ogg(window: Window) -> Promise:
    """Ogg gives no length, but its pages have their sizes."""
    start = max(0, window.size - _OGG_PAGE_BYTES)
    tail = window.read(start, _OGG_PAGE_BYTES)
    at = tail.rfind(b"OggS\0")
    page = tail[at:] if at >= 0 else b""
    size = 27 + page[26] + sum(page[27 : 27 + page[26]]) if len(page) > 26 else 27
    return Promise(is_torn=bool(page) and len(page) < size)


def _of_wave(window: Window) -> Promise:
    data = container_ends.wave_data(window)
    format_at = next((at for name, at, _ in container_ends.riff_chunks(window) if name == b"fmt "), None)
    if data is None or format_at is None or container_ends.is_unknown_size(data[1]):
        return NO_PROMISE
    form = struct.unpack("<HHII", window.read(format_at, 12).ljust(12, b"\0"))
    length_ms = _length_ms(data[1], form[3]) or _wave_fact_ms(window, form[2])
    if sum(data) > window.size:
        return Promise(length_ms, is_cut=True)
    is_consistent = container_ends.riff_size(window) == sum(data) + data[1] % 2 - 8
    return Promise(length_ms, is_exceeded=True) if is_consistent else NO_PROMISE


def _wave_fact_ms(window: Window, rate_hz: int) -> int | None:
    """Return the length by the count of samples that a WAV of another codec than PCM has."""
    for name, at, size in container_ends.riff_chunks(window):
        if name == b"data":
            break
        if name == b"fact" and size >= 4:
            n_samples = int.from_bytes(window.read(at, 4), "little")
            is_known = rate_hz and not container_ends.is_unknown_size(n_samples)
            return n_samples * MS_PER_S // rate_hz if is_known else None
    return None


def _of_w64(window: Window) -> Promise:
    """Chunks of Wave64 have names of 16 bytes, and sizes that include name and size."""
    at, bytes_per_s = 40, 0
    for _ in range(_MAX_CHUNKS):
        header = window.read(at, 24)
        size = int.from_bytes(header[16:], "little")
        if header.startswith(b"fmt "):
            bytes_per_s = int.from_bytes(window.read(at + 32, 4), "little")
        elif header.startswith(b"data"):
            is_cut = at + size > window.size and size < 1 << 62
            return Promise(_length_ms(size - 24, bytes_per_s), is_cut=True) if is_cut else NO_PROMISE
        if size < 24 or len(header) < 24:
            break
        at += size + -size % 8
    return NO_PROMISE


def _of_caf(window: Window) -> Promise:
    at, ms_per_byte = 8, 0.0
    for _ in range(_MAX_CHUNKS):
        header = window.read(at, 12)
        size = int.from_bytes(header[4:], "big", signed=True)
        if header.startswith(b"desc"):
            rate_hz, _, _, n_bytes, n_samples = struct.unpack(
                ">d4sIII", window.read(at + 12, 24).ljust(24, b"\0")
            )
            ms_per_byte = MS_PER_S * n_samples / rate_hz / n_bytes if n_bytes and rate_hz > 0 else 0.0
        elif header.startswith(b"data"):
            is_cut = at + 12 + size > window.size
            return Promise(round((size - 4) * ms_per_byte) or None, is_cut=True) if is_cut else NO_PROMISE
        if size < 0 or len(header) < 12:
            break
        at += 12 + size
    return NO_PROMISE


def _of_asf(window: Window) -> Promise:
    """Ffmpeg gives the length of a file that is cut off by its size; the header has it in units of 100 ns."""
    if not container_ends.is_cut(window):
        return NO_PROMISE
    properties = window.read(next(window.find(_ASF_PROPERTIES, 0), window.size), 104)
    if len(properties) < 104 or properties[88] & 1:  # being recorded: its lengths are not known yet
        return Promise(is_cut=True)
    length, _, preroll_ms = struct.unpack_from("<QQQ", properties, 64)
    return Promise(max(0, length // 10_000 - preroll_ms) or None, is_cut=True)


def _length_ms(n_bytes: int, bytes_per_s: int) -> int | None:
    return n_bytes * MS_PER_S // bytes_per_s if bytes_per_s else None


def _of_avi(window: Window, audio_track: int) -> Promise:
    is_cut = container_ends.is_cut(window)
    headers = list(_avi_sound(window))
    if audio_track >= len(headers) or len(headers[audio_track][0]) < 48 or len(headers[audio_track][1]) < 14:
        return Promise(is_cut=is_cut)
    header, form = headers[audio_track]
    scale, rate, _, length = struct.unpack_from("<IIII", header, 20)
    if not scale or not rate:
        return Promise(is_cut=is_cut)
    if length and (container_ends.is_unknown_size(length) or length == _AVI_UNKNOWN):
        return Promise(is_open=True)
    true_rate = _avi_rate(form, int.from_bytes(header[44:48], "little"))
    if true_rate and abs(rate / scale - true_rate) > _CLOCK_TOLERANCE * true_rate:
        return Promise(round(MS_PER_S * length / true_rate), is_cut, is_clock_wrong=True)
    return Promise(MS_PER_S * length * scale // rate or None, is_cut)


def _avi_rate(form: bytes, sample_bytes: int) -> float | None:
    """Return how many units of an AVI's clock a second of its sound has; None if only a decoder can tell."""
    kind, _, rate_hz, _, align = struct.unpack_from("<HHIIH", form)
    if kind in _PCM and sample_bytes and align:
        return float(rate_hz * align / sample_bytes)
    if kind == _MP3 and not sample_bytes and align in _MP3_SAMPLES:
        return float(rate_hz / align)
    return None


def _avi_sound(window: Window) -> Iterator[tuple[bytes, bytes]]:
    """Yield the stream header and the format of each audio track of an AVI."""
    for name, at, size in container_ends.riff_chunks(window):
        if name != b"LIST" or window.read(at, 4) != b"hdrl":
            continue
        for inner, inner_at, inner_size in container_ends.riff_chunks(window, at + 4, at + size):
            if inner != b"LIST" or window.read(inner_at, 4) != b"strl":
                continue
            chunks = {
                part: window.read(part_at, min(part_size, 64))
                for part, part_at, part_size in container_ends.riff_chunks(
                    window, inner_at + 4, inner_at + inner_size
                )
            }
            if chunks.get(b"strh", b"").startswith(b"auds"):
                yield chunks[b"strh"], chunks.get(b"strf", b"")
        return


def _of_flv(window: Window) -> Promise:
    """The script data of an FLV may give the size of the file."""
    head = window.read(0, _FLV_HEAD_BYTES)
    at = head.find(_FLV_SIZE)
    if at < 0 or len(head) < at + len(_FLV_SIZE) + 8:
        return NO_PROMISE
    return Promise(is_cut=struct.unpack_from(">d", head, at + len(_FLV_SIZE))[0] > window.size)
