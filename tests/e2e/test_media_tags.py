"""Tags are no sound: a broken title, cover, chapter or font is no damage, and nothing is said of it."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest

from qasr_cli.media import decode
from qasr_cli.options import MediaOptions
from tests.media_factory import ffmpeg, find_clicks_ms, join, make_click


@pytest.fixture(scope="module")
def click(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_click(tmp_path_factory.mktemp("tags") / "click.wav")


@pytest.fixture(scope="module")
def untagged(click: Path) -> dict[str, bytes]:
    """Return an mp3 without any tag, and one with the length of its sound in its first frame."""
    found = {}
    for name, xing in (("bare", 0), ("counted", 1)):
        path = click.parent / f"{name}.mp3"
        ffmpeg("-i", click, "-id3v2_version", 0, "-write_xing", xing, path)
        found[name] = path.read_bytes()
    return found


def hear_one_click(path: Path) -> None:
    with decode.open_audio(path, MediaOptions()) as audio:
        samples = np.concatenate(list(audio))
    assert audio.warnings == ()
    assert len(find_clicks_ms(samples)) == 1
    assert len(samples) / 16 == pytest.approx(2000, abs=100)


def tag(*frames: tuple[bytes, bytes], version: int = 3, size: int | None = None) -> bytes:
    """Return an ID3v2 tag."""
    if version == 2:
        body = b"".join(name + len(text).to_bytes(3, "big") + text for name, text in frames)
    else:
        body = b"".join(name + struct.pack(">IH", len(text), 0) + text for name, text in frames)
    body += bytes(20)
    length = len(body) if size is None else size
    digits = bytes(length >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3" + bytes([version, 0, 0]) + digits + body


TAGS = {
    "a byte order mark that is none": tag((b"TIT2", b"\x01\x12\x34T\0i\0")),
    "a title in an unknown encoding": tag((b"TIT2", b"\x09abc")),
    "half a character": tag((b"TIT2", b"\x01\xff\xfea\0b")),
    "a title of the old version": tag((b"TT2", b"\x01ab"), version=2),
    "an object without an end": tag((b"GEOB", b"\x01xx")),
    "a cover that is no picture": tag((b"APIC", b"\0image/jpeg\0\3\0" + bytes(range(256)))),
    "a chapter without times": tag((b"CHAP", b"x")),
    "a comment without a language": tag((b"COMM", b"\1e")),
    "no frames at all": b"ID3\x03\0\0\0\0\1\x48" + bytes(range(1, 201)),
}


@pytest.mark.parametrize("kind", ["bare", "counted"])
@pytest.mark.parametrize("name", TAGS)
def test_a_broken_id3_tag_is_no_damage(
    untagged: dict[str, bytes], tmp_path: Path, name: str, kind: str
) -> None:
    (tmp_path / "a.mp3").write_bytes(TAGS[name] + untagged[kind])
    hear_one_click(tmp_path / "a.mp3")


OLD = b"TAG" + b"\xff\xfb" * 62 + b"\0"
LYRICS = b"LYRICSBEGIN" + b"\xff\xfb\x90\x44" * 200 + b"000811LYRICS200"
APE = b"APETAGEX" + struct.pack("<IIII", 2000, 532, 1, 0x80000000) + bytes(8)


@pytest.mark.parametrize(
    "tail",
    [
        OLD,
        LYRICS + OLD,
        b"LYRICSBEGIN[00:01]la la la\r\nLYRICSEND" + OLD,
        bytes(500) + APE,
        bytes(500) + APE + OLD,
    ],
)
def test_tags_at_the_end_are_no_frames(untagged: dict[str, bytes], tmp_path: Path, tail: bytes) -> None:
    (tmp_path / "a.mp3").write_bytes(untagged["counted"] + tail)
    hear_one_click(tmp_path / "a.mp3")


def test_a_tag_between_two_recordings_is_no_damage(untagged: dict[str, bytes], tmp_path: Path) -> None:
    part = tmp_path / "part.mp3"
    part.write_bytes(tag((b"TIT2", b"\0one")) + untagged["counted"] + OLD)
    with decode.open_audio(join(tmp_path / "a.mp3", part, part), MediaOptions()) as audio:
        samples = np.concatenate(list(audio))
    assert audio.warnings == ()
    assert find_clicks_ms(samples) == pytest.approx([500, 2500], abs=60)


def flac_with(click: Path, path: Path, kind: int, content: bytes) -> Path:
    """Write a FLAC with one more block behind its stream information."""
    ffmpeg("-i", click, path)
    whole = path.read_bytes()
    block = bytes([kind]) + len(content).to_bytes(3, "big") + content
    path.write_bytes(whole[:42] + block + whole[42:])
    return path


@pytest.mark.parametrize(
    ("kind", "content"), [(4, b"\xff\xff\xff\x00abc"), (6, os.urandom(300)), (2, b"app!")]
)
def test_a_broken_comment_of_flac_is_no_damage(
    click: Path, tmp_path: Path, kind: int, content: bytes
) -> None:
    hear_one_click(flac_with(click, tmp_path / "a.flac", kind, content))


def test_an_id3_tag_before_flac_is_no_damage(click: Path, tmp_path: Path) -> None:
    ffmpeg("-i", click, tmp_path / "a.flac")
    content = (tmp_path / "a.flac").read_bytes()
    (tmp_path / "a.flac").write_bytes(TAGS["a byte order mark that is none"] + content)
    hear_one_click(tmp_path / "a.flac")


@pytest.mark.parametrize(
    ("name", "options", "marker", "n_bytes"),
    [
        ("a.m4a", ["-metadata", "title=Hello there"], b"data\0\0\0\1", 16),
        ("a.mkv", ["-metadata", "title=Hello there", "-metadata", "artist=me"], b"ARTIST", 8),
        ("a.wav", ["-metadata", "title=Hello there"], b"INAM", 8),
    ],
)
def test_a_broken_title_of_other_containers_is_no_damage(
    click: Path, tmp_path: Path, name: str, options: list[object], marker: bytes, n_bytes: int
) -> None:
    ffmpeg("-i", click, *options, tmp_path / name)
    content = bytearray((tmp_path / name).read_bytes())
    start = content.index(marker)
    content[start : start + n_bytes] = b"\xfe" * n_bytes
    (tmp_path / name).write_bytes(content)
    hear_one_click(tmp_path / name)


def test_a_font_a_cover_and_a_script_that_are_broken_are_no_damage(click: Path, tmp_path: Path) -> None:
    (tmp_path / "font.ttf").write_bytes(os.urandom(2000))
    (tmp_path / "cover.jpg").write_bytes(b"\xff\xd8\xff\xe0" + os.urandom(500))
    (tmp_path / "a.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nhello\n")
    ffmpeg(
        "-i", click, "-i", tmp_path / "a.srt", "-map", 0, "-map", 1, "-c:a", "aac", "-c:s", "ass",
        "-attach", tmp_path / "font.ttf", "-metadata:s:t:0", "mimetype=application/x-truetype-font",
        "-attach", tmp_path / "cover.jpg", "-metadata:s:t:1", "mimetype=image/jpeg", tmp_path / "a.mkv",
    )  # fmt: skip
    content = (tmp_path / "a.mkv").read_bytes()
    (tmp_path / "a.mkv").write_bytes(content.replace(b"[Script Info]", b"\xff" * 13))
    hear_one_click(tmp_path / "a.mkv")
