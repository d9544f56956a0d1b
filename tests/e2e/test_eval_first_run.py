"""`qasr eval --first-run`, `--fit-confidence` and `--detectors` with the demo pair."""

from __future__ import annotations

import json
import shutil
import stat
import tomllib
from pathlib import Path

import pytest

from qasr_cli.engines import model_store
from tests.e2e.conftest import SAMPLES, Qasr

DEMO = Path(model_store.recognizer_location("demo"))
OFFICIAL = """#!/bin/sh
exec python3 - "$2" "$3" <<'END'
import json, pathlib, sys
assert (pathlib.Path(sys.argv[1]) / "config.json").read_text()
assert (pathlib.Path(sys.argv[2]) / "clips.npz").read_bytes()
answer = {"version": "9.9", "texts": ["other words"] * 12}
(pathlib.Path(sys.argv[2]) / "texts.json").write_text(json.dumps(answer))
END
"""


@pytest.mark.slow
def test_the_demo_pair_is_checked_and_nothing_is_replaced(qasr: Qasr, tmp_path: Path) -> None:
    """On a recording with a telling name; the official package is a stand-in that writes other words."""
    named = tmp_path / "secret-talk"
    named.mkdir()
    for name in ("sample.ogg", "sample.truth.json"):
        shutil.copy(DEMO.parent / name, named / name.replace("sample", "private"))
    python = tmp_path / "official python {x}"
    python.write_text(OFFICIAL)
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    out = tmp_path / "out"
    arguments = ("eval", "--first-run", named, "-m", "demo", "-o", out, "--first-run-seconds", "2")
    done = qasr(*arguments, "--official-python", python, "--normalizer", "qasr")
    assert done.returncode == 0, done.stderr
    report = json.loads((out / "first-run.json").read_text())
    assert report["model"].startswith("demo/asr@")
    assert (report["official"]["clips"], report["official"]["equal"]) == (12, 0)
    recognised, given = report["sets"]
    assert (recognised["is_text_given"], given["is_text_given"]) == (False, True)
    assert recognised["rate"]["value"] < 0.1
    assert abs(given["times"]["bias_ms"]) < 10
    assert given["times"]["words"] == 50
    assert {one["name"]: one["flagged"] for one in recognised["detectors"]}["any"] == 0
    assert {one["name"] for one in recognised["detector_values"]} >= {"letters_per_s", "avg_logprob"}
    assert [one["stage"] for one in report["stages"]] == ["decode", "vad", "recognize", "align", "cues"]
    assert report["trials"][0]["rtfx"][0]["batch_size"] == 1
    settings = tomllib.loads((out / "qasr.toml").read_text())
    assert set(settings) == {"device", "dtype", "batch-size"}
    shared = "".join((out / name).read_text() for name in ("first-run.md", "first-run.json", "qasr.toml"))
    for private in ("private", "secret", str(tmp_path), "Helen", "Dublin"):
        assert private not in shared
    assert done.stdout == (out / "first-run.md").read_text()
    again = qasr(*arguments)
    assert again.returncode == 73
    assert "first-run.md: it exists" in again.stderr
    shown = qasr("config", "show", env={"QASR_CONFIG": str(out / "qasr.toml")})
    assert shown.returncode == 0, shown.stderr
    assert "batch-size" in shown.stdout


def test_a_map_is_fitted_kept_and_used(qasr: Qasr, tmp_path: Path) -> None:
    """Half of the references are spoilt, so that a confident model is wrong."""
    model = tmp_path / "model"
    shutil.copytree(DEMO, model, ignore=shutil.ignore_patterns("confidence.json"))
    references = tmp_path / "references"
    references.mkdir()
    truth = json.loads((SAMPLES / "talk.truth.json").read_text())
    words = truth["text"].split()
    spoilt = " ".join("spoilt" if number % 2 else word for number, word in enumerate(words))
    shutil.copy(SAMPLES / "talk.mp4", references / "talk.mp4")
    (references / "talk.en.txt").write_text(spoilt)
    out = tmp_path / "out"
    done = qasr(
        "eval", references, "-m", model, "--aligner", "demo", "-o", out, "--fit-confidence", "--detectors",
        "--normalizer", "qasr",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "confidences fitted to" in done.stderr
    assert "What detectors look at" in done.stdout
    kept = json.loads((model / "confidence.json").read_text())
    assert kept["ece_before"] > 0.3
    assert kept["ece_after"] < 0.1
    clip = SAMPLES / "clips" / "clip-01.wav"
    text = qasr("transcribe", clip, "-m", model, "--aligner", "demo", "--json", "-o", "-")
    (segment,) = json.loads(text.stdout)["segments"]
    for word in segment["words"]:
        assert word["confidence"] == pytest.approx(0.5, abs=0.2)
        assert word["token_posterior"] > 0.5
    (model / "confidence.json").unlink()
    plain = qasr("transcribe", clip, "-m", model, "--aligner", "demo", "--json", "-o", "-")
    (other,) = json.loads(plain.stdout)["segments"]
    for one, two in zip(segment["words"], other["words"], strict=True):
        assert {**one, "confidence": 0} == {**two, "confidence": 0}
        assert two["confidence"] == pytest.approx(
            two["token_posterior"] * two["time_posterior"] ** 0.5, abs=1e-4
        )
    assert json.loads(text.stdout)["fingerprint"] == json.loads(plain.stdout)["fingerprint"]
