"""Threads of torch: each test reads, in a process of its own, what OpenMP and torch made of the settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qasr_cli.engines.cpu import threads

CODE = """
import os
from qasr_cli.engines.cpu import threads
threads.import_torch()
import torch
print(torch.get_num_threads(), os.environ.get("GOMP_SPINCOUNT"))
"""
ALONE = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}
ALL_CORES = sorted(os.sched_getaffinity(0))


def run(
    variables: dict[str, str] | None = None, code: str = CODE, cores: list[int] = ALL_CORES
) -> tuple[list[str], str]:
    """Return what the code prints, and OpenMP's own list of its settings."""
    child = subprocess.run(
        [sys.executable, "-c", f"import os; os.sched_setaffinity(0, {cores})\n{code}"],
        env=ALONE | {"OMP_DISPLAY_ENV": "verbose"} | (variables or {}),
        capture_output=True,
        text=True,
        check=True,
    )
    return child.stdout.split(), child.stderr


def setting(listed: str, name: str) -> str:
    return next(line.split("'")[1] for line in listed.splitlines() if f" {name} = " in line)


@pytest.fixture(autouse=True)
def openmp_lists_its_settings() -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("only libgomp lists GOMP_SPINCOUNT, and only Linux has affinities")


def test_waiting_is_bounded_for_torch_and_for_nobody_else() -> None:
    printed, listed = run()
    assert setting(listed, "GOMP_SPINCOUNT") == "2000"
    assert printed[1] == "None"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("GOMP_SPINCOUNT", "77", "77"),
        ("OMP_WAIT_POLICY", "PASSIVE", "0"),
        ("OMP_WAIT_POLICY", "ACTIVE", "30000000000"),
    ],
)
def test_what_the_user_has_set_stays(name: str, value: str, expected: str) -> None:
    printed, listed = run({name: value})
    assert setting(listed, "GOMP_SPINCOUNT") == expected
    assert printed[1] == ("77" if name == "GOMP_SPINCOUNT" else "None")


def test_intel_s_variable_leaves_libgomp_alone() -> None:
    _, listed = run({"KMP_BLOCKTIME": "200"})
    assert setting(listed, "GOMP_SPINCOUNT") != "2000"


def test_threads_are_as_many_as_the_cores_of_the_process() -> None:
    assert run(cores=ALL_CORES[:1])[0][0] == "1"
    assert int(run()[0][0]) <= len(ALL_CORES)


def test_the_user_s_count_stays() -> None:
    assert run({"OMP_NUM_THREADS": "1"})[0][0] == "1"


def test_a_torch_that_a_program_has_set_up_stays_as_it_is() -> None:
    assert run(code="import torch; torch.set_num_threads(7)\n" + CODE)[0][0] == "7"


@pytest.mark.parametrize(
    ("quota", "variables", "n_threads"),
    [
        ("50000 100000", {}, "1"),
        ("150000 100000", {}, "1"),
        ("max 100000", {}, "2"),
        ("100000 100000", {"OMP_NUM_THREADS": "2"}, "2"),
        ("100000 100000", {"MKL_NUM_THREADS": "2"}, "2"),
    ],
)
def test_a_quota_bounds_threads_that_nobody_has_counted(
    tmp_path: Path, quota: str, variables: dict[str, str], n_threads: str
) -> None:
    if len(ALL_CORES) < 2:
        pytest.skip("this machine has one core")
    (tmp_path / "cpu.max").write_text(f"{quota}\n")
    code = f"""
from pathlib import Path
from qasr_cli.engines.cpu import threads
threads.quota_cores.__defaults__ = (Path({str(tmp_path)!r}), Path("/none"))
{CODE}"""
    assert run(variables, code, ALL_CORES[:2])[0][0] == n_threads


class TestQuota:
    def test_the_smallest_of_the_groups_above_counts(self, tmp_path: Path) -> None:
        own = tmp_path / "own"
        own.write_text("1:name=systemd:/old\n0::/user.slice/qasr.service\n")
        group = tmp_path / "mount" / "user.slice" / "qasr.service"
        group.mkdir(parents=True)
        assert threads.quota_cores(tmp_path / "mount", own) is None
        (group / "cpu.max").write_text("400000 100000\n")
        assert threads.quota_cores(tmp_path / "mount", own) == 4
        (group.parent / "cpu.max").write_text("250000 100000\n")
        assert threads.quota_cores(tmp_path / "mount", own) == 2.5

    @pytest.mark.parametrize(("quota_us", "expected"), [("-1", None), ("300000", 3.0), ("0", None)])
    def test_version_1_as_containers_show_it(
        self, tmp_path: Path, quota_us: str, expected: float | None
    ) -> None:
        (tmp_path / "cpu").mkdir()
        (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(quota_us)
        (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000")
        assert threads.quota_cores(tmp_path, tmp_path / "none") == expected

    @pytest.mark.parametrize("content", ["", "max", "1 2 3", "a b", "100000 0", "nan 100000", "ÿ"])
    def test_what_is_not_understood_is_no_limit(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "cpu.max").write_text(content)
        (tmp_path / "own").write_bytes(b"0::/../../etc\n\xff")
        assert threads.quota_cores(tmp_path, tmp_path / "own") is None


def test_several_devices_are_looked_for_with_the_bound_too() -> None:
    code = (
        "import sys\n"
        "from qasr_cli.engines import load\n"
        "from qasr_cli.engines.cpu import threads\n"
        "from qasr_cli.options import EngineOptions\n"
        "plain, was_imported = threads.import_torch, []\n"
        "def watched():\n"
        "    was_imported.append('torch' in sys.modules)\n"
        "    plain()\n"
        "threads.import_torch = watched\n"
        "load(EngineOptions(model='demo', aligner='none', device='cpu,cpu'))\n"
        "assert was_imported[0] is False, was_imported\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
