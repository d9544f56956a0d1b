"""The recordings in a file: most files have one, and `cat a.webm b.webm` makes a file of two.

In goes a path; out come the extents of its recordings, and how many bytes behind the last one belong to none.
ffmpeg reads the first header only, and takes the times of a second recording for those of the first. Never
raises: a file that cannot be read has one recording, and the reason is ffmpeg's error.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from qasr_cli.media import byte_window, container_ends, signatures
from qasr_cli.media.byte_window import Extent, Window

# Each costs a process of ffmpeg. Icecast begins one with each song; a crafted file could begin millions.
_MAX_RECORDINGS = 1_000
_TAIL_BYTES = 4096  # behind the end: an editor's padding, a short tag, the rest of a block of the disk
_MAX_BLOCKS = 1_000_000  # of half a second each
_PROBES = 16  # places at which bytes behind the end are read to see whether all are zero
_TAGS = (b"TAG", b"APETAGEX", b"ID3", b"LYRICSBEGIN", b"3DI")
_ID3V1_BYTES = 128
_APE_BYTES = 32  # of a header or a footer
_LYRICS_END_BYTES = 15
_LYRICS_BYTES = 5_200  # the longest Lyrics3 of the first kind
# Of kinds that end with their file
_MARKERS = (
    *(b"#!AMR\n", b"#!AMR-WB\n", b"Creative Voice File\x1a", b"NIST_1A\n", b".RMF\0\0\0\x12"),
    b"MPCKSH",
)
_WAVPACK_FIRST = 0x800  # flag of the first of the blocks of one moment


@dataclass(frozen=True, slots=True)
class Recordings:
    """What is in a file.

    Attributes:
        extents: The recordings in the order of the file; at least one.
        n_unread: Bytes behind them that are neither tags nor zeros nor media.
        is_whole_file: There is one recording, and ffmpeg can be given the file as it is.
    """

    extents: tuple[Extent, ...]
    n_unread: int = 0
    is_whole_file: bool = True


def find(path: Path) -> Recordings:
    """Return the recordings in a file."""
    with contextlib.suppress(OSError), byte_window.opened(path) as window:
        return _find(window)
    return Recordings((Extent(0, 0),))


def _find(window: Window) -> Recordings:
    n_tags = _tail_tag_bytes(window)
    found = _split(window.until(window.size - n_tags))
    return Recordings(found.extents, is_whole_file=False) if n_tags else found


def _split(window: Window) -> Recordings:
    extents: list[Extent] = []
    start = 0
    while len(extents) < _MAX_RECORDINGS:
        inside = window.behind(start)
        if length := _wave_length(inside):
            piece = inside.until(length)
            extents.append(Extent(start, start + length, is_length_wrong=_is_length_wrong(piece)))
            start += length
            continue
        if _is_wave(inside) and _is_length_wrong(inside):
            extents.append(Extent(start, window.size, is_length_wrong=True))
            return Recordings(tuple(extents), is_whole_file=False)
        length, n_unread = _next(inside)
        if length is None:
            extents.append(Extent(start, window.size))
            return Recordings(tuple(extents), n_unread, is_whole_file=len(extents) == 1)
        extents.append(Extent(start, start + length))
        start += length
    is_chained = window.read(0, 4) == b"OggS"  # which ffmpeg can follow itself
    rest = (Extent(start, window.size),) if is_chained else ()
    return Recordings((*extents, *rest), 0 if is_chained else window.size - start, is_whole_file=False)


def _next(window: Window) -> tuple[int | None, int]:
    """Return where the next recording begins, or None and how many bytes belong to no recording."""
    tag = container_ends.id3_bytes(window)
    head = window.read(tag, 32)
    for start, find_next in _SCANNED.items():
        if head.startswith(start):
            return next(iter(find_next(window, tag)), None), 0
    end = container_ends.end_of(window)
    if end is None:
        is_framed = bool(tag) or signatures.is_framed_audio(window.read(0, signatures.HEAD_BYTES))
        return (next(_tagged(window, tag), None) if is_framed else None), 0
    if end >= window.size:
        return None, 0
    if _begins_media(window.behind(end)):
        return end, 0
    # The index of an MP4 tells where its samples are, whatever the sizes of its boxes are
    is_unread = not container_ends.is_isobmff(window) and _is_content(window.behind(end))
    return None, window.size - end if is_unread else 0


def _begins_media(window: Window) -> bool:
    tag = container_ends.id3_bytes(window)
    return signatures.is_media(window.read(tag, signatures.HEAD_BYTES))


def _is_content(window: Window) -> bool:
    """Whether a window has something that may be sound: neither tags nor zeros, and more than a little."""
    if window.size <= _TAIL_BYTES or window.read(0, 16).startswith(_TAGS):
        return False
    places = range(0, window.size - 256, max(1, (window.size - 256) // _PROBES))
    return any(window.read(at, 256).strip(b"\0") for at in places)


def _tail_tag_bytes(window: Window) -> int:
    """Return the length of tags behind mp3 or AAC, if one is among them that ffmpeg takes for frames."""
    head = window.read(0, signatures.HEAD_BYTES)
    if not container_ends.id3_bytes(window) and not signatures.is_framed_audio(head):
        return 0
    end = window.size - _ID3V1_BYTES if window.read(window.size - _ID3V1_BYTES, 3) == b"TAG" else window.size
    begin = end
    while (size := _ape_bytes(window, begin) or _lyrics_bytes(window, begin)) and size <= begin:
        begin -= size
    return window.size - begin if begin < end else 0


def _ape_bytes(window: Window, end: int) -> int:
    """Return the length of the APE tag that ends at an offset; 0 without one."""
    footer = window.read(end - _APE_BYTES, _APE_BYTES)
    if not footer.startswith(b"APETAGEX"):
        return 0
    has_header = footer[23] & 0x80
    return int.from_bytes(footer[12:16], "little") + (_APE_BYTES if has_header else 0)


def _lyrics_bytes(window: Window, end: int) -> int:
    """Return the length of the Lyrics3 tag that ends at an offset; 0 without one."""
    footer = window.read(end - _LYRICS_END_BYTES, _LYRICS_END_BYTES)
    if footer.endswith(b"LYRICS200") and footer[:6].isdigit():
        return _LYRICS_END_BYTES + int(footer[:6])
    if not footer.endswith(b"LYRICSEND"):
        return 0
    start = max(0, end - _LYRICS_BYTES)
    at = window.read(start, end - start).rfind(b"LYRICSBEGIN")
    return end - start - at if at >= 0 else 0


def _tagged(window: Window, at: int) -> Iterator[int]:
    """Yield where a tag begins that is followed by frames: mp3 and AAC have no other header."""
    for found in window.find(b"ID3", max(1, at)):
        behind = window.behind(found)
        if container_ends.id3_bytes(behind) and _begins_media(behind):
            yield found


def _flac(window: Window, at: int) -> Iterator[int]:
    """Yield where a marker is followed by stream information, which has a fixed size."""
    for found in window.find(b"fLaC", at + 4):
        if window.read(found + 4, 4) in {b"\0\0\0\x22", b"\x80\0\0\x22"}:
            yield found


def _ogg(window: Window, at: int) -> Iterator[int]:
    """Yield where streams begin behind pages of others: streams that begin together are one recording."""
    together = at
    for found in window.find(b"OggS\x00\x02", at):
        head = window.read(found, 27 + 255)
        if len(head) < 27:
            return
        if found != together:
            yield found
        together = found + 27 + head[26] + sum(head[27 : 27 + head[26]])


def _flv(window: Window, at: int) -> Iterator[int]:
    for found in window.find(b"FLV\x01", at + 4):
        if window.read(found + 5, 8) == b"\0\0\0\x09\0\0\0\0":
            yield found


def _tta(window: Window, at: int) -> Iterator[int]:
    for found in window.find(b"TTA1", at + 4):
        head = window.read(found, 22)
        if len(head) == 22 and zlib.crc32(head[:18]) == int.from_bytes(head[18:], "little"):
            yield found


def _marked(marker: bytes) -> Callable[[Window, int], Iterator[int]]:
    """Return a search for a file's marker, which is long enough not to be there by chance."""
    return lambda window, at: window.find(marker, at + 1)


def _wavpack(window: Window, at: int) -> Iterator[int]:
    """Yield where the count of samples begins anew; each block has its size and its place."""
    has_begun = False
    for _ in range(_MAX_BLOCKS):
        head = window.read(at, 32)
        if len(head) == 32 and head[:4] == b"wvpk":
            is_first = head[16:20] == b"\0\0\0\0" and head[25] << 8 & _WAVPACK_FIRST
            if is_first and has_begun:
                yield at
            has_begun = has_begun or not is_first
            at += 8 + int.from_bytes(head[4:8], "little")
        elif len(head) == 32 and head.startswith((b"APETAGEX", b"TAG")):
            at = next(window.find(b"wvpk", at), window.size)
        else:
            return


_SCANNED: dict[bytes, Callable[[Window, int], Iterator[int]]] = {
    b"fLaC": _flac,
    b"OggS": _ogg,
    b"FLV\x01": _flv,
    b"TTA1": _tta,
    b"wvpk": _wavpack,
    **{marker: _marked(marker) for marker in _MARKERS},
}


def _is_wave(window: Window) -> bool:
    head = window.read(0, 12)
    return head[:4] == b"RIFF" and head[8:] == b"WAVE"


def _wave_length(window: Window) -> int | None:
    """Return where the next WAV begins behind one that does not know its length or does not have it."""
    data = container_ends.wave_data(window) if _is_wave(window) else None
    if data is None:
        return None
    is_unknown = container_ends.is_unknown_size(data[1])
    if not is_unknown and sum(data) <= window.size and not _is_length_wrong(window):
        return None
    for found in window.find(b"WAVEfmt ", data[0] + 8):
        if window.read(found - 8, 4) in {b"RIFF", b"RF64", b"BW64"}:
            return found - 8
    return None


def _is_length_wrong(window: Window) -> bool:
    """Whether samples go on behind the data chunk: a recorder that lost power leaves an old size there.

    Behind the data there may be other chunks, other media, tags or a little padding.
    """
    data = container_ends.wave_data(window)
    if data is None or container_ends.is_unknown_size(data[1]):
        return False
    end = sum(data) + data[1] % 2
    rest = window.behind(end)
    return (
        end < window.size
        and not container_ends.is_name(rest.read(0, 4))
        and _is_content(rest)
        and not _begins_media(rest)
    )
