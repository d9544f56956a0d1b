"""What `qasr bench` says about its measurements."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from qasr_cli.tasks import bench_report
from qasr_cli.tasks.bench_report import BatchTime, Measurements, StageTime

# 20 s of audio, the recogniser 4 s of 5.
MEASURED = Measurements(
    model="org/model@1",
    aligner="org/aligner@1",
    device="cpu float32",
    sample="talk.ogg",
    audio_ms=20_000,
    speech_ms=15_000,
    n_chunks=1,
    load_s=2.5,
    stages=(
        StageTime("decode", 0.1, 0.2),
        StageTime("vad", 0.1, 0.1),
        StageTime("recognize", 4.0, 7.0),
        StageTime("align", 0.7, 1.0),
        StageTime("cues", 0.1, 0.1),
    ),
    batches=(BatchTime(1, 16_000, 3.0, 1.0), BatchTime(2, 16_000, 3.0, 1.0), BatchTime(4, 16_000, 7.0, 3.0)),
    peak_memory_bytes=1_500_000_000,
)


def test_the_slowest_stage_and_the_best_batch_are_named() -> None:
    assert bench_report.sentence(MEASURED) == (
        "the recogniser limits the speed: 80% of the time; in batches of 2 the models are 2.0 times as fast."
    )


def test_batches_that_gain_nothing_are_not_praised() -> None:
    slow = replace(MEASURED, batches=(MEASURED.batches[0], BatchTime(2, 16_000, 6.0, 1.9)))
    assert bench_report.sentence(slow).endswith("80% of the time; larger batches are hardly faster.")


def test_nothing_is_concluded_about_batches_that_were_not_measured() -> None:
    alone = replace(MEASURED, batches=MEASURED.batches[:1])
    assert bench_report.sentence(alone).endswith("80% of the time; larger batches were not measured.")


@pytest.mark.parametrize(("stage", "title"), [("decode", "decoding"), ("vad", "voice activity detection")])
def test_where_the_host_limits_no_device_helps(stage: str, title: str) -> None:
    slow = replace(MEASURED, stages=(*MEASURED.stages, StageTime(stage, 45.0, 45.0)))
    assert bench_report.sentence(slow) == (
        f"{title} limits the speed: 90% of the time; a faster device would not help."
    )


def test_the_text_has_a_row_for_each_stage_and_batch() -> None:
    lines = bench_report.text(MEASURED).splitlines()
    rows = [line.split() for line in lines]
    assert ["the", "recogniser", "200.00", "350.00", "5.0"] in rows
    assert ["4", "7.00", "3.00", "6.4"] in rows
    assert "Peak memory: 1.50 GB." in lines
    assert lines[-1].startswith("The recogniser limits")
    on_gpu = bench_report.text(replace(MEASURED, peak_memory_bytes=None, peak_device_bytes=2 * 10**9))
    assert "Peak memory: unknown, on the GPU 2.00 GB." in on_gpu


def test_without_an_aligner_its_times_are_left_open() -> None:
    alone = replace(MEASURED, aligner="", batches=(BatchTime(1, 16_000, 3.2, 0.0),))
    text = bench_report.text(alone)
    assert "aligner: none." in text
    assert ["1", "3.20", "-", "5.0"] in [line.split() for line in text.splitlines()]
    assert json.loads(bench_report.json_text(alone, "1"))["aligner"] is None


def test_the_json_has_the_same_figures() -> None:
    content = json.loads(bench_report.json_text(MEASURED, "1.2.3"))
    assert content["version"] == "1.2.3"
    assert content["stages"][2] == {
        "stage": "recognize", "ms_per_audio_s": 200.0, "cpu_ms_per_audio_s": 350.0, "rtfx": 5.0
    }  # fmt: skip
    assert content["batches"][1]["rtfx"] == 8.0
    assert content["limit"] == {
        "stage": "recognize", "share": 0.8, "sentence": bench_report.sentence(MEASURED)
    }  # fmt: skip
