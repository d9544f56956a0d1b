"""Encrypted sound is called encrypted, and never decoded to noise; sound in the clear is decoded.

The files are made by ffmpeg, and then encrypted by it or turned into what a protected file looks like.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest

from qasr_cli.errors import ExitCode, UndecodableError
from qasr_cli.media import decode
from qasr_cli.options import MediaOptions
from tests.e2e.conftest import ECHO, Qasr
from tests.media_factory import ffmpeg, find_clicks_ms, make_click, make_film

KEY = [
    *("-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "00112233445566778899aabbccddeeff"),
    *("-encryption_kid", "11" * 16),
]
CONTENT_ENCRYPTION = bytes.fromhex("FBB3112223BDD211B4B700A0C955FC6E")


@pytest.fixture(scope="module")
def click(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_click(tmp_path_factory.mktemp("encrypted") / "click.wav")


def heard(path: Path) -> np.ndarray:
    with decode.open_audio(path, MediaOptions()) as audio:
        samples = np.concatenate(list(audio))
        assert audio.warnings == ()
    return samples


def refused(path: Path) -> str:
    with pytest.raises(UndecodableError) as caught:
        heard(path)
    assert caught.value.exit_code == ExitCode.DATA
    assert "without protection" in caught.value.hint
    return caught.value.reason


def replaced(path: Path, old: bytes, new: bytes, behind: bytes = b"") -> Path:
    content = path.read_bytes()
    at = content.index(old, content.index(behind))
    path.write_bytes(content[:at] + new + content[at + len(old) :])
    return path


@pytest.mark.parametrize("codec", ["aac", "libopus", "flac"])
def test_common_encryption(click: Path, tmp_path: Path, codec: str) -> None:
    """Opus and others decode from noise without an error."""
    ffmpeg("-i", click, "-c:a", codec, "-strict", -2, *KEY, tmp_path / "a.mp4")
    assert refused(tmp_path / "a.mp4") == "its sound is encrypted (common encryption)"


@pytest.mark.parametrize(("entry", "name"), [(b"drms", "Apple FairPlay"), (b"aavd", "Audible")])
def test_sample_entries_of_shops(click: Path, tmp_path: Path, entry: bytes, name: str) -> None:
    ffmpeg("-i", click, "-c:a", "aac", tmp_path / "a.m4a")
    assert (
        refused(replaced(tmp_path / "a.m4a", b"mp4a", entry, b"stsd")) == f"its sound is encrypted ({name})"
    )


def test_a_film_whose_picture_alone_is_encrypted_is_decoded(click: Path, tmp_path: Path) -> None:
    make_film(tmp_path / "a.mp4", click, "-c:v", "mpeg4", "-c:a", "aac")
    replaced(tmp_path / "a.mp4", b"mp4v", b"encv", b"stsd")
    assert len(find_clicks_ms(heard(tmp_path / "a.mp4"))) == 1


def test_only_the_track_asked_for_counts(click: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    ffmpeg("-i", click, "-map", 0, "-map", 0, "-c:a", "aac", path)
    content = path.read_bytes()
    at = content.rindex(b"mp4a", 0, content.rindex(b"esds"))
    path.write_bytes(content[:at] + b"enca" + content[at + 4 :])
    assert len(find_clicks_ms(heard(path))) == 1
    with (
        pytest.raises(UndecodableError, match="encrypted"),
        decode.open_audio(path, MediaOptions(audio_track=1)),
    ):
        pass


def test_matroska(click: Path, tmp_path: Path) -> None:
    """The encryption of a track is an element of it; here it takes the place of the codec's private data."""
    ffmpeg("-i", click, "-c:a", "flac", tmp_path / "a.mka")
    content = (tmp_path / "a.mka").read_bytes()
    at = content.index(b"\x63\xa2", content.index(b"A_FLAC"))  # CodecPrivate
    size = content[at + 2] & 0x7F
    inner = size + 3 - 3 - 3 - 3  # under ContentEncodings, ContentEncoding and ContentEncryption
    encrypted = b"\x6d\x80" + bytes([0x80 | (inner + 6)]) + b"\x62\x40" + bytes([0x80 | (inner + 3)])
    encrypted += (
        b"\x50\x35" + bytes([0x80 | inner]) + b"\xec" + bytes([0x80 | (inner - 2)]) + b"\0" * (inner - 2)
    )
    assert len(encrypted) == size + 3
    (tmp_path / "a.mka").write_bytes(content[:at] + encrypted + content[at + size + 3 :])
    assert refused(tmp_path / "a.mka") == "its sound is encrypted (Matroska encryption)"


def test_windows_media(click: Path, tmp_path: Path) -> None:
    ffmpeg("-i", click, "-c:a", "wmav2", tmp_path / "a.wma")
    content = (tmp_path / "a.wma").read_bytes()
    (size,) = struct.unpack_from("<Q", content, 16)
    (count,) = struct.unpack_from("<I", content, 24)
    more = CONTENT_ENCRYPTION + struct.pack("<Q", 40) + bytes(16)
    header = bytearray(content[:size])
    struct.pack_into("<Q", header, 16, size + len(more))
    struct.pack_into("<I", header, 24, count + 1)
    (tmp_path / "a.wma").write_bytes(bytes(header) + more + content[size:])
    assert refused(tmp_path / "a.wma") == "its sound is encrypted (Windows Media DRM)"


def scrambled(content: bytearray, packet_id: int) -> bytes:
    """Scramble the payload of a transport stream's packets, and say so in their headers."""
    for at in range(0, len(content), 188):
        if (content[at + 1] & 0x1F) << 8 | content[at + 2] == packet_id:
            content[at + 3] |= 0x80
            content[at + 12 : at + 188] = os.urandom(176)
    return bytes(content)


def test_a_scrambled_broadcast(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "anoisesrc=d=3", "-c:a", "mp2", "-b:a", "192k", tmp_path / "a.ts")
    (tmp_path / "a.ts").write_bytes(scrambled(bytearray((tmp_path / "a.ts").read_bytes()), 0x100))
    assert refused(tmp_path / "a.ts") == "its sound is encrypted (scrambled broadcast)"


def test_a_scrambled_dvd(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "anoisesrc=d=3", "-c:a", "ac3", "-f", "dvd", tmp_path / "a.vob")
    content = bytearray((tmp_path / "a.vob").read_bytes())
    at = content.find(b"\0\0\1\xbd")
    while at >= 0:
        end = at + 6 + int.from_bytes(content[at + 4 : at + 6], "big")
        content[at + 6] |= 0x10
        content[at + 24 : end] = os.urandom(end - at - 24)
        at = content.find(b"\0\0\1\xbd", end)
    (tmp_path / "a.vob").write_bytes(content)
    assert refused(tmp_path / "a.vob") == "its sound is encrypted (scrambled programme stream, as on DVDs)"


def checksum(section: bytes) -> bytes:
    """Return the CRC of a section of a transport stream (ISO 13818-1, annex A)."""
    crc = 0xFFFFFFFF
    for byte in section:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc.to_bytes(4, "big")


def test_sample_aes(tmp_path: Path) -> None:
    """A segment of an HLS stream: the map of its programme names the kind, and the frames are encrypted."""
    path = tmp_path / "a.ts"
    ffmpeg("-f", "lavfi", "-i", "anoisesrc=d=3", "-c:a", "aac", "-b:a", "128k", path)
    content = bytearray(path.read_bytes())
    for at in range(0, len(content), 188):
        packet_id = (content[at + 1] & 0x1F) << 8 | content[at + 2]
        start = at + 5  # behind the header and the pointer
        if packet_id == 0x1000 and content[start] == 2:
            end = start + 3 + (int.from_bytes(content[start + 1 : start + 3], "big") & 0xFFF) - 4
            content[content.index(b"\x0f\xe1\x00", start)] = 0xCF
            content[end : end + 4] = checksum(bytes(content[start:end]))
        if packet_id == 0x100:
            content[at + 60 : at + 188] = os.urandom(128)
    path.write_bytes(content)
    assert refused(path) == "its sound is encrypted (SAMPLE-AES)"


@pytest.mark.parametrize(
    ("start", "name"),
    [(b"CTENFDAM", "NetEase NCM"), (b"\0\0\x13\x88\x57\x90\x75\x36", "Audible"), (b"TiVo\0\4", "TiVo")],
)
def test_files_of_shops_and_recorders(tmp_path: Path, start: bytes, name: str) -> None:
    (tmp_path / "a.mp3").write_bytes(start + os.urandom(5000))
    assert refused(tmp_path / "a.mp3") == f"its sound is encrypted ({name})"


def test_it_is_a_failure_with_its_own_words(qasr: Qasr, click: Path, tmp_path: Path) -> None:
    ffmpeg("-i", click, "-c:a", "aac", *KEY, tmp_path / "a.mp4")
    result = qasr("transcribe", "a.mp4", "--engine", ECHO)
    assert result.returncode == 65
    assert "encrypted (common encryption)" in result.stderr
