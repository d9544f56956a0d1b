"""What subtitles need to know of the picture: its pace, and where it changes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from qasr_cli.media import decode
from qasr_cli.options import MediaOptions
from qasr_cli.records import Video
from tests.media_factory import ffmpeg, make_click

SOUND = ["-f", "lavfi", "-i", "sine=r=48000:d=4"]
LEAVING_OUT = "select=not(eq(mod(n\\,7)\\,3))"


def video_of(path: Path) -> Video | None:
    with decode.open_audio(path, MediaOptions()) as audio:
        return audio.probed.video


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm", "a.avi", "a.flv"])
@pytest.mark.parametrize("rate", ["24000/1001", "25", "60000/1001"])
def test_a_constant_rate_is_exact(tmp_path: Path, name: str, rate: str) -> None:
    ffmpeg(
        "-f", "lavfi", "-i", f"testsrc=s=64x48:r={rate}:d=4", *SOUND, "-deadline", "realtime", tmp_path / name
    )
    assert video_of(tmp_path / name) == Video(Fraction(rate))


def test_a_rate_that_varies_is_none(tmp_path: Path) -> None:
    picture = ["-f", "lavfi", "-i", "testsrc=s=64x48:r=30:d=4"]
    ffmpeg(*picture, *SOUND, "-vf", LEAVING_OUT, "-fps_mode", "vfr", tmp_path / "a.mp4")
    assert video_of(tmp_path / "a.mp4") == Video(None)


def test_a_cover_is_no_video(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x48", "-frames:v", 1, tmp_path / "cover.png")
    cover = [
        "-i",
        tmp_path / "cover.png",
        "-map",
        0,
        "-map",
        1,
        "-c:v",
        "copy",
        "-disposition:v",
        "attached_pic",
    ]
    ffmpeg(*SOUND, *cover, tmp_path / "a.m4a")
    assert video_of(tmp_path / "a.m4a") is None
    assert video_of(make_click(tmp_path / "a.wav")) is None
