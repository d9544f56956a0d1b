"""The CPU's number format: the self-test, its place in the cache, and what `--dtype` makes of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from qasr_cli.engines import cache_files, device, model_store, weights
from qasr_cli.engines.cpu import cpu_format, int8_linear
from qasr_cli.engines.cpu.cpu_format import BF16, ONEDNN, PLAIN
from qasr_cli.errors import UnavailableError, UsageError
from tests.e2e.conftest import Qasr

STRANGE = {PLAIN: 1000.0, ONEDNN: 1.0, BF16: 1000.0}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("QASR_CACHE", str(tmp_path / "cache"))
    cpu_format.find.cache_clear()
    yield tmp_path / "cache"
    cpu_format.find.cache_clear()


def stored(cache: Path) -> Path:
    (found,) = cache.iterdir()
    return found


class TestChoice:
    @pytest.mark.parametrize(
        ("times", "expected"),
        [
            ({PLAIN: 35.0, ONEDNN: 16.0, BF16: 9.0}, torch.bfloat16),  # AMD with avx512_bf16
            ({PLAIN: 35.0, ONEDNN: 16.0, BF16: 15.0}, torch.float32),  # AMD without it
            ({PLAIN: 16.0, ONEDNN: 16.0, BF16: 60.0}, torch.float32),  # Intel without it
            ({PLAIN: 16.0, ONEDNN: 13.0, BF16: 12.5}, torch.float32),  # within the noise
            ({PLAIN: 10.0, BF16: 80.0}, torch.float32),  # a torch without oneDNN
            ({PLAIN: 10.0}, torch.float32),
        ],
    )
    def test_a_format_must_gain_a_quarter(self, times: dict[str, float], expected: torch.dtype) -> None:
        assert cpu_format.choose(times) == expected

    def test_the_self_test_times_every_format_on_one_thread_and_gives_the_threads_back(self) -> None:
        before = torch.get_num_threads()
        torch.set_num_threads(2)
        try:
            times = cpu_format.measure()
            assert torch.get_num_threads() == 2
        finally:
            torch.set_num_threads(before)
        assert {PLAIN, BF16} <= set(times)
        assert all(time_ms > 0 for time_ms in times.values())

    def test_an_operator_that_this_torch_lacks_is_left_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch.ops, "mkldnn", SimpleNamespace())
        assert set(cpu_format.measure()) == {PLAIN, BF16}


class TestCache:
    def test_a_second_start_takes_what_the_first_one_found(self, cache: Path) -> None:
        first = cpu_format.find()
        written = json.loads(stored(cache).read_text())
        assert written["times_ms"] == first.times_ms
        stored(cache).write_text(json.dumps(written | {"times_ms": STRANGE}))
        cpu_format.find.cache_clear()
        assert cpu_format.find().dtype == cpu_format.choose(STRANGE)
        assert cpu_format.find().times_ms == STRANGE

    @pytest.mark.parametrize(
        "damage",
        [
            b"",
            b"{",
            b"[1]",
            b"\xff\xfe",
            b'{"machine": "another", "times_ms": {"fp32": 1.0}}',
            b"[" * 100_000,
            b'{"machine": "MACHINE"}',
            b'{"machine": "MACHINE", "times_ms": {"bf16": 1.0}}',
            b'{"machine": "MACHINE", "times_ms": {"fp32": -1.0}}',
            b'{"machine": "MACHINE", "times_ms": {"fp32": "fast"}}',
            b'{"machine": "MACHINE", "times_ms": {"fp32": NaN}}',
            b'{"machine": "MACHINE", "times_ms": {"fp32": 1.0, "fp4": 0.1}}',
            b" " * 2_000_000,
        ],
    )
    def test_a_damaged_file_is_measured_anew_and_replaced(self, cache: Path, damage: bytes) -> None:
        cpu_format.find()
        path = stored(cache)
        path.write_bytes(damage.replace(b"MACHINE", cpu_format.machine_key().encode()))
        cpu_format.find.cache_clear()
        assert {PLAIN, BF16} <= set(cpu_format.find().times_ms)
        assert set(json.loads(path.read_text())["times_ms"]) == set(cpu_format.find().times_ms)

    def test_a_file_that_others_may_write_to_does_not_count(
        self, cache: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        cache_files.write_json("a.json", 1)
        assert cache_files.read_json("a.json") == 1
        (cache / "a.json").chmod(0o666)
        assert cache_files.read_json("a.json") is None
        assert "others may write to it" in caplog.text

    def test_a_folder_or_a_fifo_in_its_place_is_not_read(self, cache: Path) -> None:
        cache.mkdir()
        (cache / "a.json").mkdir()
        os.mkfifo(cache / "b.json")
        assert cache_files.read_json("a.json") is None
        assert cache_files.read_json("b.json") is None

    def test_a_cache_that_cannot_be_written_costs_a_self_test_and_no_more(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").touch()
        monkeypatch.setenv("QASR_CACHE", str(tmp_path / "file" / "below"))
        assert cpu_format.find().times_ms
        assert not cache_files.write("a", lambda file: file.write(b"a"))

    def test_a_full_disk_leaves_neither_a_file_nor_a_temporary_one(self, cache: Path) -> None:
        def fill(_: object) -> None:
            raise OSError(28, "No space left on device")

        assert not cache_files.write("a", fill)
        assert list(cache.iterdir()) == []

    @pytest.mark.parametrize(
        ("variables", "expected"),
        [
            ({"QASR_CACHE": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"}, Path("/a")),
            ({"XDG_CACHE_HOME": "/b", "HOME": "/c"}, Path("/b/qasr")),
            ({"QASR_CACHE": "", "XDG_CACHE_HOME": "b", "HOME": "/c"}, Path("/c/.cache/qasr")),
            ({"HOME": ""}, None),
            ({}, None),
        ],
    )
    def test_its_folder(
        self, variables: dict[str, str], expected: Path | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("QASR_CACHE", "XDG_CACHE_HOME", "HOME"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert cache_files.folder() == expected
        if expected is None:
            assert not cache_files.write("a", lambda file: file.write(b"a"))
            assert cache_files.read_json("a") is None


class TestPlacement:
    def test_auto_is_what_the_self_test_found(self, cache: Path) -> None:
        found = cpu_format.find()
        placed = device.place("cpu", "auto")
        assert placed == device.Placement(torch.device("cpu"), found.dtype)
        assert device.place("cpu", "auto", 600_000_000) == placed

    def test_the_demo_pair_stays_in_plain_fp32_without_a_self_test(self, cache: Path) -> None:
        n_parameters = weights.n_parameters(Path(model_store.recognizer_location("demo")))
        assert 1_000_000 < n_parameters < 100_000_000
        placed = device.place("cpu", "auto", n_parameters)
        assert placed == device.Placement(torch.device("cpu"), torch.float32)
        assert not cache.exists()

    def test_int8_is_auto_with_steps_in_8_bits(self) -> None:
        auto, placed = device.place("cpu", "auto"), device.place("cpu", "INT8")
        assert placed.dtype == auto.dtype
        assert placed.int8_bits in {7, 8}
        assert str(placed) == str(auto).replace("cpu ", "cpu int8 and ")

    def test_auto_tries_int8_for_large_models_on_a_cpu(self) -> None:
        auto = device.place("cpu", "auto")
        assert device.untried_int8_bits(auto, "Auto", 600_000_000) == cpu_format.find().int8_bits
        assert device.untried_int8_bits(auto, "auto", 4_000_000) is None
        assert device.untried_int8_bits(auto, "bf16", 600_000_000) is None
        gpu = device.Placement(torch.device("cuda:0"), torch.bfloat16)
        assert device.untried_int8_bits(gpu, "auto", 600_000_000) is None

    def test_int8_needs_a_cpu(self) -> None:
        with pytest.raises(UsageError, match="int8 needs a CPU") as refused:
            device._int8(torch.device("cuda:0"), None)
        assert "--device cpu" in refused.value.hint

    def test_int8_needs_exact_products(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(int8_linear, "exact_int8", lambda: None)
        with pytest.raises(UnavailableError, match="exactly"):
            device.place("cpu", "int8")

    def test_other_formats_need_no_self_test(self, cache: Path) -> None:
        assert device.place("cpu", "bf16").dtype == torch.bfloat16
        assert str(device.place("cpu", "fp32")) == "cpu float32"
        assert not cache.exists()


def test_the_doctor_prints_formats_and_writes_the_cache(qasr: Qasr, cache: Path) -> None:
    result = qasr("doctor", env={"QASR_CACHE": str(cache), "COLUMNS": "250"})
    row = next(line for line in result.stdout.splitlines() if line.startswith("formats of the CPU"))
    assert "bf16" in row
    assert "activations" in row
    assert "times_ms" in json.loads(stored(cache).read_text())


@pytest.mark.parametrize("is_file", [False, True])
def test_the_doctor_says_whether_the_cache_can_be_written(qasr: Qasr, cache: Path, is_file: bool) -> None:
    if is_file:
        cache.write_text("no folder")
    result = qasr("doctor", env={"QASR_CACHE": str(cache / "below"), "COLUMNS": "250"})
    assert result.returncode == 0
    row = next(line for line in result.stdout.splitlines() if line.startswith("cache")).split(None, 2)
    assert row[1] == ("note" if is_file else "ok")
    assert str(cache / "below") in row[2]
    assert ("set QASR_CACHE" in row[2]) == is_file
