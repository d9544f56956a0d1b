"""Which actor gets which sources, and what happens to those of an actor that is lost.

In go plans, and what actors do; out come batches. A batch is some minutes of work, so that a lost actor costs
no more, and gets smaller towards the end, so that all actors end together. A long film is a batch alone. An
actor has two batches, since it decodes the second while it recognises the first.

Nobody can tell which source of a batch ended its actor. Those that were lost once go out again in small
batches, those that were lost twice alone, each on an actor that has nothing else; one that is lost a third
time fails. So a source that ends every actor fails alone, and its company does not.

Pure but for the sizes of files; one thread calls it.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qasr_cli.records import Source
from qasr_cli.runs.planning.output_plan import Plan
from qasr_cli.timebase import MS_PER_S

MAX_LOSSES = 3
_BATCH_S = 120.0  # of work, as far as the actors' speed is known
_FIRST_MS = 900_000  # of audio, until it is known
_LEAST_MS = 120_000  # a GPU's batch wants some
_MOST_SOURCES = 1_024
_BATCHES_AHEAD = 2
_SHARES = 3  # of what is left, an actor gets a third of its part: the last batches are small
_FEW = 16  # sources that were lost once, together
_BYTES_PER_S = 32_000  # of a file whose kind is not known yet: 16 kHz WAV; films have more


@dataclass(slots=True)
class Batch:
    """Sources that go to an actor together.

    Attributes:
        is_alone: They were lost before: their actor gets nothing else.
        open: Those that are not settled, by id.
    """

    number: int
    plans: Sequence[Plan]
    is_alone: bool
    open: dict[int, Plan] = field(init=False)

    def __post_init__(self) -> None:
        self.open = {plan.source.id: plan for plan in self.plans}


def n_bytes_of(source: Source) -> int:
    """Return a source's size; 0 if it cannot be read, which fails later."""
    with contextlib.suppress(OSError):
        return source.path.stat().st_size
    return 0


class Lengths:
    """Estimates how long a source's audio is, by its size and the sources of its kind so far."""

    def __init__(self, n_bytes_of: Callable[[Source], int] = n_bytes_of) -> None:
        self._n_bytes_of = n_bytes_of
        self._known: dict[str, tuple[int, int]] = {}  # bytes and milliseconds by suffix
        self._n_bytes: dict[int, int] = {}

    def estimate_ms(self, source: Source) -> int:
        """Return the estimated milliseconds, at least 1."""
        n_bytes, audio_ms = self._known.get(_kind(source.path), (_BYTES_PER_S, MS_PER_S))
        return max(1, self._size(source) * audio_ms // max(1, n_bytes))

    def learn(self, source: Source, audio_ms: int) -> None:
        """Take a source's true length into account."""
        n_bytes, known_ms = self._known.get(_kind(source.path), (0, 0))
        size = self._n_bytes.pop(source.id, 0)
        if size and audio_ms:
            self._known[_kind(source.path)] = n_bytes + size, known_ms + audio_ms

    def _size(self, source: Source) -> int:
        if source.id not in self._n_bytes:
            self._n_bytes[source.id] = self._n_bytes_of(source)
        return self._n_bytes[source.id]


def _kind(path: Path) -> str:
    return path.suffix.lower()


class Assignments:
    """The sources of a run: waiting, with an actor, or settled."""

    def __init__(self, plans: Sequence[Plan], lengths: Lengths | None = None) -> None:
        self._waiting = deque(plans)
        self._lost: deque[Plan] = deque()
        self._n_losses: dict[int, int] = {}
        self._with: dict[int, dict[int, Batch]] = {}  # batches by their numbers, by actor
        self._lengths = lengths or Lengths()
        self._n_batches = 0
        self._n_open = len(plans)
        self._audio_ms = 0
        self._mean_ms = 0.0  # of the estimates so far

    @property
    def is_over(self) -> bool:
        """Whether every source is settled."""
        return not self._n_open

    def n_useful(self, n_actors: int) -> int:
        """Return how many of so many actors have enough to do: a model takes seconds to load, or minutes."""
        total_ms = 0
        for plan in self._waiting:
            total_ms += self._lengths.estimate_ms(plan.source)
            if total_ms >= n_actors * _LEAST_MS:
                return n_actors
        return min(n_actors, -(-total_ms // _LEAST_MS))

    def open_plan(self, actor: int, batch: int, source_id: int) -> Plan | None:
        """Return a plan that an actor has; None if it is settled, or was given to another."""
        held = self._with.get(actor, {}).get(batch)
        return None if held is None else held.open.get(source_id)

    def take(self, actor: int, n_actors: int, work_s: float) -> Batch | None:
        """Return the next batch for an actor; None if it has enough, or nothing is left for it.

        Args:
            actor: Its number.
            n_actors: How many share the work.
            work_s: Seconds that actors have worked so far, together.
        """
        held = self._with.setdefault(actor, {})
        if len(held) >= _BATCHES_AHEAD or any(batch.is_alone for batch in held.values()):
            return None
        if self._waiting:
            return self._hand_out(held, self._next_plans(n_actors, work_s), is_alone=False)
        if self._lost and not held:
            return self._hand_out(held, self._next_lost(), is_alone=True)
        return None

    def settle(self, actor: int, batch: int, source_id: int, audio_ms: int) -> Plan | None:
        """Take a source off an actor and return its plan; None if the actor does not have it any more."""
        held = self._with.get(actor, {}).get(batch)
        plan = held.open.pop(source_id, None) if held else None
        if plan is not None:
            self._n_open -= 1
            self._audio_ms += audio_ms
            self._lengths.learn(plan.source, audio_ms)
        return plan

    def end_batch(self, actor: int, batch: int) -> bool:
        """Note that an actor has done a batch; return whether all of it is settled."""
        held = self._with.get(actor, {})
        if batch in held and not held[batch].open:
            del held[batch]
            return True
        return batch not in held

    def lose(self, actor: int) -> list[Plan]:
        """Take all sources off an actor that is gone; return those that fail, as they were lost too often."""
        failed = []
        for batch in self._with.pop(actor, {}).values():
            for number, plan in batch.open.items():
                self._n_losses[number] = self._n_losses.get(number, 0) + 1
                if self._n_losses[number] < MAX_LOSSES:
                    self._lost.append(plan)
                else:
                    failed.append(plan)
        self._n_open -= len(failed)
        return failed

    def _hand_out(self, held: dict[int, Batch], plans: Sequence[Plan], *, is_alone: bool) -> Batch:
        self._n_batches += 1
        batch = Batch(self._n_batches, plans, is_alone)
        held[batch.number] = batch
        return batch

    def _next_lost(self) -> list[Plan]:
        plans = [self._lost.popleft()]
        while self._is_lost_once(plans[-1]) and self._lost and len(plans) < _FEW:
            if not self._is_lost_once(self._lost[0]):
                break
            plans.append(self._lost.popleft())
        return plans

    def _is_lost_once(self, plan: Plan) -> bool:
        return self._n_losses[plan.source.id] == 1

    def _next_plans(self, n_actors: int, work_s: float) -> list[Plan]:
        target_ms, total_ms = self._target_ms(n_actors, work_s), 0
        plans: list[Plan] = []
        while self._waiting and len(plans) < _MOST_SOURCES and total_ms < target_ms:
            next_ms = self._lengths.estimate_ms(self._waiting[0].source)
            if plans and total_ms + next_ms > target_ms:
                break
            self._mean_ms += 0.1 * (next_ms - self._mean_ms) if self._mean_ms else next_ms
            total_ms += next_ms
            plans.append(self._waiting.popleft())
        return plans

    def _target_ms(self, n_actors: int, work_s: float) -> float:
        """Return how much audio a batch should have."""
        is_known = work_s > 0 and self._audio_ms > 0
        usual_ms = self._audio_ms / work_s * _BATCH_S if is_known else _FIRST_MS
        mean_ms = self._mean_ms or self._lengths.estimate_ms(self._waiting[0].source)
        left_ms = mean_ms * len(self._waiting) / (_SHARES * max(1, n_actors))
        return max(_LEAST_MS, min(usual_ms, left_ms))
