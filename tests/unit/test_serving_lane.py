"""The pool of a server: who comes first, how full batches are, and what ends a request."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qasr_cli.errors import DeviceLostError, QasrError
from qasr_cli.options import DecodeOptions, EngineOptions
from qasr_cli.pipeline.engine_cache import EngineCache
from qasr_cli.pipeline.open_source import OpenSource
from qasr_cli.records import Chunk
from qasr_cli.serving import gathering
from qasr_cli.serving.batch_queue import BatchQueue, Request, Ticket
from qasr_cli.serving.request_lane import RequestLane
from qasr_cli.speech.inference.protocols import Capacity
from qasr_cli.speech.inference.session import Session
from tests import fakes, on_devices
from tests.lanes import FILM, SENTENCE, Pool, paced, wait_for

CAPACITY = Capacity(30_000, 10**9, 8)


@pytest.fixture
def pools(tmp_path: Path) -> Iterator[Callable[[Session], Pool]]:
    made: list[Pool] = []

    def make(session: Session) -> Pool:
        made.append(Pool(tmp_path, session))
        return made[-1]

    yield make
    for pool in made:
        pool.lane.close()
    assert not any(thread.name in {"requests"} for thread in threading.enumerate())


class TestQueue:
    """Which chunks make a batch."""

    def tickets(self, queue: BatchQueue, folder: Path, *n_chunks: int) -> list[Ticket]:
        pool, made = Pool(folder, Session(fakes.echo(EngineOptions()))), []
        for number, count in enumerate(n_chunks):
            opened = pool.opened(str(number))
            opened.recognized = [None] * count
            length_ms = 3_000 if count == 1 else 20_000
            chunks = [Chunk(0, index, index * 30_000, index * 30_000 + length_ms) for index in range(count)]
            made.append(Ticket.of(opened, chunks))
            queue.add(made[-1])
        return made

    def batches(self, queue: BatchQueue) -> list[list[str]]:
        taken = []
        while chunks := queue.take(CAPACITY):
            taken.append([f"{pooled.relative}:{pooled.chunk.index}" for pooled in chunks])
        return taken

    def test_films_take_turns_and_each_goes_on_in_order(self, tmp_path: Path) -> None:
        queue = BatchQueue()
        self.tickets(queue, tmp_path, 6, 20)
        first, *rest = self.batches(queue)
        assert first == ["0:0", "1:0", "0:1", "1:1", "0:2", "1:2", "0:3", "1:3"]
        names = [name for batch in [first, *rest] for name in batch]
        assert [name for name in names if name.startswith("1")] == [f"1:{n}" for n in range(20)]
        assert [len(batch) for batch in rest] == [8, 8, 2]

    def test_sentences_come_first_if_it_is_their_turn(self, tmp_path: Path) -> None:
        queue = BatchQueue()
        self.tickets(queue, tmp_path, 30, *[1] * 6)
        film = queue.take(CAPACITY, is_urgent_turn=False)
        assert {str(pooled.relative) for pooled in film} == {"0"}
        first, second, *_ = self.batches(queue)
        assert first == ["1:0", "2:0", "3:0", "4:0", "5:0", "6:0"]
        assert second == [f"0:{number}" for number in range(8, 16)]

    def test_sentences_alone_fill_a_batch(self, tmp_path: Path) -> None:
        queue = BatchQueue()
        self.tickets(queue, tmp_path, *[1] * 9)
        assert [len(batch) for batch in self.batches(queue)] == [8, 1]

    def test_a_batch_keeps_to_the_memory(self, tmp_path: Path) -> None:
        queue = BatchQueue()
        self.tickets(queue, tmp_path, 7)
        chunks = queue.take(Capacity(30_000, 60_000, 8))
        assert len(chunks) == 3

    @pytest.mark.parametrize(
        ("max_ms", "n_chars", "sizes"),
        [(10**9, 3_000, [6]), (10**9, 5_000, [3, 1, 2]), (60_000, 0, [6]), (60_000, 1_000, [3, 1, 2])],
    )
    def test_a_long_context_costs_no_other_client(
        self, tmp_path: Path, max_ms: int, n_chars: int, sizes: list[int]
    ) -> None:
        queue = BatchQueue()
        tickets = self.tickets(queue, tmp_path, *[1] * 6)
        options = tickets[3].opened.options
        decode = DecodeOptions(context="x" * n_chars)
        tickets[3].opened.options = replace(options, decode=decode)
        queue.clear()
        for ticket in tickets:
            queue.add(ticket)
        found = []
        while batch := queue.take(Capacity(30_000, max_ms, 8)):
            found.append(len(batch))
        assert found == sizes

    def test_what_nobody_wants_is_dropped(self, tmp_path: Path) -> None:
        queue = BatchQueue()
        film, sentence = self.tickets(queue, tmp_path, 5, 1)
        film.opened.owner.is_cancelled = True  # type: ignore[misc]
        assert queue.drop_cancelled() == [film]
        assert self.batches(queue) == [["1:0"]]
        assert sentence.waiting == deque()


class TestLane:
    def test_requests_share_batches(self, pools: Callable[[Session], Pool]) -> None:
        pool = pools(paced(0.01))
        asked = [pool.ask(str(number)) for number in range(16)]  # before the thread starts
        pool.lane.start()
        wait_for(*asked)
        assert pool.sizes == [8, 8]
        assert all(opened.text.segments and opened.error is None for opened in asked)

    @pytest.mark.parametrize("names", [("fake:0",), ("fake:0", "fake:1", "fake:2")])
    def test_many_threads_ask_at_once(self, pools: Callable[[Session], Pool], names: tuple[str, ...]) -> None:
        pool = pools(on_devices.sessions(on_devices.even, *names))
        pool.lane.start()
        asked: list[OpenSource[Request]] = []

        def ask(number: int) -> None:
            asked.append(pool.ask(f"{number}", FILM if number % 5 == 0 else SENTENCE))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_for(*asked)
        by_kind = {len(opened.text.segments) for opened in asked}
        assert len(by_kind) == 2
        assert not any(opened.error for opened in asked)
        assert pool.lane.waiting_ms == pool.lane.n_waiting == 0

    def test_a_sentence_does_not_wait_for_a_batch_of_a_film(self, pools: Callable[[Session], Pool]) -> None:
        pool = pools(paced(0.1))
        pool.lane.start()
        film = pool.ask("film", FILM)
        time.sleep(0.3)
        begun_s = time.monotonic()
        sentence = pool.ask("sentence")
        wait_for(sentence)
        assert time.monotonic() - begun_s < 0.7  # a batch of the film takes 0.8 s, and two are left
        assert not film.owner.over.is_set()  # type: ignore[attr-defined]
        wait_for(film)
        assert len(film.text.segments) == 16
        assert pool.log[-1] == "film settled"

    def test_sentences_take_half_of_the_time_at_most(self, pools: Callable[[Session], Pool]) -> None:
        pool = pools(paced(0.02))
        film = pool.ask("film", FILM)
        sentences = [pool.ask(f"s{number}") for number in range(80)]
        pool.lane.start()
        wait_for(film)
        assert sum(opened.owner.over.is_set() for opened in sentences) < 50  # type: ignore[attr-defined]
        wait_for(*sentences)

    def test_a_batch_waits_a_moment_for_what_is_almost_here(self, pools: Callable[[Session], Pool]) -> None:
        pool = pools(paced(0.02))
        pool.lane.counts.batch_s = 10.0
        pool.n_near = 1
        first = pool.ask("first")
        pool.lane.start()
        time.sleep(0.05)
        second = pool.ask("second")
        pool.n_near = 0
        pool.lane.notify()
        wait_for(first, second)
        assert pool.sizes == [2]

    def test_answered_clients_come_back_into_one_batch(
        self, pools: Callable[[Session], Pool], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in (("_RETURN_S", 5.0), ("_MAX_GATHER_S", 5.0), ("_GATHER_SHARE", 10_000)):
            monkeypatch.setattr(gathering, name, value)
        pool = pools(paced(0.01))
        first = [pool.ask(f"a{number}") for number in range(4)]
        pool.lane.start()
        wait_for(*first)
        again = []
        for number in range(4):
            again.append(pool.ask(f"b{number}"))
            time.sleep(0.05)  # one after the other, as they have read their answers
        wait_for(*again)
        assert pool.sizes == [4, 4]

    def test_a_client_alone_waits_for_nobody(
        self, pools: Callable[[Session], Pool], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(gathering, "_RETURN_S", 20.0)
        monkeypatch.setattr(gathering, "_MAX_GATHER_S", 20.0)
        monkeypatch.setattr(gathering, "_GATHER_SHARE", 10_000)
        pool = pools(paced(0.01))
        pool.lane.start()
        begun_s = time.monotonic()
        for number in range(5):
            wait_for(pool.ask(str(number)))
        assert time.monotonic() - begun_s < 5

    def test_one_that_fails_costs_no_other(self, pools: Callable[[Session], Pool]) -> None:
        pool = pools(Session(fakes.crashing_on_long(EngineOptions())))
        good, bad = pool.ask("good"), pool.ask("bad", FILM)
        pool.lane.start()
        wait_for(good, bad)
        assert good.error is None
        assert "four seconds" in str(bad.error)
        assert not pool.lost

    def test_a_lost_device_is_reported(self, pools: Callable[[Session], Pool]) -> None:
        pool = pools(on_devices.sessions(on_devices.losing_second, "fake:1"))
        one = pool.ask("one")
        pool.lane.start()
        wait_for(one)
        two = pool.ask("two")
        wait_for(two)
        assert isinstance(two.error, DeviceLostError)
        assert pool.lost == [two.error]

    def test_engines_that_cannot_be_loaded_end_every_request(self, tmp_path: Path) -> None:
        def fail() -> Session:
            raise QasrError("no such model")

        pool = Pool(tmp_path, paced(0))
        pool.lane = RequestLane(EngineCache(fail, lambda: None, 0), lambda: 0, pool.lost.append)
        asked = [pool.ask("a"), pool.ask("b", FILM)]
        pool.lane.start()
        wait_for(*asked)
        assert [str(opened.error) for opened in asked] == ["no such model"] * 2
        pool.lane.close()

    def test_the_end_does_not_wait_for_a_film(self, pools: Callable[[Session], Pool]) -> None:
        pool = pools(on_devices.sessions(on_devices.endless, "fake:0", batch_size=8))
        pool.ask("film", FILM)
        pool.lane.start()
        time.sleep(0.2)
        begun_s = time.monotonic()
        pool.lane.close()
        assert time.monotonic() - begun_s < 1
