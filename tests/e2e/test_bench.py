"""`qasr bench` with the demo pair and with engines that need no time."""

from __future__ import annotations

import json
import wave
from pathlib import Path

from tests.e2e.conftest import ECHO, SAMPLES, Qasr
from tests.e2e.test_schemas import complaints

STAGES = ["decode", "vad", "recognize", "align", "cues"]


def test_the_demo_pair_is_measured_where_the_default_model_is_not_here(qasr: Qasr, tmp_path: Path) -> None:
    done = qasr("bench", "--json", "--batch-seconds", "4", env={"HF_HOME": str(tmp_path / "hub")})
    assert done.returncode == 0, done.stderr
    assert "model 0.6b is not on this machine" in done.stderr
    measured = json.loads(done.stdout)
    assert complaints("bench", measured) == []
    assert measured["model"].startswith("demo/asr@")
    assert [one["stage"] for one in measured["stages"]] == STAGES
    assert all(one["rtfx"] > 1 for one in measured["stages"])
    assert measured["batches"][0]["n_chunks"] == 1
    assert [one["n_chunks"] for one in measured["batches"]] == [2**n for n in range(len(measured["batches"]))]
    assert 17_000 < measured["speech_ms"] < measured["audio_ms"] < 19_000
    assert measured["peak_memory_bytes"] > 100_000_000
    assert measured["peak_device_bytes"] is None


def test_a_recording_of_the_users_own_and_an_engine_without_aligner(qasr: Qasr) -> None:
    done = qasr("bench", SAMPLES / "two-tracks.mkv", "--engine", "tests.fakes:unaligned", "--json")
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    assert complaints("bench", measured) == []
    assert measured["aligner"] is None
    assert measured["sample"] == "two-tracks.mkv"
    assert [one["stage"] for one in measured["stages"]] == [name for name in STAGES if name != "align"]


def test_batches_grow_to_the_size_that_is_asked_for(qasr: Qasr) -> None:
    done = qasr("bench", "--engine", ECHO, "--batch-size", "4", "--json")
    assert [one["n_chunks"] for one in json.loads(done.stdout)["batches"]] == [1, 2, 4]


def test_the_text_ends_with_what_limits_the_speed(qasr: Qasr) -> None:
    done = qasr("bench", "--engine", ECHO, "--batch-seconds", "0")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "Model: fake/echo; aligner: fake/even."
    assert "limits the speed" in lines[-1]
    assert done.stderr == ""


def test_what_cannot_be_measured_is_refused_in_one_line(qasr: Qasr, tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "silence.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(64_000))
    for arguments, code, message in (
        (("silence.wav",), 2, "no speech in"),
        (("nothing.wav",), 66, "nothing.wav"),
        (("--batch-seconds", "-1"), 2, "--batch-seconds must be at least 0"),
        (("--batch-seconds", "nan"), 2, "--batch-seconds must be at least 0"),
    ):
        done = qasr("bench", *arguments, "--engine", ECHO)
        assert (done.returncode, done.stdout) == (code, "")
        assert message in done.stderr
        assert len(done.stderr.splitlines()) == 1
    unloaded = qasr("bench", "nothing.wav", "--engine", "no_such_module:load")
    assert unloaded.returncode == 66  # by its name alone, before an engine is loaded
    away = qasr("bench", "--model", "nobody/has-it")
    assert away.returncode == 69
    assert "nobody/has-it is not on this machine" in away.stderr
