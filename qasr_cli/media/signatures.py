"""File signatures: detects media in a folder by the first bytes, and what certainly is no media.

In go bytes; out comes yes or no. Opens nothing and guarantees nothing: whether a file really is media shows
when it is decoded. The byte patterns are from the formats' specifications, as listed in the `file` program's
magic and in ffmpeg's probes.
"""

from __future__ import annotations

import codecs

HEAD_BYTES = 4096  # holds two of the longest MPEG audio frames (1441 bytes), and 21 transport packets

_STARTS = (
    b"\x1a\x45\xdf\xa3",  # EBML: Matroska, WebM
    *(b"OggS", b"fLaC", b"ID3", b"FLV\x01", b"caff", b".snd", b"#!AMR", b"MAC ", b"wvpk", b"TTA1", b".RMF"),
    b"riff\x2e\x91\xcf\x11",  # Wave64
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF: wmv, wma
    *(b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3"),  # MPEG programme stream and video
    b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01",  # MXF
    *(b"\x7f\xfe\x80\x01", b"\xfe\x7f\x01\x80", b"\x1f\xff\xe8\x00", b"\xff\x1f\x00\xe8"),  # DTS
    *(b"\x64\x58\x20\x25", b"DTSHDHDR"),  # DTS Express, DTS-HD
    b"\xb7\xd8\x00\x20\x37\x49\xda\x11\xa6\x4e\x00\x07\xe9\x5e\xad\x8d",  # WTV
    *(b"\x1f\x07\x00\x3f", b"\x1f\x07\x00\xbf"),  # DV's first block, of 525 and 625 lines
    *(b"Creative Voice File\x1a", b"NIST_1A\n", b"\x02dss", b"\x03dss", b"EA3\x01", b"ea3\x03"),
    *(b"MP+", b"MPCK", b"tBaK", b"DSD \x1c", b"ADIF", b".ra\xfd"),
)
_RIFF_KINDS = {b"WAVE", b"AVI ", b"QLCM", b"CDXA"}  # QCP; a Video CD's track
_MLP_SYNCS = {b"\xf8\x72\x6f\xba", b"\xf8\x72\x6f\xbb"}  # TrueHD, MLP: after four bytes
# First bytes of files that lie about and are no media: programs, pictures, archives, documents, databases.
_OTHER_STARTS = (
    *(b"\x7fELF", b"MZ", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"!<arch>\n", b"\0asm", b"\xa7\r\r\n"),
    *(b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"8BPS", b"\0\0\x01\0", b"qoif"),
    *(
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"\x1f\x8b",
        b"BZh",
        b"\xfd7zXZ\0",
        b"7z\xbc\xaf",
        b"Rar!",
        b"\x28\xb5\x2f\xfd",
    ),
    *(
        b"%PDF",
        b"{\\rtf",
        b"\xd0\xcf\x11\xe0",
        b"SQLite format 3\0",
        b"OTTO",
        b"wOFF",
        b"wOF2",
        b"\0\x01\0\0\0",
    ),
)
_BOXES = {b"moov", b"mdat", b"wide", b"free", b"skip"}  # first boxes of QuickTime files without `ftyp`
_PICTURE_BRANDS = {b"avif", b"avis", b"heic", b"heix", b"heim", b"mif1", b"msf1", b"crx "}
# Of a transport stream, of Blu-ray's with a time stamp before each, of one with error correction after each.
_PACKET_BYTES = (188, 192, 204)
_SYNC = 0x47
_GSM_FRAME_BYTES = 33
_MIN_GSM_FRAMES = 10  # 0.2 s; by chance: 16 ** -10


def is_media(head: bytes) -> bool:
    """Whether `head`, a file's first `HEAD_BYTES`, has the signature of audio or video."""
    if head.startswith(_STARTS):
        return not is_text(head)  # "MAC addresses of the house"
    if head[:4] in {b"RIFF", b"RIFX", b"RF64", b"BW64"}:
        return head[8:12] in _RIFF_KINDS
    if head[:4] == b"FORM":
        return head[8:12] in {b"AIFF", b"AIFC"}
    if head[4:8] == b"ftyp":
        return head[8:12] not in _PICTURE_BRANDS
    if head[4:8] in _BOXES or head[4:8] in _MLP_SYNCS:
        return True
    return _is_transport_stream(head) or is_framed_audio(head) or _is_gsm(head)


def is_known_other(head: bytes) -> bool:
    """Whether `head` certainly is no media: empty, text (UTF-8, UTF-16), a program, picture or archive."""
    if not head or is_text(head) or head[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
        return True
    is_picture = head[8:12] == b"WEBP" or head[4:8] == b"ftyp"
    return is_picture or head.startswith(_OTHER_STARTS) or head[257:262] == b"ustar"


def is_text(head: bytes) -> bool:
    """Whether `head` is UTF-8 text without control characters; an empty file is not text."""
    try:
        text, _ = codecs.utf_8_decode(head)  # a character cut off at the end of the head is still text
    except UnicodeDecodeError:
        return False
    return bool(text) and not any(char < " " and char not in "\t\n\r\f" for char in text)


def _is_transport_stream(head: bytes) -> bool:
    for size in _PACKET_BYTES:
        first = 4 if size == 192 else 0
        syncs = head[first::size][:4]
        if len(syncs) == 4 and set(syncs) == {_SYNC}:
            return True
    return False


def _is_gsm(head: bytes) -> bool:
    """Whether all frames of GSM 06.10, which has no header, begin with the magic of RFC 3551, 4.5.8.1."""
    magics = head[::_GSM_FRAME_BYTES]
    return len(magics) >= _MIN_GSM_FRAMES and all(byte >> 4 == 0xD for byte in magics)


def is_framed_audio(head: bytes) -> bool:
    """Whether two frames of mp3, AAC (ADTS) or AC-3 follow each other; one sync word alone is chance."""
    length = _frame_bytes(head)
    return length > 0 and _frame_bytes(head[length:]) > 0


# kbit/s by (whether it is MPEG-1, layer), for the header's 1 to 14 (ISO 11172-3, 13818-3)
_KBPS = {
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES_HZ = (44_100, 48_000, 32_000)  # of MPEG-1; half of it in MPEG-2, a quarter in MPEG-2.5
_AC3_KBPS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
_AC3_RATES_HZ = (48_000, 44_100, 32_000)


def _frame_bytes(frame: bytes) -> int:
    """Return the frame length in a frame's header, or 0 without a header."""
    if len(frame) < 6:
        return 0
    if frame[:2] == b"\x0b\x77":  # ATSC A/52, 5.3
        return _ac3_frame_bytes(frame)
    if frame[0] == 0x56 and frame[1] & 0xE0 == 0xE0:  # LATM in LOAS: ISO 14496-3, 1.7.2
        return 3 + ((frame[1] & 0x1F) << 8 | frame[2])
    if frame[0] == 0xFF and frame[1] & 0xF6 == 0xF0:  # ADTS: ISO 13818-7
        return (frame[3] & 3) << 11 | frame[4] << 3 | frame[5] >> 5
    if frame[0] == 0xFF and frame[1] & 0xE0 == 0xE0:
        return _mpeg_frame_bytes(frame)
    return 0


def _ac3_frame_bytes(frame: bytes) -> int:
    if frame[5] >> 3 > 10:  # E-AC-3: annex E, E.1.2
        return (((frame[2] & 7) << 8 | frame[3]) + 1) * 2
    rate, size = frame[4] >> 6, (frame[4] & 0x3F) >> 1
    is_right = rate < 3 and size < len(_AC3_KBPS)
    return _AC3_KBPS[size] * 1000 * 1536 // _AC3_RATES_HZ[rate] // 16 * 2 if is_right else 0


def _mpeg_frame_bytes(frame: bytes) -> int:
    version, layer = frame[1] >> 3 & 3, 4 - (frame[1] >> 1 & 3)
    kbps, rate = frame[2] >> 4, frame[2] >> 2 & 3
    if version == 1 or layer == 4 or kbps in {0, 15} or rate == 3:
        return 0
    is_first = version == 3
    bits_per_s = _KBPS[is_first, layer][kbps - 1] * 1000
    rate_hz = _RATES_HZ[rate] // {3: 1, 2: 2, 0: 4}[version]
    padding = frame[2] >> 1 & 1
    if layer == 1:
        return (12 * bits_per_s // rate_hz + padding) * 4
    n_samples = 576 if layer == 3 and not is_first else 1152
    return n_samples // 8 * bits_per_s // rate_hz + padding
