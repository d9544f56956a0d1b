"""Where a container ends by its own headers.

In goes a window that begins with a container; out comes the offset behind it, past the window's end if
the file is cut off. Follows sizes from header to header and decodes nothing. The layouts are those of the
formats' specifications: RIFF and its 64-bit kinds (EBU 3306), AIFF, CAF, AU, Matroska (RFC 9559), ASF,
ISO 14496-12.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from qasr_cli.media.byte_window import Window

EBML = b"\x1a\x45\xdf\xa3"
ASF = bytes.fromhex("3026B2758E66CF11A6D900AA0062CE6C")
W64 = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_MAX_HEADERS = 1_000_000  # a film of a day in fragments of a tenth of a second
# A program that writes to a pipe cannot know the size and writes the largest one that it can, less the bytes
# of its headers or a round figure: 0xffffffff, 0x7fffffff, 0x80000000, 0x7ffff000 and their neighbours.
_UNKNOWN_NEAR = (0x7FFF_FFFF, 0xFFFF_FFFF)
_UNKNOWN_RANGE = 1 << 16
_ID3_BYTES = 10  # of its header, and of its footer
_MAX_FILE_TYPE_BYTES = 256
_EBML_DOCTYPES = (b"\x42\x82\x88matroska", b"\x42\x82\x84webm")
_HEADER = int.from_bytes(EBML, "big")
SEGMENT = 0x18538067
CLUSTER = 0x1F43B675
_TOP_LEVEL = {
    *(0x114D9B74, 0x1549A966, 0x1654AE6B, CLUSTER, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367),
    *(0xEC, 0xBF, _HEADER),  # void, checksum
}


def is_unknown_size(size: int) -> bool:
    """Whether a 32-bit size stands for an unknown one."""
    return size == 0 or any(abs(size - unknown) <= _UNKNOWN_RANGE for unknown in _UNKNOWN_NEAR)


def end_of(window: Window) -> int | None:
    """Return the offset behind the container at the start of a window; None if its headers do not give it."""
    head = window.read(0, 16)
    for start, ends in _KINDS.items():
        if head.startswith(start):
            return ends(window)
    return _isobmff_end(window) if is_isobmff(window) else None


def is_isobmff(window: Window) -> bool:
    """Whether a window begins with the first box of an MP4 or a QuickTime file."""
    return window.read(4, 4) in {b"ftyp", b"moov", b"wide"}


def riff_chunks(window: Window, at: int = 12, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Yield `(name, offset of the content, size)` of each chunk in a RIFF or its list.

    It ends at what is no chunk: its name is not printable.
    """
    end = window.size if end is None else min(end, window.size)
    for _ in range(_MAX_HEADERS):
        header = window.read(at, 8)
        if at + 8 > end or not is_name(header[:4]):
            return
        size = int.from_bytes(header[4:], "little")
        yield header[:4], at + 8, size
        at += 8 + size + size % 2


def is_name(name: bytes) -> bool:
    """Whether four bytes can be the name of a chunk or a box: printable, or with Apple's copyright sign."""
    return len(name) == 4 and all(0x20 <= char < 0x7F or char == 0xA9 for char in name)


def is_cut(window: Window) -> bool:
    """Whether a container is longer than its window by its headers."""
    end = end_of(window)
    return end is not None and end > window.size


def id3_bytes(window: Window) -> int:
    """Return the length of the ID3v2 tag at the start of a window; 0 without one."""
    head = window.read(0, _ID3_BYTES)
    if len(head) < _ID3_BYTES or head[:3] != b"ID3" or not 2 <= head[3] <= 4 or max(head[6:10]) >= 0x80:
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    footer = _ID3_BYTES if head[5] & 0x10 else 0
    return _ID3_BYTES + size + footer


def riff_size(window: Window) -> int | None:
    """Return the size in a RIFF's header, without the header; None if it is unknown."""
    head = window.read(0, 36)
    if head[:4] != b"RIFF" and head[12:16] == b"ds64" and len(head) == 36:
        return int(struct.unpack_from("<Q", head, 20)[0]) or None
    size = int.from_bytes(head[4:8], "little")
    return None if is_unknown_size(size) else size


def _riff_end(window: Window) -> int | None:
    size = riff_size(window)
    if size is None:
        return None
    end = 8 + size + size % 2
    for _ in range(_MAX_HEADERS):  # an AVI of more than 1 GB goes on in further lists
        head = window.read(end, 12)
        if head[:4] != b"RIFF" or head[8:] != b"AVIX":
            break
        end += 8 + int.from_bytes(head[4:8], "little")
    if window.read(8, 4) == b"WAVE":
        data = wave_data(window)
        if data and is_unknown_size(data[1]):
            return None
        end = max(end, sum(data) if data else 0)
    return end if end != window.size + 1 else end - 1  # the last byte only fills up to an even size


def wave_data(window: Window) -> tuple[int, int] | None:
    """Return offset and size of the samples in a WAV as its header gives them; None without samples."""
    for name, at, size in riff_chunks(window):
        if name == b"data":
            return at, _size_64(window) if size == 0xFFFF_FFFF else size
    return None


def _size_64(window: Window) -> int:
    """Return the size of a RF64's samples, which its first chunk holds; or the mark of an unknown size."""
    head = window.read(12, 32)
    size = int.from_bytes(head[16:24], "little") if head[:4] == b"ds64" and len(head) == 32 else 0
    return size or 0xFFFF_FFFF


def _w64_end(window: Window) -> int | None:
    size = int.from_bytes(window.read(16, 8), "little")
    return size if 40 < size < 1 << 62 else None


def _form_end(window: Window) -> int | None:
    size = int.from_bytes(window.read(4, 4), "big")
    return None if is_unknown_size(size) else 8 + size


def _au_end(window: Window) -> int | None:
    offset, size = struct.unpack(">II", window.read(4, 8).ljust(8, b"\0"))
    return None if is_unknown_size(size) else offset + size


def _caf_end(window: Window) -> int | None:
    at = 8
    for _ in range(_MAX_HEADERS):
        header = window.read(at, 12)
        if len(header) < 12 or not is_name(header[:4]) or header[:4] == b"caff":
            break
        size = int.from_bytes(header[4:], "big", signed=True)
        if size < 0:  # until the file's end
            return None
        at += 12 + size
    return at


def _asf_end(window: Window) -> int | None:
    at = 0
    for _ in range(_MAX_HEADERS):
        header = window.read(at, 24)
        if len(header) < 24 or (at and header.startswith(ASF)):
            break
        size = int.from_bytes(header[16:], "little")
        if size < 24 or (at and size <= 50) or size >= 1 << 62:  # the data of a live recording
            return next(window.find(ASF, at + 24), None)
        at += size
    return at


def _boxes(window: Window) -> Iterator[tuple[int, bytes, int]]:
    """Yield offset, name and size of each box; a size below 8 stands for the rest of the file."""
    at = 0
    for _ in range(_MAX_HEADERS):
        header = window.read(at, 16)
        name = header[4:8]
        if not is_name(name):
            return
        size = int.from_bytes(header[:4], "big")
        if size == 1:
            size = int.from_bytes(header[8:], "big")
        yield at, name, size
        at += size


def _isobmff_end(window: Window) -> int | None:
    """Return where the next file's first box is, or the boxes end; None if they do not give it."""
    end = last = index_end = 0
    is_data_first = has_data = False
    for at, name, size in _boxes(window):
        if at and name == b"ftyp" and (index_end or has_data):
            return at
        if name == b"moov" and index_end:
            return index_end if is_data_first else at
        if size < 8:
            return None
        if name == b"moov":
            index_end, is_data_first = at + size, has_data
        has_data |= name == b"mdat"
        last, end = at, at + size
    if end == window.size:
        return end
    # A file that was cut off: the next one begins within its last box
    found = (place - 4 for place in window.find(b"ftyp", last + 8))
    return next((place for place in found if _is_file_type(window, place)), end if index_end else None)


def _is_file_type(window: Window, at: int) -> bool:
    size, brand = struct.unpack(">I4x4s", window.read(at, 12).ljust(12, b"\0"))
    return 16 <= size <= _MAX_FILE_TYPE_BYTES and size % 4 == 0 and is_name(brand)


def _matroska_end(window: Window) -> int | None:
    end, last, is_certain = _sized_matroska_end(window)
    if is_certain:
        return end
    # What was cut off, or has no sizes, lasts until the next one begins
    others = (place for place in window.find(EBML, last + 1) if _is_ebml(window, place))
    return next((place for place in others if end is None or place < end), end)


def _sized_matroska_end(window: Window) -> tuple[int | None, int, bool]:
    """Return where the file ends by its sizes, its last element, and whether the end is certain."""
    at = last = 0
    for _ in range(_MAX_HEADERS):
        found = ebml_element(window, at)
        if found is None:
            break
        name, content, size = found
        if name == _HEADER and at:
            return at, last, True
        if name == SEGMENT and size is not None:
            end = content + size
            return end, last, end == window.size or _is_ebml(window, end)
        if name != SEGMENT and (name not in _TOP_LEVEL or size is None):  # a live cluster, or damage
            break
        last, at = at, content + (size or 0)
    return at if at >= window.size else None, last, at == window.size


def _is_ebml(window: Window, at: int) -> bool:
    head = window.read(at, 80)
    return head.startswith(EBML) and any(doctype in head for doctype in _EBML_DOCTYPES)


def ebml_element(window: Window, at: int) -> tuple[int, int, int | None] | None:
    """Return `(name, offset of the content, size)` of an EBML element; the size is None if it is unknown."""
    head = window.read(at, 12)
    n_name = 9 - head[0].bit_length() if head and head[0] else 9
    if n_name > 4 or len(head) <= n_name or not head[n_name]:
        return None
    n_size = 9 - head[n_name].bit_length()
    raw = head[n_name : n_name + n_size]
    if len(raw) < n_size:
        return None
    mask = (1 << 7 * n_size) - 1
    size = int.from_bytes(raw, "big") & mask
    return int.from_bytes(head[:n_name], "big"), at + n_name + n_size, None if size == mask else size


_KINDS: dict[bytes, Callable[[Window], int | None]] = {
    EBML: _matroska_end,
    ASF: _asf_end,
    W64: _w64_end,
    b"RIFF": _riff_end,
    b"RF64": _riff_end,
    b"BW64": _riff_end,
    b"FORM": _form_end,
    b".snd": _au_end,
    b"caff": _caf_end,
}
