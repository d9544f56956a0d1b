"""Folders find every kind of media that the decoder reads: by its suffix, or by its first bytes."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from qasr_cli.media import ffmpeg_arguments, signatures, suffixes
from qasr_cli.runs.inputs.selection import OTHER_SUFFIXES


def demuxers() -> set[str]:
    command = ffmpeg_arguments.decode(Path("film.mkv"), ffmpeg_arguments.Sound(0))
    return set(command[command.index("-format_whitelist") + 1].split(","))


def test_every_demuxer_of_the_whitelist_is_in_the_table_and_no_other() -> None:
    assert len(demuxers()) >= 40
    assert set(suffixes.BY_DEMUXER) == demuxers()


def test_a_demuxer_without_a_suffix_has_the_reason_beside_it() -> None:
    source = Path(suffixes.__file__).read_text("utf-8")
    table = next(node for node in ast.parse(source).body if isinstance(node, ast.AnnAssign))
    assert isinstance(table.value, ast.Dict)
    without = [name for name, listed in suffixes.BY_DEMUXER.items() if not listed]
    assert without == ["amrnb", "amrwb", "mpc8"]
    for name in without:
        assert re.search(rf'^    "{name}": \(\),  # \w', source, re.MULTILINE), name


@pytest.mark.parametrize(
    "listed",
    [
        ".3g2 .3ga .3gp .f4a .f4v .m4a .m4b .m4r .m4v .mov .mp4 .qt .mka .mkv .webm .asf .dvr-ms .wma .wmv",
        ".ts .tp .trp .tod .rec .mts .m2t .m2ts .mpg .mpeg .vob .evo .avi .divx .flv .mxf .dv .wtv",
        ".ogg .oga .ogm .ogv .ogx .opus .spx .wav .bwf .rf64 .w64 .aif .aifc .aiff .caf .flac .mp3 .aac",
        ".ac3 .ec3 .eac3 .dts .dtshd .thd .truehd .mlp .amr .awb .ape .wv .tta .tak .mpc .au .dsf .latm",
        ".rm .rmvb .ra .voc .gsm .dss .qcp .oma .aa3 .sph .nist",
    ],
)
def test_what_recorders_and_players_call_their_files_is_media(listed: str) -> None:
    assert set(listed.split()) <= suffixes.MEDIA_SUFFIXES


def test_a_suffix_is_one_kind_in_lower_case() -> None:
    listed = [suffix for group in suffixes.BY_DEMUXER.values() for suffix in group]
    assert len(listed) == len(set(listed))
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in listed)
    assert not suffixes.MEDIA_SUFFIXES & OTHER_SUFFIXES
    assert suffixes.AMBIGUOUS_SUFFIXES <= suffixes.MEDIA_SUFFIXES


GSM = bytes([0xD4, *range(1, 33)])
# By demuxer: a head as the format's specification has it.
HEADS = {
    "wtv": bytes.fromhex("b7d800203749da11a64e0007e95ead8d"),
    "dv, 25 pictures a second": bytes.fromhex("1f0700bff8787878"),
    "dv, 30 pictures a second": bytes.fromhex("1f07003f68787878"),
    "voc": b"Creative Voice File\x1a\x1a\x00",
    "gsm": GSM * 20,
    "dss": b"\x02dss" + bytes(20),
    "qcp": b"RIFF\x00\x10\x00\x00QLCMfmt ",
    "oma": b"EA3\x01\x00\x60\xff\xff",
    "nistsphere": b"NIST_1A\n   1024\n" + b" " * 1000 + b"\x00\x01\x80",
    "mpc": b"MP+\x07\x10\x00\x00\x00",
    "mpc8": b"MPCKSH\x0d\x00\x00",
    "tak": b"tBaK\x01\x1b\x00\x00",
    "dsf": b"DSD \x1c\x00\x00\x00",
    "truehd": bytes.fromhex("c028ffd8f8726fba0f0f0001"),
    "mlp": bytes.fromhex("4028ffd8f8726fbb0f0f0001"),
    "loas": (b"\x56\xe0\x1a" + bytes(26)) * 3,
    "eac3": (b"\x0b\x77\x00\x1f\xb2\x87" + bytes(58)) * 3,
    "dtshd": b"DTSHDHDR" + bytes(8),
    "dts, 14 bits": bytes.fromhex("1fffe800"),
    "aac, ADIF": b"ADIF\x80\x00",
    "rm, audio alone": b".ra\xfd\x00\x04",
    "wav, big-endian": b"RIFX\x00\x00\x00\x24WAVEfmt ",
    "mpeg, Video CD": b"RIFF\x00\x00\x00\x24CDXAfmt ",
    "mpegts, with error correction": (b"\x47" + bytes(203)) * 6,
    "mpegts, of Blu-ray": (bytes(4) + b"\x47" + bytes(187)) * 6,
}


@pytest.mark.parametrize("kind", HEADS)
def test_the_first_bytes_of_a_kind(kind: str) -> None:
    assert signatures.is_media(HEADS[kind])
    assert not signatures.is_media(b"\x99" + HEADS[kind])
    assert kind.partition(",")[0] in demuxers()


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"words\n",
        "어".encode() * 2000,
        b"\xff\xfew\x00o\x00",
        *(b"\x7fELF\x02", b"\x89PNG\r\n", b"PK\x03\x04", b"%PDF-1.7\n%\xe2\xe3", b"RIFF\0\0\0\0WEBPVP8 "),
        b"\x00\x00\x00\x18ftypheic",
        bytes(257) + b"ustar",
    ],
)
def test_the_first_bytes_of_what_certainly_is_no_media(head: bytes) -> None:
    assert signatures.is_known_other(head)
    assert not signatures.is_media(head)


@pytest.mark.parametrize("head", [b"\x93\x01\x02\x03" * 9, bytes(64), b"\xd4" + bytes(4095)])
def test_what_is_neither_is_of_unknown_kind(head: bytes) -> None:
    assert not signatures.is_known_other(head)
    assert not signatures.is_media(head)
