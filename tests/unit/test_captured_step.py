"""Steps that are recorded once and replayed, and how many rows a device's memory holds."""

from __future__ import annotations

import pytest
import torch

from qasr_cli.engines.qwen3.decoding import captured_step
from qasr_cli.engines.qwen3.decoding.captured_step import CapturedStep, Work
from qasr_cli.engines.qwen3.decoding.device_loop import free_bytes, row_bytes, rows_that_fit
from qasr_cli.engines.qwen3.decoding.device_rows import NOT_FINITE, DeviceRows, Row
from qasr_cli.engines.qwen3.decoding.kv_cache import CacheShape

CPU = torch.device("cpu")
REAL_06B = CacheShape(n_layers=28, n_heads=8, head_dim=128)


@pytest.mark.parametrize(("n_rows", "n_most", "expected"), [(1, 256, 1), (2, 256, 8), (33, 256, 64)])
def test_a_step_has_one_of_a_few_sizes(n_rows: int, n_most: int, expected: int) -> None:
    assert captured_step.size(n_rows, n_most) == expected


def test_a_step_never_has_more_rows_than_there_are() -> None:
    assert captured_step.size(33, 40) == 40
    assert captured_step.size(300, 300) == 300


def test_widths_are_few() -> None:
    assert {captured_step.width(n) for n in range(1, 1025)} == {256, 512, 768, 1024}


class Recorder:
    """A capture like CUDA's: the work runs while it is recorded, and again at every replay."""

    def __init__(self) -> None:
        self.n_recorded = 0

    def __call__(self, work: Work) -> Work:
        self.n_recorded += 1
        for _ in range(3):
            work()
        return work


@pytest.mark.parametrize("capture", [None, Recorder()], ids=["as it is", "recorded"])
def test_static_tensors_are_written_in_place_and_a_recording_leaves_no_trace(
    capture: Recorder | None,
) -> None:
    state, source = torch.zeros(8, dtype=torch.int64), torch.zeros(8, dtype=torch.int64)
    address = state.data_ptr()

    def add(n_rows: int, n_keys: int) -> None:
        state[:n_rows].add_(source[:n_rows] + n_keys)

    step = CapturedStep(add, [state], capture)
    step(4, 100)
    assert state.tolist() == [100] * 4 + [0] * 4
    source.fill_(1)  # a replay reads what is in the tensor now
    step(4, 100)
    step(8, 10)
    assert state.tolist() == [212] * 4 + [11] * 4
    assert state.data_ptr() == address
    if capture:
        assert capture.n_recorded == 2  # once a shape


def scores(*best: int) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.tensor(best), 10).float()


def test_rows_advance_until_a_stop_token_or_their_limit() -> None:
    rows = DeviceRows(4, 3, stop_ids=[9, 7], device=CPU)
    rows.load([Row(1, 50, 100), Row(2, 20, 100), Row(3, 10, 11)], 4)
    rows.advance(scores(4, 9, 5, 6))
    assert rows.positions.tolist() == [51, 21, 11, 0]  # the fourth row is idle
    assert rows.tokens.tolist() == [4, 2, 3, 0]  # those of finished rows stand still
    rows.advance(scores(5, 5, 5, 5))
    rows.advance(scores(7, 5, 5, 5))
    assert rows.positions.tolist() == [53, 21, 11, 0]
    assert rows.written(2, 3) == [[4, 5, 7], [9, 5, 5]]
    rows.load([Row(8, 30, 40)], 1)
    rows.advance(scores(6))
    assert rows.written(1, 1) == [[6]]
    assert rows.positions[0] == 31


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_score_that_is_no_number_ends_a_row(value: float) -> None:
    rows = DeviceRows(2, 2, stop_ids=[9], device=CPU)
    rows.load([Row(1, 5, 50), Row(1, 5, 50)], 2)
    bad = scores(4, 4)
    bad[0, 3] = value
    rows.advance(bad)
    rows.advance(scores(4, 4))
    assert rows.written(2, 1) == [[NOT_FINITE], [4]]
    assert rows.tokens.tolist() == [1, 4]  # no row is looked up at -1
    assert rows.positions.tolist() == [6, 7]


def test_a_token_takes_112_kib_at_the_released_shapes() -> None:
    assert row_bytes(REAL_06B, 1024, torch.bfloat16) == 1024 * 112 * 1024
    assert row_bytes(REAL_06B, 1, torch.float32) == 64 * 224 * 1024  # rounded up, as the cache is


@pytest.mark.parametrize(
    ("free_gb", "expected"),
    [(140, 256), (24, 102), (8, 34), (0.1, 1), (0, 1), (None, 8)],
)
def test_rows_take_half_of_the_free_memory(free_gb: float | None, expected: int) -> None:
    n_bytes = row_bytes(REAL_06B, 1024, torch.bfloat16)
    free = None if free_gb is None else int(free_gb * 1e9)
    assert rows_that_fit(free, n_bytes, 256) == expected
    assert rows_that_fit(free, n_bytes, 4) == min(expected, 4)


def test_a_cpu_does_not_say_how_much_is_free() -> None:
    assert free_bytes(CPU) is None
    assert captured_step.cuda_graphs(CPU) is None
