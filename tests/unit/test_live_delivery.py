"""The way of events to one output: order, bounds, what is dropped, what a stuck or broken output does."""

from __future__ import annotations

import threading

import pytest

from qasr_cli.errors import InputOutputError, QasrError
from qasr_cli.live.outputs import delivery
from qasr_cli.live.outputs.delivery import Delivery
from qasr_cli.speech.streaming.events import LiveEvent, Partial, Silence
from qasr_cli.terminal.stdio import ReaderGone
from tests.live_events import Said, final, session


class Slow:
    """Keeps events, after it has been let go."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.is_reached = threading.Event()
        self.events: list[LiveEvent] = []
        self.is_closed = False

    def handle(self, event: LiveEvent) -> None:
        self.is_reached.set()
        assert self.go_on.wait(30)
        self.events.append(event)

    def close(self) -> None:
        self.is_closed = True


class Broken(Slow):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def handle(self, event: LiveEvent) -> None:
        raise self.error


def partial(revision: int) -> Partial:
    return Partial(0, revision, "", f"word {revision}", 0, revision)


def test_a_quick_output_gets_every_event_in_order() -> None:
    output = Slow()
    output.go_on.set()
    one = Delivery("a file", output, n_partials=1_000)
    for event in session():
        one.put(event)
    one.close()
    one.join()
    assert output.events == list(session())
    assert output.is_closed
    assert one.failure is None


def test_a_stuck_output_loses_the_oldest_partials_and_no_final() -> None:
    output = Slow()
    one = Delivery("a pipe", output, n_partials=2)
    finals = [final(number, Said(number * 1_000, "One.")) for number in range(500)]
    one.put(Silence(0))  # the one in hand
    assert output.is_reached.wait(30)
    for number, event in enumerate(finals):
        one.put(partial(number))
        one.put(event)
    output.go_on.set()
    one.close()
    one.join()
    assert [event for event in output.events if event in finals] == finals
    assert [event for event in output.events if isinstance(event, Partial)] == [partial(498), partial(499)]


def test_an_output_that_leaves_a_day_of_finals_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "MOST_WAITING", 50)
    output = Slow()
    failures: list[QasrError | ReaderGone] = []
    one = Delivery("a pipe", output, 1, failures.append)
    for number in range(60):
        one.put(final(number, Said(number * 1_000, "One.")))
    assert isinstance(one.failure, InputOutputError)
    assert failures == [one.failure]
    one.close()
    one.join()  # does not wait for a thread that is stuck
    output.go_on.set()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InputOutputError("full"), InputOutputError),
        (ReaderGone(), ReaderGone),
        (ZeroDivisionError(), QasrError),
    ],
)
def test_a_broken_output_is_reported_once_and_holds_up_nobody(error: Exception, kind: type) -> None:
    failures: list[QasrError | ReaderGone] = []
    one = Delivery("a file", Broken(error), 1, failures.append)
    for event in session():
        one.put(event)
    one.close()
    one.join()
    for event in session():
        one.put(event)
    assert [type(failure) for failure in failures] == [kind]
