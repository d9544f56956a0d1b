"""The page of benchmarks out of a result of the contest."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bench import page


def _run(work: str, name: str, n_threads: int, cpu_s: float, wall_s: float, **more: Any) -> dict[str, Any]:
    times = {"cpu_s": cpu_s, "wall_s": wall_s, "audio_s": 30, "peak_mb": 1500}
    return {
        "work": work, "contestant": name, "n_threads": n_threads, "is_first_start": False, **times, **more
    }  # fmt: skip


def _result(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "date": "2026-01-02T03:04:05+00:00",
        "model": "0.6b",
        "machine": {"cpu": "Chip", "family": "1 2 3", "n_cores": 2, "flags": ["avx2"]},
        "versions": {"torch": "2"},
        "commit": "0123456789",
        "is_clean": True,
        "load_average": [2.0, 0.5],
        "conditions": {"rounds": 3, "threads": [1, 2]},
        "runs": runs,
    }


def test_rows_hold_medians_and_the_ratio_to_the_official_package() -> None:
    runs = [
        *(_run("clip", "qasr auto", 1, cpu_s, 9.0) for cpu_s in (5.0, 6.0, 40.0)),
        *(_run("clip", "official fp32", 1, cpu_s, 40.0) for cpu_s in (30.0, 30.0, 10.0)),
        _run("clip", "qasr auto", 2, 8.0, 4.0, peak_mb=2600, device="cpu bfloat16"),
    ]
    lines = page.tables(_result(runs)).splitlines()
    assert "| qasr auto (bfloat16) | 6.0 | 5.00 | 5.0 | 4.0 | 2.0 | 2.6 |" in lines
    assert "| official fp32 | 30.0 | 1.00 | 1.0 |  |  | 1.5 |" in lines
    assert lines[0].startswith("2026-01-02, commit 0123456: Chip (family 1 2 3), 2 cores, avx2.")
    assert lines[0].endswith("load average 0.5 to 2.0.")


def test_the_first_start_and_later_ones_are_apart() -> None:
    runs = [
        _run("start", "qasr auto", 2, 0, 1.5, load_wall_s=12.0, is_first_start=True),
        _run("start", "qasr auto", 2, 0, 0.5, load_wall_s=3.0),
        _run("start", "qasr auto", 2, 0, 0.5, load_wall_s=4.0),
    ]
    assert page.tables(_result(runs)).endswith("| qasr auto | 12.0 | 3.5 | 13.5 | 4.0 | 1.5 |")


def test_a_step_is_the_difference_of_two_token_caps() -> None:
    runs = [
        _run("clip", "qasr auto", 1, 14.0, 14.0, token_cap=121),
        _run("prefill", "qasr auto", 1, 2.0, 2.0, token_cap=1),
        _run("prefill", "without a clip", 1, 2.0, 2.0, token_cap=1),
    ]
    lines = page.tables(_result(runs)).splitlines()
    assert "| qasr auto | 2.00 | 100 |" in lines
    assert not [line for line in lines if line.startswith("| without")]


def test_only_what_is_between_the_marks_changes() -> None:
    filled = page.fill(f"before\n{page.BEGIN}old{page.END}\nafter", "new")
    assert filled == f"before\n{page.BEGIN}\n\nnew\n\n{page.END}\nafter"
    with pytest.raises(ValueError, match="lacks"):
        page.fill(f"{page.END} {page.BEGIN}", "new")


def test_the_page_has_its_marks() -> None:
    page.fill(page.PAGE.read_text("utf-8"), "")
