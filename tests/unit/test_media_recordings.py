"""Headers of strangers: where recordings end, what they promise and whether they are encrypted.

Only bytes; no ffmpeg. Headers are written by hand after the formats' specifications.
"""

from __future__ import annotations

import random
import struct
import time
from pathlib import Path

import pytest

from qasr_cli.media import byte_window, container_ends, encryption, promises, recordings
from qasr_cli.media.byte_window import Extent
from qasr_cli.media.promises import Promise


def wave(n_bytes: int, *, said: int | None = None, riff: int | None = None, rate: int = 16_000) -> bytes:
    """Return a mono WAV of 16 bits; `said` and `riff` are the sizes in its headers."""
    form = struct.pack("<HHIIHH", 1, 1, rate, 2 * rate, 2, 16)
    said = n_bytes if said is None else said
    riff = 36 + n_bytes if riff is None else riff
    head = b"RIFF" + struct.pack("<I", riff) + b"WAVEfmt " + struct.pack("<I", 16) + form
    return head + b"data" + struct.pack("<I", said) + b"\xf0\x01" * (n_bytes // 2)


def box(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", 8 + len(content)) + name + content


def element(name: str, content: bytes) -> bytes:
    return bytes.fromhex(name) + struct.pack(">Q", 1 << 56 | len(content)) + content


EBML = element("1A45DFA3", bytes.fromhex("4282 84") + b"webm")
MP4 = box(b"ftyp", b"isom") + box(b"mdat", bytes(5000)) + box(b"moov", box(b"trak", box(b"mdia", bytes(40))))
LIVE = (
    EBML
    + bytes.fromhex("18538067 01FFFFFFFFFFFFFF")
    + element("1549A966", b"x")
    + element("1F43B675", bytes(900))
)
CLUSTERED = LIVE + bytes.fromhex("1F43B675 01FFFFFFFFFFFFFF") + bytes(2000)
ASF = (
    container_ends.ASF + struct.pack("<QIH", 30, 0, 0x201) + bytes(16) + struct.pack("<Q", 3000) + bytes(2976)
)
OGG = b"OggS\0\2" + bytes(20) + b"\1\5OpusH" + b"OggS\0\0" + bytes(20) + b"\1\xff" + bytes(255)
KINDS = {
    "wav": wave(8000),
    "mp4": MP4,
    "webm": EBML + element("18538067", bytes(3000)),
    "live webm": LIVE,
    "live webm in clusters": CLUSTERED,
    "asf": ASF,
    "ogg": OGG,
    "au": b".snd" + struct.pack(">IIIII", 24, 5000, 3, 16_000, 1) + b"\1" * 5000,
    "flac": b"fLaC\0\0\0\x22" + bytes(34) + b"\xff\xf8" + bytes(3000),
    "flv": b"FLV\x01\x04\0\0\0\x09\0\0\0\0" + b"\x08" * 900,
    "amr": b"#!AMR\n" + b"\x3c" * 900,
}


def find(folder: Path, content: bytes) -> recordings.Recordings:
    (folder / "media").write_bytes(content)
    return recordings.find(folder / "media")


def promise(folder: Path, content: bytes) -> Promise:
    (folder / "media").write_bytes(content)
    with byte_window.opened(folder / "media") as window:
        return promises.read(window, 0)


@pytest.mark.parametrize("name", KINDS)
def test_each_recording_has_its_extent(tmp_path: Path, name: str) -> None:
    content = KINDS[name]
    size = len(content)
    assert find(tmp_path, content).extents == (Extent(0, size),)
    found = find(tmp_path, content * 3)
    assert found.extents == tuple(Extent(number * size, (number + 1) * size) for number in range(3))
    assert not found.is_whole_file


def test_streams_that_begin_together_are_one_recording(tmp_path: Path) -> None:
    both = OGG[: 27 + 1 + 5] + OGG
    assert len(find(tmp_path, both).extents) == 1
    assert len(find(tmp_path, both + both).extents) == 2


def test_a_marker_inside_a_recording_is_chance(tmp_path: Path) -> None:
    inside = b"fLaC" + b"OggS" + b"RIFFxxxxWAVE" + container_ends.EBML + b"ID3\x03\0\0\0\0\0\x10"
    for content in (MP4, wave(8000), KINDS["flac"]):
        middle = len(content) // 2
        changed = content[:middle] + inside + content[middle + len(inside) :]
        assert len(find(tmp_path, changed).extents) == 1


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (wave(32_000)[:-10_000], Promise(1000, is_cut=True)),
        (wave(32_000), Promise(1000, is_exceeded=True)),  # whole; and if more follows, it is said
        (wave(32_000, riff=50_000), Promise()),
        (wave(32_000, said=0), Promise()),
        (wave(32_000, said=0xFFFFFFFF), Promise()),
        (wave(32_000, said=0x7FFFF000), Promise()),
        (MP4[:-10], Promise(is_cut=True)),
        (KINDS["webm"][:-10], Promise(is_cut=True)),
        (ASF[:-10], Promise(is_cut=True)),
        (b"", Promise()),
    ],
)
def test_what_is_promised(tmp_path: Path, content: bytes, expected: Promise) -> None:
    assert promise(tmp_path, content) == expected


def test_only_what_is_clearly_missing_counts() -> None:
    assert Promise(6000).missing_of(5600, None) is None
    assert Promise(6000).missing_of(5400, None) == 6000
    assert Promise(6000, is_cut=True).missing_of(5800, None) == 6000
    assert Promise(is_cut=True).missing_of(5800, 6000) is None
    assert Promise().missing_of(100, None) is None
    assert Promise().missing_of(100, 6000) == 6000


def test_two_clocks_may_differ_a_little() -> None:
    assert not promises.is_drifting(3_600_000, 3_600_000 * 1001 / 1000)
    assert not promises.is_drifting(5_000, 5_900)
    assert promises.is_drifting(5_000, 150)


def test_a_file_that_cannot_be_read_has_one_recording(tmp_path: Path) -> None:
    assert recordings.find(tmp_path / "missing").is_whole_file
    assert recordings.find(tmp_path).is_whole_file


def test_crafted_headers_raise_nothing_and_take_no_time(tmp_path: Path) -> None:
    rng = random.Random(3)
    path = tmp_path / "media"
    begun_s = time.process_time()
    for content in [*KINDS.values(), *(kind * 2 for kind in KINDS.values())] * 12:
        crafted = bytearray(content[: rng.randrange(len(content))] if rng.random() < 0.3 else content)
        for _ in range(rng.randrange(1, 9)):
            if crafted:
                crafted[min(len(crafted) - 1, int(rng.expovariate(1 / 40)))] = rng.choice(
                    (0, 1, 255, rng.randrange(256))
                )
        path.write_bytes(crafted)
        recordings.find(path)
        with byte_window.opened(path) as window:
            promises.read(window, 0)
            encryption.protection(window, 0)
            encryption.protection_of_undecodable(window)
    assert time.process_time() - begun_s < 20


@pytest.mark.parametrize(
    "content",
    [
        (b"ID3\x03\0\0\0\0\0\0" * 200_000)[: 2 << 20],
        b"OggS\0\2" + bytes(21) + b"OggS\0\2" * 200_000,
        b"fLaC" * 500_000,
        box(b"ftyp") * 100_000,
        box(b"moov", box(b"trak") * 100_000),
        EBML + bytes.fromhex("18538067 01FFFFFFFFFFFFFF") + bytes.fromhex("EC80") * 500_000,
        b"RIFF" + struct.pack("<I", 2 << 20) + b"AVI " + b"JUNK\0\0\0\0" * 200_000,
        b"wvpk" + bytes(28) + b"wvpk\x18\0\0\0" * 100_000,
        b"caff\0\1\0\0" + (b"free" + bytes(8)) * 100_000,
    ],
)
def test_many_headers_take_linear_time(tmp_path: Path, content: bytes) -> None:
    begun_s = time.process_time()
    find(tmp_path, content)
    promise(tmp_path, content)
    with byte_window.opened(tmp_path / "media") as window:
        encryption.protection(window, 0)
    assert time.process_time() - begun_s < 10


def test_thousands_of_tags_in_turn_are_no_recursion(tmp_path: Path) -> None:
    ape = b"APETAGEX" + struct.pack("<IIII", 2000, 32, 0, 0) + bytes(8)
    frames = (b"\xff\xfb\x90\x00" + bytes(413)) * 4
    (tmp_path / "a.mp3").write_bytes(frames + (ape + b"TAG" + bytes(125)) * 3000)
    assert len(recordings.find(tmp_path / "a.mp3").extents) == 1


@pytest.mark.parametrize(
    "content",
    [
        (b"RIFF\x04\0\0\0WAVE") * 20_000,
        (b"wvpk" + struct.pack("<I", 24) + bytes(24) + b"TAG" + bytes(29)) * 20_000,
        container_ends.EBML + b"\x80" + b"\xec\x80" * 20_000,
    ],
    ids=["riff", "wavpack", "ebml"],
)
def test_following_headers_has_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    """Each of so many headers leads over all the others: the work is that of their square."""
    monkeypatch.setattr(byte_window, "_MAX_READS", 20_000)
    (tmp_path / "media").write_bytes(content)
    begun_s = time.process_time()
    recordings.find(tmp_path / "media")
    assert time.process_time() - begun_s < 5


def test_more_recordings_than_are_followed_are_counted_as_unread(tmp_path: Path) -> None:
    (tmp_path / "media").write_bytes(_small_wav() * 1_200)
    found = recordings.find(tmp_path / "media")
    assert len(found.extents) == 1_000
    assert found.n_unread == 200 * len(_small_wav())


def _small_wav() -> bytes:
    form = struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    return b"RIFF" + struct.pack("<I", 44) + b"WAVEfmt " + form + b"data" + struct.pack("<I", 8) + bytes(8)
