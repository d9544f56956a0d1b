"""Every command stays inside the cage, whatever the file is called; no ffmpeg needed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qasr_cli.media import command
from qasr_cli.media.ffmpeg import FfmpegTools

# What makes ffmpeg open something else: playlists, patterns, lists, addresses, devices and filters.
FORBIDDEN_FORMATS = {
    *(
        "hls",
        "dash",
        "concat",
        "sdp",
        "imf",
        "image2",
        "image2pipe",
        "rtsp",
        "rtp",
        "lavfi",
        "tee",
        "ffmetadata",
    ),
    *("webm_dash_manifest", "avisynth", "vapoursynth", "dvdvideo", "bluray", "libgme", "libopenmpt", "tty"),
}
FORBIDDEN_CODECS = {"h264", "hevc", "mjpeg", "png", "srt", "ass", "webvtt", "xbin", "anull"}
NAMES = [
    "a.mp4",
    "-y.mkv",
    "a%03d.wav",
    "concat:a|b.wav",
    "x y.ts",
    os.fsdecode(b"\xff.wav"),
]


@pytest.fixture(autouse=True)
def _ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "find_tools", lambda: FfmpegTools(Path("/usr/bin/ffmpeg"), "9", "a test"))


def commands(path: Path) -> list[list[str]]:
    return [
        command.decode(path, 1),
        command.decode(path, 1, late_ms=300),
        command.decode_on_the_clock_of_all(path, 1, is_jumping=False),
        command.decode_on_the_clock_of_all(path, 1, is_jumping=True),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_only_ever_a_file(name: str) -> None:
    for arguments in commands(Path(name)):
        assert arguments.count("-i") == 1
        given = arguments[arguments.index("-i") + 1]
        assert given == f"file:{Path.cwd()}/{name}"
        assert sum(name in argument for argument in arguments) == 1


def test_the_cage_stands_before_the_input() -> None:
    for arguments in commands(Path("/films/a.mp4")):
        before = arguments[: arguments.index("-i")]
        assert before[before.index("-protocol_whitelist") + 1] == "file,pipe"
        formats = set(before[before.index("-format_whitelist") + 1].split(","))
        codecs = set(before[before.index("-codec_whitelist") + 1].split(","))
        assert {"mp4", "matroska", "mpegts", "wav", "ogg"} <= formats
        assert {"aac", "opus", "mp3", "pcm_s16le"} <= codecs
        assert not formats & FORBIDDEN_FORMATS
        assert "-nostdin" in before
        assert "-max_alloc" in before


def test_a_picture_is_not_looked_at_on_the_common_road() -> None:
    arguments = command.decode(Path("/a.mp4"), 0)
    assert not set(arguments[arguments.index("-codec_whitelist") + 1].split(",")) & FORBIDDEN_CODECS
    assert "-vn" in arguments


def test_shots_are_found_in_the_same_cage() -> None:
    for is_jumping in (False, True):
        arguments = command.find_shots(Path("/a.mp4"), 2.0, is_jumping=is_jumping)
        common = command.decode(Path("/a.mp4"), 0)
        for flag in ("-protocol_whitelist", "-format_whitelist", "-max_alloc", "-threads", "-i"):
            assert arguments[arguments.index(flag) + 1] == common[common.index(flag) + 1]
        before = arguments[: arguments.index("-i")]
        codecs = set(before[before.index("-codec_whitelist") + 1].split(","))
        assert "h264" in codecs
        assert ("aac" in codecs) == is_jumping  # to know when its sound starts
        assert not codecs & {"png", "gif", "xbin", "ansi", "srt", "ass", "rawvideo"}
        assert "-nostdin" in before
        assert "-max_pixels" in before
        assert arguments[arguments.index("-t") + 1] == "7200.0"
        assert arguments[arguments.index("-map") + 1] == "0:V:0"


def test_samples_come_from_the_track_that_was_asked_for() -> None:
    for arguments in commands(Path("/a.mp4")):
        assert arguments[arguments.index("-map") + 1] == "0:a:1"
        assert "aresample=async=1:first_pts=0" in arguments
