"""Whether the sound of a file is encrypted, by its headers.

In goes a window that begins with a container; out comes the name of the protection, or "". Decrypts nothing
and has no keys. The places are those of the formats' specifications: ISO 23001-7 (CENC), Apple's and
Audible's sample entries, RFC 9559 (Matroska), ASF, ISO 13818-1 (scrambling in transport and programme
streams).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from qasr_cli.media import container_ends
from qasr_cli.media.byte_window import Window

_SAMPLE_ENTRIES = {b"enca": "common encryption", b"drms": "Apple FairPlay", b"aavd": "Audible"}
_STARTS = {
    b"CTENFDAM": "NetEase NCM",
    b"TiVo": "TiVo",
}
_PACK, _SYNC = b"\0\0\1\xba", b"\x47"  # of a programme stream and of a transport stream
_AUDIBLE_START = (4, b"\x57\x90\x75\x36")
_ASF_OBJECTS = {
    uuid.UUID("2211B3FB-BD23-11D2-B4B7-00A0C955FC6E").bytes_le,  # content encryption
    uuid.UUID("298AE614-2622-4C17-B935-DAE07EE9289C").bytes_le,  # extended content encryption
    uuid.UUID("43058533-6981-49E6-9B74-AD12CB86D58C").bytes_le,  # advanced content encryption
}
_MAX_BOXES = 10_000
_TRACKS, _TRACK, _TRACK_TYPE, _SOUND = 0x1654AE6B, 0xAE, 0x83, b"\x02"
_ENCODINGS, _ENCODING, _ENCRYPTION = 0x6D80, 0x6240, 0x5035
_STREAM_BYTES = 4 << 20  # of a transport or programme stream that are looked at
_MOSTLY = 0.5  # of the packets; the first of a broadcast may be clear
_PACKET_BYTES = 188
_SAMPLE_AES = {0xCF, 0xC1, 0xC2, 0xDB}  # stream types of HLS


def protection(window: Window, audio_track: int) -> str:
    """Return the protection of an audio track that a container's headers name; reads a few headers."""
    head = window.read(0, 16)
    if head.startswith(container_ends.EBML):
        return "Matroska encryption" if _is_matroska_encrypted(window, audio_track) else ""
    if head.startswith(container_ends.ASF):
        return "Windows Media DRM" if _is_asf_encrypted(window) else ""
    if head[4:8] in {b"ftyp", b"moov", b"wide", b"mdat", b"free", b"skip"}:
        return _isobmff_protection(window, audio_track)
    return ""


def may_be_scrambled(head: bytes) -> bool:
    """Whether `protection_of_undecodable` can find more in a file with these first 16 bytes."""
    at, marker = _AUDIBLE_START
    return head.startswith((*_STARTS, _PACK, _SYNC)) or head[at:].startswith(marker)


def protection_of_undecodable(window: Window) -> str:
    """Return the protection of a file that ffmpeg could not decode; reads up to 4 MB of packets."""
    head = window.read(0, 16)
    for start, name in _STARTS.items():
        if head.startswith(start):
            return name
    if head.startswith(_PACK):
        return "scrambled programme stream, as on DVDs" if _is_programme_scrambled(window) else ""
    return _transport_protection(window) if head.startswith(_SYNC) else "Audible"


def _isobmff_protection(window: Window, audio_track: int) -> str:
    sounds = 0
    for track in _boxes(window, (b"moov", b"trak")):
        inside = window.behind(track[0])
        length = track[1]
        kinds = [inside.read(at + 8, 4) for at, _ in _boxes(inside, (b"mdia", b"hdlr"), length)]
        if kinds != [b"soun"]:
            continue
        if sounds == audio_track:
            for at, size in _boxes(inside, (b"mdia", b"minf", b"stbl", b"stsd"), length):
                for name, _, _ in _box_headers(inside, at + 8, at + size):
                    if name in _SAMPLE_ENTRIES:
                        return _SAMPLE_ENTRIES[name]
        sounds += 1
    return ""


def _boxes(window: Window, names: tuple[bytes, ...], end: int | None = None) -> Iterator[tuple[int, int]]:
    """Yield `(offset of the content, size)` of the boxes on a path of names."""
    yield from _inner_boxes(window, names, 0, window.size if end is None else end)


def _inner_boxes(window: Window, names: tuple[bytes, ...], at: int, end: int) -> Iterator[tuple[int, int]]:
    for name, content, size in _box_headers(window, at, end):
        if name == names[0]:
            if len(names) == 1:
                yield content, size
            else:
                yield from _inner_boxes(window, names[1:], content, min(end, content + size))


def _box_headers(window: Window, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield `(name, offset of the content, its size)` of each box in `[at, end)`."""
    for _ in range(_MAX_BOXES):
        header = window.read(at, 16)
        if len(header) < 8 or at + 8 > end:
            return
        size, n_header = int.from_bytes(header[:4], "big"), 8
        if size == 1:
            size, n_header = int.from_bytes(header[8:], "big"), 16
        if size < n_header:
            return
        yield header[4:8], at + n_header, size - n_header
        at += size


def _is_matroska_encrypted(window: Window, audio_track: int) -> bool:
    sounds = 0
    for at, end in _elements(window, (container_ends.SEGMENT, _TRACKS, _TRACK), 0, window.size):
        kinds = [window.read(kind, 1) for kind, _ in _elements(window, (_TRACK_TYPE,), at, end)]
        if kinds != [_SOUND]:
            continue
        if sounds == audio_track:
            return any(_elements(window, (_ENCODINGS, _ENCODING, _ENCRYPTION), at, end))
        sounds += 1
    return False


def _elements(window: Window, names: tuple[int, ...], at: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of the content of each EBML element on a path of names, up to the first cluster."""
    for _ in range(_MAX_BOXES):
        found = container_ends.ebml_element(window, at) if at < end else None
        if found is None or found[0] == container_ends.CLUSTER:
            return
        name, content, size = found
        content_end = end if size is None else min(end, content + size)
        if name == names[0] and len(names) == 1:
            yield content, content_end
        elif name == names[0]:
            yield from _elements(window, names[1:], content, content_end)
        at = content_end


def _is_asf_encrypted(window: Window) -> bool:
    end, at = int.from_bytes(window.read(16, 8), "little"), 30
    for _ in range(_MAX_BOXES):
        header = window.read(at, 24)
        size = int.from_bytes(header[16:], "little")
        if len(header) < 24 or at >= end or size < 24:
            return False
        if header[:16] in _ASF_OBJECTS:
            return True
        at += size
    return False


def _transport_protection(window: Window) -> str:
    content = window.read(0, _STREAM_BYTES)
    packets = [content[at : at + _PACKET_BYTES] for at in range(0, len(content), _PACKET_BYTES)]
    scrambled = sum(packet[3] >> 6 > 1 for packet in packets if len(packet) > 3 and packet[:1] == _SYNC)
    if scrambled > _MOSTLY * len(packets):
        return "scrambled broadcast"
    return "SAMPLE-AES" if any(_is_sample_aes(packet) for packet in packets) else ""


def _is_sample_aes(packet: bytes) -> bool:
    """Whether a packet holds a programme's map with an encrypted stream."""
    if len(packet) < _PACKET_BYTES or not packet[1] & 0x40 or not packet[3] & 0x10:
        return False
    at = 5 + (1 + packet[4] if packet[3] & 0x20 else 0)
    section = packet[at + packet[at - 1] :] if at < len(packet) else b""
    if len(section) < 16 or section[0] != 2 or section[1] & 0xF0 != 0xB0:
        return False
    end = 3 + (int.from_bytes(section[1:3], "big") & 0xFFF) - 4
    at = 12 + (int.from_bytes(section[10:12], "big") & 0xFFF)
    while at + 5 <= min(end, len(section)):
        if section[at] in _SAMPLE_AES:
            return True
        at += 5 + (int.from_bytes(section[at + 3 : at + 5], "big") & 0xFFF)
    return False


def _is_programme_scrambled(window: Window) -> bool:
    """Whether most packets of sound and picture are marked as scrambled."""
    content = window.read(0, _STREAM_BYTES)
    n_packets = n_scrambled = 0
    at = content.find(b"\0\0\1")
    while 0 <= at < len(content) - 7:
        stream = content[at + 3]
        if stream == 0xBD or 0xC0 <= stream <= 0xEF:
            n_packets += 1
            n_scrambled += content[at + 6] & 0xC0 == 0x80 and content[at + 6] & 0x30 != 0
            at += 6 + int.from_bytes(content[at + 4 : at + 6], "big")
        else:
            at += 4
        at = content.find(b"\0\0\1", at)
    return n_scrambled > 0 and n_scrambled * 8 >= n_packets  # a disc scrambles a share of them only
