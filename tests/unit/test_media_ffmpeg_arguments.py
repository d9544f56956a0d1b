"""Every command stays inside the cage, whatever the file is called; no ffmpeg needed."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from qasr_cli.media import ffmpeg_arguments
from qasr_cli.media.byte_window import Extent
from qasr_cli.media.ffmpeg import FfmpegTools
from qasr_cli.media.ffmpeg_arguments import Sound

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
    monkeypatch.setattr(
        ffmpeg_arguments, "find_tools", lambda: FfmpegTools(Path("/usr/bin/ffmpeg"), "9", "a test")
    )


def commands(path: Path) -> list[list[str]]:
    return [
        ffmpeg_arguments.decode(path, Sound(1)),
        ffmpeg_arguments.decode(path, Sound(1, n_unmapped=9)),
        ffmpeg_arguments.decode(path, Sound(1, is_changing=True)),
        ffmpeg_arguments.decode(path, Sound(1, has_clock=False)),
        ffmpeg_arguments.decode(path, Sound(1), delay_ms=300),
        ffmpeg_arguments.decode_on_container_clock(path, Sound(1), has_discontinuities=False),
        ffmpeg_arguments.decode_on_container_clock(path, Sound(1), has_discontinuities=True),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_only_ever_a_file(name: str) -> None:
    for arguments in commands(Path(name)):
        assert arguments.count("-i") == 1
        given = arguments[arguments.index("-i") + 1]
        assert given == f"file:{Path.cwd()}/{name}"
        assert sum(name in argument for argument in arguments) == 1


def test_a_part_of_a_file_is_only_ever_a_file() -> None:
    sound = Sound(1, extent=Extent(10, 500, is_length_wrong=True))
    for arguments in (
        ffmpeg_arguments.decode(Path("/a,b:c.wav"), sound),
        ffmpeg_arguments.decode_on_container_clock(Path("/a,b:c.wav"), sound, has_discontinuities=False),
    ):
        before = arguments[: arguments.index("-i")]
        assert before[before.index("-protocol_whitelist") + 1] == "file,pipe,subfile"
        assert before[before.index("-ignore_length") + 1] == "1"
        given = arguments[arguments.index("-i") + 1]
        assert given == "subfile,,start,10,end,500,,:file:/a,b:c.wav"
        message = f"{given}: Invalid data found"
        assert ffmpeg_arguments.without_names(message, Path("/a,b:c.wav")) == "Invalid data found"


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
    arguments = ffmpeg_arguments.decode(Path("/a.mp4"), Sound(0))
    assert not set(arguments[arguments.index("-codec_whitelist") + 1].split(",")) & FORBIDDEN_CODECS
    assert "-vn" in arguments


def test_shots_are_found_in_the_same_cage() -> None:
    for has_discontinuities in (False, True):
        arguments = ffmpeg_arguments.find_shots(Path("/a.mp4"), 2.0, has_discontinuities=has_discontinuities)
        common = ffmpeg_arguments.decode(Path("/a.mp4"), Sound(0))
        for flag in ("-protocol_whitelist", "-format_whitelist", "-max_alloc", "-threads", "-i"):
            assert arguments[arguments.index(flag) + 1] == common[common.index(flag) + 1]
        before = arguments[: arguments.index("-i")]
        codecs = set(before[before.index("-codec_whitelist") + 1].split(","))
        assert "h264" in codecs
        assert ("aac" in codecs) == has_discontinuities  # to know when its sound starts
        assert not codecs & {"png", "gif", "xbin", "ansi", "srt", "ass", "rawvideo"}
        assert "-nostdin" in before
        assert "-max_pixels" in before
        assert arguments[arguments.index("-t") + 1] == "7200.0"
        assert arguments[arguments.index("-map") + 1] == "0:V:0"


def test_samples_come_from_the_track_that_was_asked_for() -> None:
    for arguments in commands(Path("/a.mp4")):
        assert arguments[arguments.index("-map") + 1] == "0:a:1"
        assert "aresample=async=1" in arguments[arguments.index("-af") + 1]


def test_a_sound_that_changes_is_filled_once_and_by_another() -> None:
    for sound in (Sound(0), Sound(0, is_changing=True)):
        arguments = ffmpeg_arguments.decode(Path("/a.ts"), sound)
        assert ("first_pts" in arguments[arguments.index("-af") + 1]) != sound.is_changing
        assert ("-reinit_filter" in arguments) != sound.is_changing
        assert arguments[arguments.index("-f") + 1] == ("nut" if sound.is_changing else "s16le")


def test_a_sound_that_changes_is_not_fitted_to_times_that_nobody_wrote() -> None:
    arguments = ffmpeg_arguments.decode(Path("/a.aac"), Sound(0, has_clock=False, is_changing=True))
    assert arguments[arguments.index("-af") + 1] == "anull"
    assert arguments[arguments.index("-f") + 1] == "s16le"


def test_what_fills_is_caged_too_and_reads_nothing_but_what_it_is_given() -> None:
    arguments = ffmpeg_arguments.fill_gaps()
    before = arguments[: arguments.index("-i")]
    assert arguments[arguments.index("-i") + 1] == "pipe:0"
    for flag, value in [("protocol", "pipe"), ("format", "nut"), ("codec", "pcm_s16le")]:
        assert before[before.index(f"-{flag}_whitelist") + 1] == value
    assert {"-nostdin", "-max_alloc", "-copyts"} <= set(before)


@pytest.mark.parametrize(("n_channels", "share"), [(3, "0.3333"), (8, "0.1250"), (64, "0.1250")])
def test_channels_without_a_place_are_heard_alike(n_channels: int, share: str) -> None:
    arguments = ffmpeg_arguments.decode(Path("/a.wav"), Sound(0, n_unmapped=n_channels))
    mix = arguments[arguments.index("-af") + 1].split(",")[0]
    parts = mix.removeprefix("pan=mono|c0=").split("+")
    assert parts == [f"{share}*c{number}" for number in range(n_channels)]


def test_all_kinds_of_streams_keep_the_clock() -> None:
    for arguments in (
        ffmpeg_arguments.decode_on_container_clock(Path("/a.ts"), Sound(1), has_discontinuities=True),
        ffmpeg_arguments.find_shots(Path("/a.ts"), 1.0, has_discontinuities=True),
    ):
        given = {after for flag, after in itertools.pairwise(arguments) if flag == "-map"}
        assert {"0:v?", "0:a?", "0:s?", "0:d?"} <= given
