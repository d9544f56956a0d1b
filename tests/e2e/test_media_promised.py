"""What a container promises and its sound does not keep: files that are cut off, and clocks that lie.

Each file is made from the same sound, whose length is known; then bytes are taken away or headers changed. A
warning has both figures, and nothing is said of files that keep what they promise.
"""

from __future__ import annotations

import struct
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest

from qasr_cli.media import decode
from qasr_cli.media.ffmpeg import find_tools
from qasr_cli.options import MediaOptions, Options
from qasr_cli.pipeline.prepare import Prepared, prepare
from qasr_cli.records import Source
from tests.e2e.conftest import ECHO, SAMPLES, Qasr
from tests.media_factory import cut, ffmpeg, find_clicks_ms

LENGTH_MS = 6000
CLICKS_MS = [500, 2500, 4500]
FILM = ["-f", "lavfi", "-t", 6, "-i", "testsrc=s=64x48:r=25"]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return six seconds of noise, which no codec makes small, with a click every two seconds."""
    path = tmp_path_factory.mktemp("promised") / "sound.wav"
    click = "if(between(mod(t,2),0.5,0.55),0.8*sin(2*PI*1000*t),0.01*(random(0)-0.5))"
    ffmpeg("-f", "lavfi", "-i", f"aevalsrc='{click}|{click}':s=44100:d=6", path)
    return path


def heard(path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    with decode.open_audio(path, MediaOptions()) as audio:
        samples = np.concatenate(list(audio))
    return samples, audio.warnings


def prepared(path: Path) -> Prepared:
    folder = path.parent / "work"
    folder.mkdir(exist_ok=True)
    return prepare(Source(0, path, Path(path.name)), folder, Options(), threading.Event())


def samples_of(found: Prepared) -> np.ndarray:
    return np.fromfile(found.waveform.path, dtype="<i2")


CUT: dict[str, list[object]] = {
    "a.wav": [],
    "a.w64": [],
    "a.aiff": [],
    "a.au": [],
    "a.caf": [],
    "a.mp3": [],
    "a.flac": [],
    "a.mka": ["-c:a", "flac"],
    "a.webm": ["-c:a", "libopus"],
    "a.avi": ["-c:a", "mp3"],
    "pcm.avi": ["-c:a", "pcm_s16le"],
    "a.wma": ["-c:a", "wmav2"],
    "a.flv": ["-c:a", "mp3"],
    "a.m4a": ["-c:a", "aac", "-movflags", "+faststart"],
    "a.tta": [],
    "a.wv": [],
}


@pytest.mark.parametrize("name", CUT)
def test_a_file_that_is_cut_off_says_both_figures(sound: Path, tmp_path: Path, name: str) -> None:
    ffmpeg("-i", sound, *CUT[name], tmp_path / name)
    samples, warnings = heard(cut(tmp_path / name, 0.6))
    decoded = f"{len(samples) / 16_000:.1f} s decoded"
    assert 0.1 * LENGTH_MS < len(samples) / 16 < LENGTH_MS - 500
    assert warnings[-1] == f"cut off or damaged: 6.0 s promised, {decoded}"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mkv", ["-c:a", "aac"]),
        ("a.avi", ["-c:a", "mp3"]),
        ("a.mp4", ["-c:a", "aac", "-movflags", "faststart"]),
    ],
)
def test_a_film_that_is_cut_off_says_both_figures(
    sound: Path, tmp_path: Path, name: str, options: list[object]
) -> None:
    ffmpeg(*FILM, "-i", sound, "-c:v", "mpeg4", *options, tmp_path / name)
    _, warnings = heard(cut(tmp_path / name, 0.6))
    assert warnings[-1].startswith("cut off or damaged: 6.0 s promised, ")


@pytest.mark.parametrize("name", CUT)
def test_a_whole_file_says_nothing(sound: Path, tmp_path: Path, name: str) -> None:
    ffmpeg("-i", sound, *CUT[name], tmp_path / name)
    samples, warnings = heard(tmp_path / name)
    assert warnings == ()
    assert find_clicks_ms(samples) == pytest.approx(CLICKS_MS, abs=60)


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.au", "a.mp3", "cover.mp3", "old.mp3", "mp3.wav"])
def test_where_samples_are_counted_the_last_twentieth_is_missed(
    sound: Path, tmp_path: Path, name: str
) -> None:
    how: dict[str, list[object]] = {"old.mp3": ["-id3v2_version", 0, "-q:a", 5], "mp3.wav": ["-c:a", "mp3"]}
    ffmpeg("-f", "lavfi", "-i", "color=s=64x64", "-frames:v", 1, tmp_path / "cover.png")
    cover = ["-i", tmp_path / "cover.png", "-map", 0, "-map", 1, "-c:v", "copy"]
    ffmpeg("-i", sound, *(cover if name == "cover.mp3" else []), *how.get(name, []), tmp_path / name)
    assert heard(tmp_path / name)[1] == ()
    assert heard(cut(tmp_path / name, 0.95))[1][-1].startswith("cut off or damaged: 6.0 s promised, 5.7 s")


@pytest.mark.parametrize("codec", ["libopus", "flac", "libvorbis"])
def test_an_ogg_ends_with_a_whole_page(sound: Path, tmp_path: Path, codec: str) -> None:
    ffmpeg("-i", sound, "-c:a", codec, tmp_path / "a.ogg")
    assert heard(tmp_path / "a.ogg")[1] == ()
    samples, (warning,) = heard(cut(tmp_path / "a.ogg", 0.6))
    assert len(samples)
    assert "its last page is incomplete" in warning


@pytest.mark.parametrize("name", ["a.mka", "a.webm", "a.wma", "a.m4a", "a.flv", "a.ts", "a.ogg"])
def test_a_clock_that_starts_late_takes_nothing_from_the_sound(
    sound: Path, tmp_path: Path, name: str
) -> None:
    codec = {"a.webm": "libopus", "a.wma": "wmav2", "a.ogg": "libopus"}.get(name, "aac")
    ffmpeg("-itsoffset", 5, "-i", sound, "-c:a", codec, tmp_path / name)
    samples, warnings = heard(tmp_path / name)
    assert warnings == ()
    assert len(samples) / 16 == pytest.approx(LENGTH_MS, abs=150)


@pytest.mark.parametrize("codec", ["mp3", "pcm_s16le"])
def test_an_avi_from_a_pipe_does_not_know_its_length(sound: Path, tmp_path: Path, codec: str) -> None:
    with (tmp_path / "a.avi").open("wb") as file:
        ffmpeg_path = str(find_tools().ffmpeg)
        command = [ffmpeg_path, "-v", "error", "-i", str(sound), "-c:a", codec, "-f", "avi", "pipe:1"]
        subprocess.run(command, stdout=file, stdin=subprocess.DEVNULL, check=True, timeout=60)
    samples, warnings = heard(tmp_path / "a.avi")
    assert warnings == ()
    assert len(samples) / 16 == pytest.approx(LENGTH_MS, abs=150)


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.avi", "a.ts", "a.flv", "a.wmv"])
def test_sound_that_ends_before_the_picture_is_whole(sound: Path, tmp_path: Path, name: str) -> None:
    """The container's duration is that of the picture."""
    film = [*FILM[:3], 9, *FILM[4:]]
    ffmpeg(*film, "-i", sound, "-c:v", "flv1" if name == "a.flv" else "mpeg4", tmp_path / name)
    samples, warnings = heard(tmp_path / name)
    assert warnings == ()
    assert len(samples) / 16 == pytest.approx(LENGTH_MS, abs=100)


def timed(sound: Path, path: Path, codec: str, times: str) -> Path:
    """Write a sound whose packets have other times; `times` is an expression of ffmpeg's `setts`."""
    stored = path.with_name(f"stored{path.suffix}")
    ffmpeg("-i", sound, "-c:a", codec, stored)
    ffmpeg("-i", stored, "-c:a", "copy", "-bsf:a", f"setts=ts='{times}'", path)
    return path


def test_sparse_sound_is_whole(sound: Path, tmp_path: Path) -> None:
    """A gap in the times is silence, however long."""
    found = prepared(timed(sound, tmp_path / "sparse.mka", "libopus", "if(gt(TS*TB,3),TS+20/TB,TS)"))
    assert found.warnings == ()
    assert found.waveform.duration_ms == pytest.approx(LENGTH_MS + 20_000, abs=100)


def lying(path: Path, factor: float) -> Path:
    """Multiply the rate in the stream header of an AVI's sound."""
    content = bytearray(path.read_bytes())
    at = content.index(b"auds") + 24
    (rate,) = struct.unpack_from("<I", content, at)
    struct.pack_into("<I", content, at, int(rate * factor))
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("factor", [40, 1.25, 0.5])
@pytest.mark.parametrize("codec", ["pcm_s16le", "mp3"])
@pytest.mark.parametrize("picture", [FILM, []], ids=["film", "sound"])
def test_an_avi_that_lies_about_its_rate_is_decoded_whole(
    sound: Path, tmp_path: Path, factor: float, codec: str, picture: list[object]
) -> None:
    ffmpeg(*picture, "-i", sound, "-c:v", "mjpeg", "-c:a", codec, tmp_path / "a.avi")
    samples, warnings = heard(lying(tmp_path / "a.avi", factor))
    assert warnings == ()
    assert find_clicks_ms(samples) == pytest.approx(CLICKS_MS, abs=60)
    assert len(samples) / 16 == pytest.approx(LENGTH_MS, abs=100)


@pytest.mark.parametrize("factor", [30, 0.4])
def test_an_avi_of_another_codec_that_lies_is_decoded_twice(
    sound: Path, tmp_path: Path, factor: float
) -> None:
    """Its header alone does not show it."""
    ffmpeg(*FILM, "-i", sound, "-c:v", "mjpeg", "-c:a", "ac3", tmp_path / "a.avi")
    found = prepared(lying(tmp_path / "a.avi", factor))
    assert found.warnings == ()
    assert found.waveform.duration_ms == pytest.approx(LENGTH_MS, abs=100)
    assert find_clicks_ms(samples_of(found)) == pytest.approx(CLICKS_MS, abs=60)


def test_times_that_go_back_drop_no_sound(sound: Path, tmp_path: Path) -> None:
    found = prepared(timed(sound, tmp_path / "back.mkv", "pcm_s16le", "if(gt(TS*TB,4),TS-3/TB,TS)"))
    assert find_clicks_ms(samples_of(found)) == pytest.approx(CLICKS_MS, abs=110)
    (warning,) = found.warnings
    assert warning.startswith("its times do not fit its samples (4.")
    assert "s by the times, 6.0 s by the samples)" in warning


def test_a_gap_of_half_an_hour_that_is_garbage_drops_no_sound(sound: Path, tmp_path: Path) -> None:
    found = prepared(timed(sound, tmp_path / "jump.mka", "libopus", "if(gt(TS*TB,3),TS+2000/TB,TS)"))
    assert find_clicks_ms(samples_of(found)) == pytest.approx(CLICKS_MS, abs=60)
    assert found.warnings[0].startswith("its times do not fit its samples")


def test_times_of_packets_put_no_silence_into_wma(sound: Path, tmp_path: Path) -> None:
    found = prepared(timed(sound, tmp_path / "late.wma", "wmav2", "if(gt(N,3),TS+4/TB,TS)"))
    assert found.warnings == ()
    assert find_clicks_ms(samples_of(found)) == pytest.approx(CLICKS_MS, abs=60)
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == [found.waveform.path.name]


def test_a_recording_that_is_cut_off_is_done_and_not_strictly(qasr: Qasr, tmp_path: Path) -> None:
    whole = (SAMPLES / "clips/clip-01.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(whole[: len(whole) // 2])
    done = qasr("transcribe", "a.wav", "--engine", ECHO)
    assert done.returncode == 0
    assert "s promised, " in done.stderr
    strict = qasr("transcribe", "a.wav", "--engine", ECHO, "--strict", "--overwrite")
    assert strict.returncode == 4, strict.stderr
