"""Speech too faint for the detector is found with gain, and noise stays noise at any level."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from qasr_cli.options import Options
from qasr_cli.pipeline.prepare import Prepared, prepare
from qasr_cli.records import Source
from qasr_cli.timebase import SAMPLE_RATE_HZ
from tests import sounds
from tests.e2e.conftest import SAMPLES, Qasr
from tests.media_factory import ffmpeg

SPEECH = SAMPLES / "clips/clip-01.wav"
FAINT_DB = -77


def prepared(path: Path, folder: Path) -> Prepared:
    folder.mkdir(exist_ok=True)
    return prepare(Source(0, path, Path(path.name)), folder, Options(), threading.Event())


def loudness_db(samples: np.ndarray) -> float:
    return float(10 * np.log10((samples.astype(np.float64) ** 2).mean()))


def faint(path: Path, *options: object, source: Path = SPEECH, level_db: float = FAINT_DB) -> Path:
    """Write a sound at a level of so many dB of full scale."""
    samples, _ = soundfile.read(source)
    gain_db = level_db - loudness_db(samples)
    ffmpeg("-i", source, "-af", f"volume={gain_db:.2f}dB:precision=float", *options, path)
    return path


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.wav", ["-c:a", "pcm_s16le"]),
        ("a.flac", ["-c:a", "flac", "-sample_fmt", "s32"]),
        ("a.m4a", ["-c:a", "aac"]),
    ],
)
@pytest.mark.parametrize("level_db", [-77, -84])
def test_faint_speech_is_found_with_gain(
    tmp_path: Path, name: str, options: list[object], level_db: float
) -> None:
    loud = prepared(SPEECH, tmp_path / "loud")
    found = prepared(faint(tmp_path / name, *options, level_db=level_db), tmp_path / "work")
    assert found.speech_ms == pytest.approx(loud.speech_ms, rel=0.1)
    (warning,) = found.warnings
    assert warning.startswith("its sound is very faint (-")
    assert "amplified it by " in warning
    (left,) = (tmp_path / "work").iterdir()
    samples = np.fromfile(left, dtype="<i2")
    assert left == found.waveform.path
    assert loudness_db(samples / 32768) > -35


def test_ordinary_speech_is_not_touched(tmp_path: Path) -> None:
    for level_db in (-20, -45, -60):
        found = prepared(faint(tmp_path / "a.wav", level_db=level_db), tmp_path / "work")
        assert found.warnings == ()
        assert found.waveform.path.name == "0.s16le"


@pytest.mark.parametrize("name", sounds.KINDS)
def test_noise_stays_noise(tmp_path: Path, name: str) -> None:
    sound = sounds.KINDS[name](np.random.default_rng(7), 10 * SAMPLE_RATE_HZ)
    for level_db in (-65, -80):
        quiet = sound * 10 ** ((level_db - loudness_db(sound)) / 20) if sound.any() else sound
        soundfile.write(tmp_path / "a.wav", quiet, SAMPLE_RATE_HZ, subtype="PCM_16")
        found = prepared(tmp_path / "a.wav", tmp_path / "work")
        assert (found.warnings, found.speech.spans) == ((), ())
        assert [path.name for path in (tmp_path / "work").iterdir()] == ["0.s16le"]


def test_faint_speech_is_transcribed_with_a_warning(qasr: Qasr, tmp_path: Path) -> None:
    words = json.loads((SAMPLES / "clips.truth.json").read_text("utf-8"))["clip-01.wav"]["words"]
    faint(tmp_path / "a.wav")
    result = qasr("transcribe", "a.wav", "--model", "demo", "--json")
    assert result.returncode == 0, result.stderr
    assert "its sound is very faint" in result.stderr
    transcript = json.loads((tmp_path / "a.json").read_text("utf-8"))
    found = [word for segment in transcript["segments"] for word in segment["words"]]
    assert abs(len(found) - len(words)) <= 1
    strict = qasr("transcribe", "a.wav", "--model", "demo", "--json", "--strict", "--overwrite")
    assert strict.returncode == 4
