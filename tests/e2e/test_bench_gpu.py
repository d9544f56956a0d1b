"""The measuring of a GPU, tried on a CPU; and its arithmetic against figures that are known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from qasr_cli.engines.layouts import Kind
from tests.bench import gpu, roofline
from tests.model_folders import REAL_ALIGNER, REAL_ASR_06B, REAL_ASR_17B, Shape, configuration


def test_the_smoke_mode_compares_answers_and_then_times(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "gpu.json"
    assert gpu.main(["--device", "cpu", "--smoke", "--out", str(out)]) == 0
    found = json.loads(out.read_text("utf-8"))
    assert found["demo"]["fp32"] == {"as_on_cpu": 4, "as_alone": 4, "slots_as_on_cpu": 1.0}
    assert found["bf16"]["least_cosine"] > 0.999
    assert [row["batch"] for row in found["table"]] == [1, 3]
    for row in found["table"]:
        assert row["rtfx"] > row["rtfx_aligned"] > 0
        assert all(row[f"{stage}_share"] > 0 for stage in ("encode", "prefill", "step"))
    assert {"commit", "device", "torch"} <= found["machine"].keys()
    assert "| batch |" in capsys.readouterr().out


def test_the_clips_are_samples_as_an_engine_takes_them() -> None:
    clips = gpu.clips(3, 2.0)
    assert {clip.dtype.name for clip in clips} == {"float32"}
    assert all(0.01 < abs(clip).max() <= 1 for clip in clips)


def test_wrong_answers_are_not_timed() -> None:
    right = {"as_on_cpu": 4, "as_alone": 4}
    assert gpu.is_right({"clips": 4, "fp32": right})
    for key in right:
        assert not gpu.is_right({"clips": 4, "fp32": {**right, key: 3}})


@pytest.mark.parametrize(
    ("kind", "shape", "layers_m", "encoder_gflop", "whole_gflop"),
    [
        (Kind.RECOGNIZER, REAL_ASR_06B, 440.4, 9.0, 20.5),
        (Kind.RECOGNIZER, REAL_ASR_17B, 1409.3, 12.5, 49.1),
        (Kind.ALIGNER, REAL_ALIGNER, 440.4, 12.5, 24.0),
    ],
)
def test_operations_are_those_that_were_counted_by_hand(
    kind: Kind, shape: Shape, layers_m: float, encoder_gflop: float, whole_gflop: float
) -> None:
    """A second of audio is 13 tokens; weights as the classes themselves have them."""
    config = configuration(kind, shape)
    assert roofline.layer_parameters(config) / 1e6 == pytest.approx(layers_m, rel=0.001)
    encoder = roofline.encoder_flop(config, 1.0)
    assert encoder / 1e9 == pytest.approx(encoder_gflop, rel=0.03)
    prefill = roofline.prefill_flop(config, 13 * 30) / 30
    assert (encoder + prefill) / 1e9 == pytest.approx(whole_gflop, rel=0.05)


def test_a_step_reads_the_weights_once_and_every_row_s_keys() -> None:
    config = configuration(Kind.RECOGNIZER, REAL_ASR_06B)
    alone = roofline.step_bytes(config, 0, 0, 2)
    assert alone / 1e9 == pytest.approx(1.19, rel=0.01)
    assert roofline.step_bytes(config, 128, 500, 2) - alone == 128 * 500 * 112 * 1024


def test_a_peak_is_measured() -> None:
    peak = roofline.measure_peak(torch.device("cpu"), torch.float32)
    assert peak.flop_per_s > 1e8
    assert peak.bytes_per_s > 1e7
