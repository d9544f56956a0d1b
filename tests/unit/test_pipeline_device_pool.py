"""The pool of devices: work on all of them at once, devices that are lost, and the end of a run."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from qasr_cli.errors import DeviceLostError, QasrError
from qasr_cli.pipeline.device_pool import DevicePool
from qasr_cli.speech.inference import stopping
from qasr_cli.speech.inference.session import Session
from tests import on_devices

PATIENCE_S = 20


@dataclass(frozen=True)
class Item:
    number: int

    @property
    def relative(self) -> Path:
        return Path(f"{self.number}.wav")


def items(*numbers: int) -> list[Item]:
    return [Item(number) for number in numbers]


def device_of(session: Session) -> str:
    return session.engines.device.split()[0]


def test_every_device_works_at_once_in_a_thread_of_its_own() -> None:
    meeting = threading.Barrier(2)
    threads: dict[str, set[int]] = {name: set() for name in on_devices.DEVICES}

    def work(part: Sequence[Item], session: Session) -> list[int]:
        meeting.wait(PATIENCE_S)  # a BrokenBarrierError if one device did all
        threads[device_of(session)].add(threading.get_ident())
        return [10 * item.number for item in part]

    with DevicePool(on_devices.sessions(on_devices.even)) as pool:
        futures = [pool.submit(items(number, number + 1), work) for number in range(4)]
        assert [future.result() for future in futures] == [[10 * n, 10 * n + 10] for n in range(4)]
    assert [len(one) for one in threads.values()] == [1, 1]
    assert threading.get_ident() not in set.union(*threads.values())


def test_a_single_device_is_used_by_the_caller() -> None:
    with DevicePool(on_devices.sessions(on_devices.even, "fake:0")) as pool:
        future = pool.submit(items(1), lambda part, session: [threading.get_ident()])
        assert future.done()
        assert future.result() == [threading.get_ident()]
        assert pool.n_ahead == 1


@pytest.mark.parametrize("names", [on_devices.DEVICES, on_devices.DEVICES[:1]])
def test_an_item_that_fails_costs_the_others_nothing(names: Sequence[str]) -> None:
    def work(part: Sequence[Item], session: Session) -> list[int]:
        if Item(3) in part:
            raise RuntimeError("cannot bear threes")
        return [item.number for item in part]

    with DevicePool(on_devices.sessions(on_devices.even, *names)) as pool:
        first, second, third = pool.call(items(1, 3, 5), work)
    assert (first, third) == (1, 5)
    assert isinstance(second, QasrError)
    assert second.path == Path("3.wav")


def test_what_a_lost_device_was_to_do_is_done_by_another(caplog: pytest.LogCaptureFixture) -> None:
    has_begun = threading.Event()
    done: list[str] = []

    def work(part: Sequence[Item], session: Session) -> list[int]:
        if device_of(session) == on_devices.SECOND:
            has_begun.set()
            raise DeviceLostError("fake:1 has failed")
        assert has_begun.wait(PATIENCE_S)
        done.append(device_of(session))
        return [item.number for item in part]

    session = on_devices.sessions(on_devices.even)
    with DevicePool(session) as pool:
        futures = [pool.submit(items(number), work) for number in range(6)]
        assert [future.result() for future in futures] == [[number] for number in range(6)]
    assert done == [on_devices.FIRST] * 6
    with DevicePool(session) as pool:  # the next pass of a watch does not try the lost one again
        assert pool.n_ahead == 1
        assert pool.call(items(7), work) == [7]
    (warning,) = caplog.messages
    assert warning == "fake:1 has failed; its work goes to the other devices: 1 of 2 left"


def test_only_the_last_lost_device_is_an_error_of_the_work() -> None:
    def work(part: Sequence[Item], session: Session) -> list[int]:
        raise DeviceLostError(f"{device_of(session)} has failed")

    with DevicePool(on_devices.sessions(on_devices.even)) as pool:
        futures = [pool.submit(items(number, number), work) for number in range(4)]
        results = [result for future in futures for result in future.result()]
    assert len(results) == 8
    assert {type(result) for result in results} == {DeviceLostError}
    assert len({str(result) for result in results}) == 1  # the last one's


def test_what_the_caller_waits_for_comes_before_what_is_only_submitted() -> None:
    order: list[int] = []
    both_began, go_on = threading.Barrier(3), threading.Event()

    def hold(part: Sequence[Item], session: Session) -> list[int]:
        both_began.wait(PATIENCE_S)
        assert go_on.wait(PATIENCE_S)
        return [0]

    def note(part: Sequence[Item], session: Session) -> list[int]:
        order.append(part[0].number)
        return [0]

    with DevicePool(on_devices.sessions(on_devices.even)) as pool:
        held = [pool.submit(items(0), hold) for _ in on_devices.DEVICES]
        both_began.wait(PATIENCE_S)
        later = [pool.submit(items(number), note) for number in (1, 2, 3)]
        threading.Timer(0.2, go_on.set).start()
        pool.call(items(9), note)
        for future in [*held, *later]:
            future.result()
    assert order[-1] != 9  # where it would be by the order of submission; devices may overtake each other
    assert sorted(order) == [1, 2, 3, 9]


def test_at_the_end_nothing_is_begun_and_what_asks_is_stopped() -> None:
    begun: list[int] = []
    are_at_work = threading.Barrier(3)

    def work(part: Sequence[Item], session: Session) -> list[int]:
        begun.append(part[0].number)
        are_at_work.wait(PATIENCE_S)
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            stopping.check()
            time.sleep(0.01)
        return [0]

    begun_s = time.monotonic()
    with DevicePool(on_devices.sessions(on_devices.even)) as pool:
        futures = [pool.submit(items(number), work) for number in range(6)]
        are_at_work.wait(PATIENCE_S)
    assert time.monotonic() - begun_s < PATIENCE_S / 2
    assert sorted(begun) == [0, 1]
    assert all(isinstance(future.exception(0), stopping.Stopped) for future in futures)  # nobody waits
    stopping.check()  # in this thread nothing is stopped


def test_what_is_no_error_of_qasr_is_raised_where_the_result_is_taken() -> None:
    def work(part: Sequence[Item], session: Session) -> list[int]:
        raise SystemExit(9)

    with DevicePool(on_devices.sessions(on_devices.even)) as pool:
        with pytest.raises(SystemExit):
            pool.call(items(1), work)
        assert pool.call(items(1), lambda part, session: [7]) == [7]
