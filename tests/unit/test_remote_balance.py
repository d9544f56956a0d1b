"""Which server gets the next request; no sockets, and a clock that the test sets."""

from __future__ import annotations

from qasr_cli.engines.remote import balance
from qasr_cli.engines.remote.balance import ServerState
from qasr_cli.engines.remote.server import Server
from qasr_cli.engines.remote.transport import Deadlines


def states(n: int, limit: int = 4) -> list[ServerState]:
    deadlines = Deadlines()
    return [ServerState(Server(f"http://127.0.0.1:{n}", "", deadlines), limit) for n in range(1, n + 1)]


def test_the_least_busy_one_for_its_speed() -> None:
    slow, fast = states(2, limit=16)
    assert balance.choose([slow, fast], 0, None) is slow
    slow.answered(0, audio_s=10, wall_s=10, n_beside=2)
    fast.answered(0, audio_s=10, wall_s=1, n_beside=2)
    assert (slow.speed, fast.speed) == (2, 20)
    chosen = []
    for _ in range(12):
        state = balance.choose([slow, fast], 0, None)
        assert state is not None
        state.n_in_flight += 1
        chosen.append(state)
    assert chosen.count(fast) == 11


def test_a_full_one_gets_none() -> None:
    (one,) = states(1, limit=2)
    one.n_in_flight = 2
    assert balance.choose([one], 0, None) is None


def test_one_that_failed_on_a_chunk_gets_it_again_only_if_no_other_will_have_room_soon() -> None:
    one, other = states(2, limit=1)
    assert balance.choose([one, other], 0, one) is other
    other.n_in_flight = 1
    assert balance.choose([one, other], 0, one) is None
    other.refused(30, 0, "busy")
    assert balance.choose([one, other], 0, one) is one
    other.bench(0, "down")
    assert balance.choose([one, other], 0, one) is one


def test_a_refusal_halves_what_it_gets_and_answers_give_it_back() -> None:
    (one,) = states(1, limit=16)
    one.n_in_flight = 15
    one.refused(2, 0, "busy")
    assert (one.window, one.paused_until_s) == (8, 2)
    one.refused(1, 0.1, "busy")  # another of the same moment
    assert (one.window, one.paused_until_s) == (8, 2)
    assert balance.choose([one], 1, None) is None
    for _ in range(400):
        one.answered(3, 1, 1, 1)
    assert one.window == 16


def test_pauses_without_a_time_double() -> None:
    (one,) = states(1)
    pauses = []
    now_s = 0.0
    for _ in range(10):
        one.refused(None, now_s, "busy")
        pauses.append(one.paused_until_s - now_s)
        now_s = one.paused_until_s
    assert 0.37 <= pauses[0] <= 0.5
    assert 22 <= pauses[-1] <= 30
    assert one.window == 1


def test_a_bench_of_1_2_4_up_to_60_seconds() -> None:
    (one,) = states(1, limit=16)
    waits = []
    now_s = 0.0
    for number in range(8):
        one.bench(now_s, "down", is_check=number > 0)
        one.bench(now_s, "down")  # others in flight fail at the same moment
        waits.append(one.check_s - now_s)
        assert balance.due([one], now_s) is None
        now_s = one.check_s
        assert balance.due([one], now_s) is one
        assert balance.next_change_s([one], now_s - 0.01) == one.check_s
        one.is_checked = True
        assert balance.due([one], now_s) is None
    assert all(0.75 * 2**n <= wait <= 2**n for n, wait in enumerate(waits[:6]))
    assert 45 <= waits[-1] <= 60
    one.restore(now_s)
    assert (one.has_room(now_s), one.window) == (True, 4)
    one.answered(now_s, 1, 1, 1)
    one.bench(now_s, "down")
    assert one.check_s - now_s <= 1
