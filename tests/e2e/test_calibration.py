"""The tool that measures how early or late an aligner is, on the demo pair's."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import environment

ROOT = Path(__file__).parents[2]
ALIGNER = ROOT / "qasr_cli" / "demo" / "aligner"


@pytest.mark.slow
def test_the_offset_is_measured_written_and_honoured(tmp_path: Path) -> None:
    copy = tmp_path / "aligner"
    shutil.copytree(ALIGNER, copy)
    measured = _calibrate("--aligner", copy, "--write")
    before, after = (float(found) for found in re.findall(r"mean signed error +([+-][\d.]+) ms", measured))
    assert abs(after) <= min(abs(before) + 0.5, 10.0)
    assert int(re.findall(r"(\d+) words", measured)[-1]) > 200
    offset_ms = json.loads((copy / "config.json").read_text("utf-8"))["qasr_time_offset_ms"]
    assert f"qasr_time_offset_ms = {offset_ms}" in measured
    assert abs(offset_ms + before) < 5  # two halves of the same recordings


def _calibrate(*arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tools.calibrate_aligner", "--device", "cpu", *map(str, arguments)],
        capture_output=True, text=True, cwd=ROOT, env=environment(), timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout
