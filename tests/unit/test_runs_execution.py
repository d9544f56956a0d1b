"""Lanes of a run: work ahead, results in order."""

from __future__ import annotations

import threading
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.runs.execution.finish_lane import OrderedStdout
from qasr_cli.runs.execution.prefetch import Prefetch


class TestPrefetch:
    @given(
        st.lists(st.integers(0, 50), max_size=30), st.integers(1, 4), st.integers(1, 5), st.integers(1, 60)
    )
    def test_results_come_in_order_and_none_is_lost(
        self, items: list[int], n_workers: int, max_waiting: int, max_cost: int
    ) -> None:
        with Prefetch(
            items,
            lambda item: item * 2,
            lambda n: n,
            n_workers=n_workers,
            max_waiting=max_waiting,
            max_cost=max_cost,
        ) as results:
            assert list(results) == [item * 2 for item in items]

    def test_it_runs_no_further_ahead_than_allowed(self) -> None:
        started: list[int] = []
        settled = threading.Semaphore(0)

        def work(item: int) -> int:
            started.append(item)
            settled.release()
            return item

        with Prefetch(range(20), work, lambda _: 1, n_workers=4, max_waiting=3, max_cost=99) as results:
            for _ in range(3):
                assert settled.acquire(timeout=10)
            assert sorted(started) == [0, 1, 2]  # the next may only start once one has been taken
            assert next(iter(results)) == 0
            assert settled.acquire(timeout=10)
            assert sorted(started) == [0, 1, 2, 3]

    def test_leaving_early_starts_nothing_more(self) -> None:
        with Prefetch(
            range(1000), lambda n: n, lambda _: 1, n_workers=2, max_waiting=4, max_cost=9
        ) as results:
            assert next(iter(results)) == 0
        assert all(not thread.is_alive() for thread in results._threads)


class TestPrefetchFailing:
    @pytest.mark.parametrize("kind", [OSError, SystemExit])
    def test_what_the_work_raises_comes_in_its_turn(self, kind: type[BaseException]) -> None:
        def work(item: int) -> int:
            if item == 3:
                raise kind("no")
            return item

        taken: list[int] = []
        ahead = Prefetch(range(9), work, lambda _: 1, n_workers=2, max_waiting=2, max_cost=2)
        with pytest.raises(kind, match="no"), ahead as results:
            taken.extend(results)
        assert taken == [0, 1, 2]

    def test_a_result_without_a_cost_is_no_reason_to_hang(self) -> None:
        def cost(item: int) -> NoReturn:
            raise ValueError(item)

        ahead = Prefetch([7], lambda item: item, cost, n_workers=1, max_waiting=1, max_cost=1)
        with pytest.raises(ValueError, match="7"), ahead as results:
            list(results)


class TestOrderedStdout:
    @given(st.permutations(range(8)))
    def test_whatever_the_order_of_arrival_the_output_is_in_order(self, order: list[int]) -> None:
        written: list[str] = []
        delivery = OrderedStdout(written.append)
        for number in order:
            delivery.settle(number, "" if number == 3 else str(number))
            delivery.settle(number)  # a source is also settled when its outcome is known
        assert written == ["0", "1", "2", "4", "5", "6", "7"]
