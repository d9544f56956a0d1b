"""Where an aligner's measured offset is kept: in its config.json, in either layout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qasr_cli.engines import layouts
from qasr_cli.errors import UnavailableError

CONFIG = {"model_type": "qwen3_asr", "architectures": ["Qwen3ASRForTokenClassification"]}


def read(folder: Path, **more: object) -> layouts.Layout:
    (folder / "config.json").write_text(json.dumps(CONFIG | more), "utf-8")
    return layouts.read(folder)


def test_nobody_measured_is_zero(tmp_path: Path) -> None:
    assert read(tmp_path).offset_ms == 0


def test_a_measured_offset_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, qasr_time_offset_ms=-12).offset_ms == -12


@pytest.mark.parametrize("offset", ["-12", 1.5, True, None])
def test_what_is_no_number_of_milliseconds_is_refused(tmp_path: Path, offset: object) -> None:
    with pytest.raises(UnavailableError, match="qasr_time_offset_ms"):
        read(tmp_path, qasr_time_offset_ms=offset)
