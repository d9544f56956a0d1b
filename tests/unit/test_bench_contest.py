"""The contest's order, who takes part, and what makes a run not count."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from tests.bench.contest import __main__ as contest
from tests.bench.contest.contestants import ANTIREZ, CONTESTANTS, obstacle

OFFICIAL = next(one for one in CONTESTANTS if one.kind == "official")
IN_C = next(one for one in CONTESTANTS if one.kind == "antirez")


def test_one_thread_and_several_take_turns_in_each_round() -> None:
    arguments = argparse.Namespace(works=["start", "clip"], rounds=2, threads=2)
    assert list(contest._planned(arguments)) == [
        *(("start", 1, 2), ("start", 2, 2)),
        *(("clip", 1, 1), ("clip", 1, 2), ("clip", 2, 1), ("clip", 2, 2)),
    ]


def test_programs_that_are_not_here_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ANTIREZ, raising=False)
    assert obstacle(OFFICIAL, tmp_path / "python") == f"no {tmp_path / 'python'}: make bench-official"
    assert ANTIREZ in obstacle(IN_C, tmp_path)
    monkeypatch.setenv(ANTIREZ, str(tmp_path / "qwen_asr"))
    assert "no file" in obstacle(IN_C, tmp_path)
    (tmp_path / "qwen_asr").touch()
    assert obstacle(IN_C, tmp_path) == ""


def test_a_run_whose_aligner_failed_does_not_count(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    calls = [{"engine": name, "begin_s": 1.0, "end_s": 3.5} for name in ("recognizer", "aligner")]
    file.write_text("".join(json.dumps(call) + "\n" for call in calls))
    assert contest._engine_calls(file) == {"engine_wall_s": 5.0, "n_calls": 2}
    file.write_text(json.dumps(calls[0]) + "\n")
    with pytest.raises(RuntimeError, match="aligner failed"):
        contest._engine_calls(file)
