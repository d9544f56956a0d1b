"""Sample 0 is what a player shows as 0:00, whatever the container's clock says there.

Each medium has a click at a moment that is known by construction.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qasr_cli.media import decode, ffmpeg_arguments
from qasr_cli.options import MediaOptions
from tests.media_factory import ffmpeg, find_clicks_ms, make_click, make_film

CLICK_MS = 500
LATE_S = 0.3
FIRST_MS = CLICK_MS + 300
SLACK_MS = 25  # one frame of mp2 at 48 kHz, in which an encoder's delay is not told


@pytest.fixture(scope="module")
def click(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_click(tmp_path_factory.mktemp("clock") / "click.wav")


def clicks(path: Path, audio_track: int = 0) -> list[int]:
    with decode.open_audio(path, MediaOptions(audio_track=audio_track)) as audio:
        found = find_clicks_ms(np.concatenate(list(audio)))
        assert audio.warnings == ()
        return found


def film(folder: Path, click: Path, name: str = "film.ts", *more: object, late_s: float = LATE_S) -> Path:
    return make_film(
        folder / name, click, "-c:v", "mpeg2video", "-bf", 2, "-c:a", "mp2", *more, late_s=late_s
    )


def joined(folder: Path, *parts: Path) -> Path:
    path = folder / f"joined{parts[0].suffix}"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


@pytest.mark.parametrize("name", ["film.ts", "film.mpg"])
def test_two_recordings_in_one_file_are_both_heard(click: Path, tmp_path: Path, name: str) -> None:
    """`cat one.ts two.ts`: the clock starts again in the middle."""
    one = film(tmp_path, click, name)
    assert clicks(joined(tmp_path, one, one)) == pytest.approx([FIRST_MS, 3000 + FIRST_MS], abs=SLACK_MS)


@pytest.mark.parametrize("is_forward", [True, False])
def test_a_broadcaster_that_sets_its_clock_adds_no_silence(
    click: Path, tmp_path: Path, is_forward: bool
) -> None:
    early = film(tmp_path, click, "early.ts")
    late = film(tmp_path, click, "late.ts", "-output_ts_offset", 36_000)
    parts = (early, late) if is_forward else (late, early)
    assert clicks(joined(tmp_path, *parts)) == pytest.approx([FIRST_MS, 3000 + FIRST_MS], abs=SLACK_MS)


def test_a_clock_that_runs_over_goes_on(click: Path, tmp_path: Path) -> None:
    """MPEG's clock has 33 bits at 90 kHz and starts again after 26.5 hours (ISO 13818-1)."""
    near_the_end_s = 2**33 / 90_000 - 1.9
    path = film(tmp_path, click, "wrap.ts", "-output_ts_offset", near_the_end_s)
    assert clicks(path) == pytest.approx([FIRST_MS], abs=SLACK_MS)


@pytest.mark.parametrize(("name", "codec"), [("two.ts", "mp2"), ("two.ogg", "libopus"), ("two.mka", "flac")])
def test_the_second_track_starts_when_it_does_not_when_it_is_asked_for(
    click: Path, tmp_path: Path, name: str, codec: str
) -> None:
    path = tmp_path / name
    ffmpeg("-i", click, "-itsoffset", 1, "-i", click, "-map", 0, "-map", 1, "-c:a", codec, path)
    assert clicks(path, 0) == pytest.approx([CLICK_MS], abs=SLACK_MS)
    assert clicks(path, 1) == pytest.approx([1000 + CLICK_MS], abs=SLACK_MS)


@pytest.mark.parametrize(
    ("name", "video", "audio"),
    [
        ("b-frames.mp4", "libx264", "aac"),
        ("b-frames.mkv", "libx264", "aac"),
        ("b-frames.ts", "libx264", "mp2"),
        ("theora.ogv", "libtheora", "libvorbis"),
    ],
)
def test_a_picture_in_another_order_than_shown_moves_no_sound(
    click: Path, tmp_path: Path, name: str, video: str, audio: str
) -> None:
    path = make_film(tmp_path / name, click, "-c:v", video, "-c:a", audio, late_s=LATE_S)
    assert clicks(path) == pytest.approx([FIRST_MS], abs=SLACK_MS)


def test_a_film_cut_without_encoding_starts_at_its_cut(click: Path, tmp_path: Path) -> None:
    """`ffmpeg -ss 1 -c copy` leaves an edit list: the container holds more than it shows."""
    whole = make_film(
        tmp_path / "whole.mp4", click, "-c:v", "libx264", "-g", 1000, "-c:a", "aac", late_s=1.5, duration_s=4
    )
    ffmpeg("-ss", 1, "-i", whole, "-c", "copy", tmp_path / "cut.mp4")
    assert clicks(tmp_path / "cut.mp4") == pytest.approx([1000], abs=SLACK_MS)


@pytest.mark.parametrize("name", ["delay.mp3", "delay.m4a", "delay.opus", "delay.ogg"])
def test_the_encoders_own_delay_is_not_heard(click: Path, tmp_path: Path, name: str) -> None:
    ffmpeg("-i", click, tmp_path / name)
    assert clicks(tmp_path / name) == pytest.approx([CLICK_MS], abs=5)


def test_where_the_track_starts_is_counted_from_the_containers_start(click: Path, tmp_path: Path) -> None:
    path = film(tmp_path, click, "air.ts", "-output_ts_offset", 36_000)
    with decode.open_audio(path, MediaOptions()) as audio:
        # ffmpeg before 7 does not tell; 0 stands for both
        assert audio.track.start_ms == 0 or abs(audio.track.start_ms - 300) <= SLACK_MS


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the commands that are built, as they are."""
    built: list[str] = []

    def counting(name: str, build: Callable[..., list[str]]) -> Callable[..., list[str]]:
        def wrapper(*arguments: object, **options: object) -> list[str]:
            built.append(name)
            return build(*arguments, **options)

        return wrapper

    for name in ("decode", "decode_on_container_clock"):
        monkeypatch.setattr(ffmpeg_arguments, name, counting(name, getattr(ffmpeg_arguments, name)))
    return built


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a.m4a", "a.opus", "a.mp4", "a.mkv", "a.webm", "a.ts"])
def test_one_process_is_enough_for_nearly_every_file(
    click: Path, tmp_path: Path, name: str, commands: list[str]
) -> None:
    path = tmp_path / name
    if name in {"a.mp4", "a.mkv", "a.webm"}:
        make_film(path, click)
    else:
        ffmpeg("-i", click, path)
    clicks(path)
    assert commands[:1] == ["decode"]
    # ffmpeg before 7 starts opus before 0
    assert len(commands) == 1 or name == "a.webm"


def test_a_picture_that_cannot_be_described_costs_no_sound(
    click: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ffmpeg_arguments, "decode_on_container_clock", lambda *_, **__: ["false"])
    with decode.open_audio(film(tmp_path, click), MediaOptions()) as audio:
        found = find_clicks_ms(np.concatenate(list(audio)))
    if audio.warnings:  # ffmpeg before 7, which does not tell where a track starts
        assert "its picture is unreadable" in audio.warnings[0]
        assert found == pytest.approx([CLICK_MS], abs=SLACK_MS)
    else:
        assert found == pytest.approx([FIRST_MS], abs=SLACK_MS)


def test_a_recording_cut_anywhere_is_heard_without_a_complaint(click: Path, tmp_path: Path) -> None:
    """Nothing of its picture can be shown: the picture's only start lay before the cut."""
    path = make_film(tmp_path / "cut.ts", click, "-c:v", "libx264", "-g", 1000, "-c:a", "mp2", late_s=LATE_S)
    n_lost = 188 * 20 + 50  # packets of 188 bytes, and a piece of one
    path.write_bytes(path.read_bytes()[n_lost:-77])
    with decode.open_audio(path, MediaOptions()) as audio:
        assert len(find_clicks_ms(np.concatenate(list(audio)))) == 1
    assert not any("damaged" in warning for warning in audio.warnings)
