"""Nothing is written where nobody speaks: noise, tones, music, knocks, and the pauses of real recordings.

Voice detection is the gate: with it even an engine that makes words of everything writes none. The demo pair
is asked without the gate, too.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from qasr_cli import engines
from qasr_cli.options import DecodeOptions, EngineOptions
from qasr_cli.speech.inference.protocols import Recognizer
from qasr_cli.timebase import SAMPLE_RATE_HZ
from tests import sounds
from tests.e2e.conftest import ECHO, SAMPLES, Qasr

NAMES = [*sounds.KINDS, "pauses"]
SECONDS = 20
AROUND_MS = 300  # of a word's true place; detection pads speech by a part of it


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sounds")
    assert [written.stem for written in sounds.write_all(path, SECONDS, seed=1)] == NAMES
    return path


@pytest.mark.parametrize("engine", [("--engine", ECHO), ("--model", "demo")], ids=["echo", "demo"])
def test_nothing_is_invented_where_nobody_speaks(
    qasr: Qasr, folder: Path, tmp_path: Path, engine: tuple[str, str]
) -> None:
    result = qasr("transcribe", folder, *engine, "--json", "--txt", "--strict", "-o", tmp_path)
    assert result.returncode == 0, result.stderr
    for name in NAMES:
        transcript = json.loads((tmp_path / f"{name}.json").read_text("utf-8"))
        assert (transcript["segments"], transcript["uncovered"]) == ([], []), name
        assert (tmp_path / f"{name}.txt").read_text("utf-8") == ""


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return engines.load(EngineOptions(model="demo", device="cpu", aligner="none")).recognizer


@pytest.mark.parametrize("name", NAMES)
def test_the_demo_pair_says_so_by_itself(recognizer: Recognizer, folder: Path, name: str) -> None:
    samples, _ = soundfile.read(folder / f"{name}.wav", dtype="float32")
    (answer,) = recognizer.recognize([samples], DecodeOptions())
    assert (answer.text, answer.language) == ("", None)


def write_scene(path: Path, speech: np.ndarray, kind: str) -> None:
    """Write ten seconds of a sound, the speech, and ten more, the sound 12 dB below the speech."""
    around = sounds.KINDS[kind](np.random.default_rng(3), 20 * SAMPLE_RATE_HZ)
    around *= 0.25 * np.sqrt((speech**2).mean() / max(float((around**2).mean()), 1e-9))
    half = len(around) // 2
    soundfile.write(path, np.concatenate([around[:half], speech, around[half:]]), SAMPLE_RATE_HZ)


def test_a_sentence_among_other_sounds_is_all_that_is_written(qasr: Qasr, tmp_path: Path) -> None:
    name, kinds = "clip-06.wav", ("pink noise", "music", "silence")
    words = json.loads((SAMPLES / "clips.truth.json").read_text("utf-8"))[name]["words"]
    speech, _ = soundfile.read(SAMPLES / "clips" / name, dtype="float32")
    for kind in kinds:
        write_scene(tmp_path / f"{kind}.wav", speech, kind)
    result = qasr("transcribe", ".", "--model", "demo", "--json", "--strict")
    assert result.returncode == 0, result.stderr
    for kind in kinds:
        transcript = json.loads((tmp_path / f"{kind}.json").read_text("utf-8"))
        found = [word for segment in transcript["segments"] for word in segment["words"]]
        assert abs(len(found) - len(words)) <= 1, kind
        assert found[0]["start_ms"] >= 10_000 + words[0]["start_ms"] - AROUND_MS
        assert found[-1]["end_ms"] <= 10_000 + words[-1]["end_ms"] + AROUND_MS
