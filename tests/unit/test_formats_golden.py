"""Whole files, byte for byte; see `tests/golden/regenerate.py` for how they come about."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.golden.regenerate import FOLDER, OF_SPEAKERS, cases, expected_files, load

N_CASES = 16


def test_no_case_is_missing() -> None:
    assert len(cases()) == N_CASES


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.stem)
def test_files_are_as_expected(case: Path) -> None:
    for path, text in expected_files(case):
        assert path.read_text(encoding="utf-8") == text, path.name


def test_no_file_is_left_over() -> None:
    expected = {path.name for case in cases() for path, _ in expected_files(case)}
    ours = {"__init__.py", "regenerate.py"}
    assert {path.name for path in FOLDER.iterdir() if path.is_file()} - ours == expected


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.stem)
def test_cues_of_a_case_are_legal(case: Path) -> None:
    transcript, laid_out = load(case)
    for cue, following in pairwise(laid_out):
        assert cue.end_ms <= following.start_ms
    edges = [0, *(cue.word_range[1] for cue in laid_out)]
    assert [cue.word_range for cue in laid_out] == list(pairwise(edges))
    assert edges[-1] == len(transcript.words)
    if case.stem not in {"collapsed", "english-fast", "japanese"}:
        # A name takes reading time that the speech does not leave.
        forgiven = {"dur_min", "cps"} if case.stem in OF_SPEAKERS else {"dur_min"}
        assert not {flag for cue in laid_out for flag in cue.flags} - forgiven
