"""Cuts at known times are found within a frame, on the clock of the sound; what only moves is none."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from qasr_cli.media import decode, ffmpeg_arguments, shots
from qasr_cli.media.ffmpeg import find_tools
from qasr_cli.options import MediaOptions, Options, PictureOptions
from qasr_cli.pipeline.prepare import Cancelled, Prepared, prepare
from qasr_cli.records import Source, Video
from tests.e2e.conftest import ECHO, Qasr
from tests.media_factory import CLICK_S, find_clicks_ms, make_click

HEIGHT, WIDTH, RATE = 144, 256, 25
FRAME_MS = 1000 // RATE
FINDING = Options(picture=PictureOptions(shots=True))


def scene(seed: int, mean: float = 110, contrast: float = 40) -> np.ndarray:
    """Return a picture that is wider than a frame: soft shapes with some edges, as photographs have."""
    draw = np.random.default_rng(seed)
    coarse = draw.normal(size=(6, 40))
    picture = np.kron(coarse, np.ones((HEIGHT // 6, 40)))
    picture += np.cumsum(draw.normal(size=picture.shape) * 0.05, axis=1)
    clipped: np.ndarray = np.clip(mean + contrast * picture / picture.std(), 16, 235)
    return clipped


def shot(seconds: float, picture: np.ndarray, pixels_a_frame: int = 0) -> list[np.ndarray]:
    return [
        picture[:, n * pixels_a_frame : n * pixels_a_frame + WIDTH].astype(np.uint8)
        for n in range(round(seconds * RATE))
    ]


def make_film(path: Path, frames: list[np.ndarray], *more: object, late_s: float = 0.0) -> Path:
    """Write the frames with a click for a sound, which begins `late_s` later; `more` are output arguments."""
    click = make_click(path.with_suffix(".wav"))
    raw = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}", "-r", RATE, "-i", "-"]
    sound = ["-itsoffset", late_s, "-i", click, "-map", 0, "-map", 1, "-pix_fmt", "yuv420p"]
    command = [find_tools().ffmpeg, "-v", "error", "-y", *raw, *sound, *more, path]
    subprocess.run(
        [str(argument) for argument in command],
        input=b"".join(frame.tobytes() for frame in frames),
        check=True,
        timeout=120,
    )
    return path


def find(path: Path) -> shots.ShotSearch:
    with (
        decode.open_audio(path, MediaOptions()) as audio,
        shots.searching(path, audio.probed, max_hours=1) as search,
    ):
        assert search.is_over(60)
        return search


def prepared(path: Path, stop: threading.Event | None = None) -> Prepared:
    source = Source(0, path, Path(path.name))
    return prepare(source, path.parent, FINDING, stop or threading.Event())


THREE = [*shot(1.2, scene(1)), *shot(1.0, scene(2)), *shot(1.4, scene(3))]
CUTS_MS = [1200, 2200]


@pytest.mark.parametrize(
    ("name", "codecs"),
    [
        ("a.mp4", ()),
        ("a.mkv", ("-c:v", "libx265")),
        ("a.webm", ("-deadline", "realtime")),
        ("a.avi", ()),
        ("a.mov", ("-c:v", "prores")),
        ("a.ts", ("-c:v", "mpeg2video", "-c:a", "mp2")),
        ("a.mpg", ("-c:v", "mpeg2video", "-c:a", "mp2")),
    ],
)
def test_cuts_are_found_within_a_frame(tmp_path: Path, name: str, codecs: tuple[str, ...]) -> None:
    found = find(make_film(tmp_path / name, THREE, *codecs))
    assert list(found.shots_ms) == pytest.approx(CUTS_MS, abs=FRAME_MS)
    assert found.warnings == ()


@pytest.mark.parametrize("name", ["a.ts", "a.mkv", "a.mp4", "a.mpg"])
@pytest.mark.parametrize(("late_s", "offset_s"), [(0.0, 0), (0.7, 0), (-0.3, 0), (0.7, 36_000)])
def test_a_shot_has_the_clock_of_the_sound(tmp_path: Path, name: str, late_s: float, offset_s: float) -> None:
    """A container starts with whatever is first in it, at any time of day."""
    how = ("-c:v", "mpeg2video", "-bf", 2, "-c:a", "mp2", "-output_ts_offset", offset_s)
    path = make_film(tmp_path / name, THREE, *how, late_s=late_s)
    with decode.open_audio(path, MediaOptions()) as audio:
        (click_ms,) = find_clicks_ms(np.concatenate(list(audio)))
    after_click_ms = [cut - 1000 * (CLICK_S + late_s) for cut in CUTS_MS]
    found = [cut - click_ms for cut in find(path).shots_ms]
    assert found == pytest.approx(after_click_ms, abs=FRAME_MS)


@pytest.mark.parametrize("speed", [1, 3, 8])
def test_a_pan_is_no_cut(tmp_path: Path, speed: int) -> None:
    still = shot(1, scene(4))
    frames = still + shot(4, scene(4), speed) + shot(1, scene(4)[:, 99 * speed :])
    assert find(make_film(tmp_path / "a.mp4", frames)).shots_ms == ()


def test_a_cut_within_a_pan_is_one(tmp_path: Path) -> None:
    frames = shot(2, scene(4), 3) + shot(2, scene(5), 3)
    assert list(find(make_film(tmp_path / "a.mp4", frames)).shots_ms) == pytest.approx([2000], abs=FRAME_MS)


def test_dark_shots_are_told_apart(tmp_path: Path) -> None:
    frames = shot(1.2, scene(6, 30, 8)) + shot(1, scene(7, 28, 8)) + shot(1, scene(8, 32, 8))
    assert list(find(make_film(tmp_path / "a.mp4", frames)).shots_ms) == pytest.approx(CUTS_MS, abs=FRAME_MS)


def test_flashes_and_dissolves_are_no_cuts(tmp_path: Path) -> None:
    one, two = scene(9), scene(10)
    lit = [np.minimum(frame.astype(int) + 90, 255).astype(np.uint8) for frame in shot(0.08, one)]
    dissolve = [shot(0.04, one + (two - one) * step / 20)[0] for step in range(20)]
    frames = [*shot(1, one), *lit[:1], *shot(1, one), *lit, *shot(1, one), *dissolve, *shot(1, two)]
    assert find(make_film(tmp_path / "a.mp4", frames)).shots_ms == ()


def test_sound_alone_has_no_shots_and_says_so(tmp_path: Path) -> None:
    found = prepared(make_click(tmp_path / "a.wav"))
    assert found.video is None
    assert found.warnings == ("no shots: there is no picture in it",)


def test_the_transcript_gets_rate_and_shots(tmp_path: Path) -> None:
    assert prepared(make_film(tmp_path / "a.mp4", THREE)).video == Video(Fraction(RATE), tuple(CUTS_MS))


def test_a_picture_that_cannot_be_decoded_costs_no_sound(tmp_path: Path) -> None:
    found = prepared(make_film(tmp_path / "a.avi", THREE, "-c:v", "cinepak", "-c:a", "pcm_s16le"))
    assert found.waveform.duration_ms >= 2000
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("no shots: its picture cannot be decoded")


def test_a_damaged_picture_is_a_warning(tmp_path: Path) -> None:
    path = make_film(tmp_path / "a.mkv", THREE * 3, "-g", 500, "-c:a", "pcm_s16le")
    data = bytearray(path.read_bytes())
    draw = np.random.default_rng(0)
    with decode.open_audio(path, MediaOptions()) as audio:
        n_samples = sum(len(block) for block in audio)
    for at in draw.integers(len(data) // 4, len(data), size=400):
        data[at] ^= 0x5A
    path.write_bytes(data)
    found = prepared(path)
    assert any("its picture is damaged" in warning for warning in found.warnings)
    assert found.waveform.n_samples == pytest.approx(n_samples, rel=0.5)


def test_a_run_that_is_taken_down_does_not_wait_for_shots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_film(tmp_path / "a.mp4", THREE)
    monkeypatch.setattr(ffmpeg_arguments, "find_shots", lambda *_, **__: ["sleep", "60"])
    stop = threading.Event()
    threading.Timer(1.0, stop.set).start()
    begun_s = time.monotonic()
    with pytest.raises(Cancelled):
        prepared(path, stop)
    assert time.monotonic() - begun_s < 20


def test_the_json_carries_shots_to_render(qasr: Qasr, tmp_path: Path) -> None:
    make_film(tmp_path / "a.mp4", THREE, "-c:a", "aac")
    done = qasr("transcribe", "a.mp4", "--shots", "--json", "--engine", ECHO)
    assert done.returncode == 0, done.stderr
    video = json.loads((tmp_path / "a.json").read_text())["video"]
    assert video == {"frame_rate": "25", "shots_ms": CUTS_MS}
    again = qasr("render", "a.json", "--json", "-o", "-")
    assert json.loads(again.stdout)["video"] == video
