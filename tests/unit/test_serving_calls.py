"""Calls on the engine's thread: beside batches, in their pauses, and when the engines are gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from qasr_cli.errors import DeviceLostError, QasrError
from qasr_cli.serving.refusals import DrainingError
from qasr_cli.speech.inference.session import Session
from tests import on_devices
from tests.lanes import FILM, Pool, paced, wait_for

NAMES = ("fake:0", "fake:1", "fake:2")


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    """A running lane, whose engine takes 50 ms a chunk."""
    made = Pool(tmp_path, paced(0.05))
    made.lane.start()
    yield made
    made.lane.close()


def place_of(session: Session) -> tuple[int, str]:
    """Return what identifies where a call runs."""
    return id(session), threading.current_thread().name


def test_a_call_runs_on_the_engines_thread(pool: Pool) -> None:
    assert pool.lane.run(lambda session: session.recognizer.model_id).startswith("fake/")
    assert pool.lane.run(place_of)[1] == "requests"


def test_calls_do_not_wait_for_a_film_and_the_film_not_for_them(pool: Pool) -> None:
    film = pool.ask("film", FILM)  # two batches of 0.4 s
    time.sleep(0.1)
    waited_s = []
    while not film.owner.over.is_set():  # type: ignore[attr-defined]
        begun_s = time.monotonic()
        pool.lane.run(lambda session: time.sleep(0.02))
        waited_s.append(time.monotonic() - begun_s)
    assert len(waited_s) > 5
    assert sorted(waited_s)[len(waited_s) // 2] < 0.35  # a pause every 50 ms; a batch takes 400
    assert film.error is None
    assert len(film.text.segments) == 16


def test_calls_take_half_of_the_time_at_most(pool: Pool) -> None:
    begun_s = time.monotonic()
    film = pool.ask("film", FILM)
    stop = threading.Event()

    def call_again_and_again() -> None:
        while not stop.is_set():
            pool.lane.run(lambda session: time.sleep(0.1))

    with ThreadPoolExecutor(3) as callers:
        for _ in range(3):
            callers.submit(call_again_and_again)
        wait_for(film)
        stop.set()
    assert time.monotonic() - begun_s < 8  # the film alone takes 0.8 s; three callers make calls of 0.3 s


def test_an_engine_without_pauses_gets_smaller_batches(tmp_path: Path) -> None:
    pool = Pool(tmp_path, paced(0.1, pauses=False))  # a full batch takes 0.8 s
    films = [pool.ask(str(number), FILM) for number in range(2)]
    pool.lane.start()
    while not all(film.owner.over.is_set() for film in films):  # type: ignore[attr-defined]
        pool.lane.run(lambda session: None)
        time.sleep(0.05)
    pool.lane.close()
    assert sum(pool.sizes) == 32
    assert max(pool.sizes[2:]) < 8


def test_a_sentence_pauses_for_calls_too(tmp_path: Path) -> None:
    pool = Pool(tmp_path, paced(0.1))
    sentences = [pool.ask(str(number)) for number in range(8)]  # one batch of 0.8 s
    pool.lane.start()
    while not pool.lane.n_running:
        time.sleep(0.01)
    pool.lane.run(place_of)
    assert not all(opened.owner.over.is_set() for opened in sentences)  # type: ignore[attr-defined]
    wait_for(*sentences)
    pool.lane.close()


def test_what_a_call_raises_is_its_callers(pool: Pool) -> None:
    def fail(session: Session) -> None:
        raise KeyError("x")

    with pytest.raises(QasrError, match="unexpected KeyError"):
        pool.lane.run(fail)
    assert pool.lane.run(lambda session: 5) == 5
    assert not pool.lost


def test_a_device_that_is_lost_in_a_call_is_reported(pool: Pool) -> None:
    def lose(session: Session) -> None:
        raise DeviceLostError("gone")

    with pytest.raises(DeviceLostError):
        pool.lane.run(lose)
    pool.lane.run(place_of)
    assert [str(error) for error in pool.lost] == ["gone"]


def test_with_several_devices_all_calls_are_on_one(tmp_path: Path) -> None:
    pool = Pool(tmp_path, on_devices.sessions(on_devices.even, *NAMES))
    pool.lane.start()
    films = [pool.ask(str(number), FILM) for number in range(6)]
    places = set()
    while not all(film.owner.over.is_set() for film in films):  # type: ignore[attr-defined]
        places.add(pool.lane.run(place_of))
    places.add(pool.lane.run(place_of))
    assert len(places) == 1
    assert not any(film.error for film in films)
    pool.lane.close()


def test_the_next_device_takes_the_calls_of_a_lost_one(tmp_path: Path) -> None:
    pool = Pool(tmp_path, on_devices.sessions(on_devices.even, *NAMES))
    pool.lane.start()
    first = pool.lane.run(place_of)

    def lose(session: Session) -> None:
        raise DeviceLostError("gone")

    with pytest.raises(DeviceLostError):
        pool.lane.run(lose)
    second = pool.lane.run(place_of)
    assert first != second
    assert not pool.lost
    pool.lane.close()


def test_the_end_ends_calls(tmp_path: Path) -> None:
    pool = Pool(tmp_path, on_devices.sessions(on_devices.endless, "fake:0", batch_size=8))
    with ThreadPoolExecutor(1) as callers:
        pool.ask("film", FILM)
        pool.lane.start()
        time.sleep(0.2)
        waiting = callers.submit(pool.lane.run, lambda session: time.sleep(60))
        pool.lane.close()
        if not isinstance(waiting.exception(), DrainingError):
            raise AssertionError(waiting)
    with pytest.raises(DrainingError):
        pool.lane.run(place_of)


def test_engines_that_cannot_be_loaded_end_calls(tmp_path: Path) -> None:
    def fail() -> Session:
        raise QasrError("no such model")

    pool = Pool(tmp_path, fail)
    pool.lane.start()
    with pytest.raises(QasrError, match="no such model"):
        pool.lane.run(place_of)
    pool.lane.close()
