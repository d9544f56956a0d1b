"""An engine says which languages it knows, and another one is refused before anything is read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from qasr_cli.engines.qwen3.languages import ALIGNED, RECOGNIZED
from qasr_cli.languages import LANGUAGES
from tests.e2e.conftest import ROOT, Qasr

ECHO = "tests.fakes:echo"
CLIP = ROOT / "samples" / "clips" / "clip-01.wav"


def test_qwen3_s_languages_are_those_of_transformers() -> None:
    from transformers.models.qwen3_asr import processing_qwen3_asr as theirs

    names = {language.name: language.code for language in LANGUAGES}
    assert {names[name] for name in theirs.LANGUAGE_CODE_TO_NAME.values()} == RECOGNIZED
    assert {names[name] for name in theirs.FORCED_ALIGNER_LANGUAGES} == ALIGNED


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--language", "Ukrainian"], "--language: qwen3 does not support Ukrainian (uk)"),
        (["--languages", "en,he"], "--languages: qwen3 does not support Hebrew (he)"),
        (["--language", "Germn"], "no language 'Germn'; did you mean German (de)?"),
    ],
)
def test_a_language_that_the_engine_lacks_is_usage(
    qasr: Qasr, tmp_path: Path, flags: list[str], expected: str
) -> None:
    """Found out before the media, the weights or ffmpeg are looked for."""
    (tmp_path / "a.wav").write_bytes(b"no media")
    done = qasr(
        "transcribe", "a.wav", "--model", "nobody/nothing", *flags, env={"QASR_FFMPEG": "/nonexistent"}
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"qasr: error: {expected}")
    assert len(done.stderr.splitlines()) == 1


def test_an_engine_that_does_not_say_is_given_any(qasr: Qasr, tmp_path: Path) -> None:
    shutil.copy(CLIP, tmp_path / "a.wav")
    done = qasr("transcribe", "a.wav", "--engine", ECHO, "--language", "uk", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "a.json").read_text())["language"]


def test_an_engine_that_says_is_given_no_other(qasr: Qasr, tmp_path: Path) -> None:
    shutil.copy(CLIP, tmp_path / "a.wav")
    done = qasr("transcribe", "a.wav", "--engine", "tests.fakes:english_only", "--language", "uk")
    assert done.returncode == 2
    assert "tests.fakes:english_only does not support Ukrainian (uk); its languages: en" in done.stderr
