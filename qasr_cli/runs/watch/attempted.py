"""The files that a watch has attempted; they are left alone until they change.

In go the sources of a pass and its queue; out comes the part of the queue that is new. The ledger records
failures and their backoff from run to run; a watch scans every few seconds, and must not retry at every scan.
Finished files are remembered too, since a hook may move their results away.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qasr_cli.errors import ExitCode, QasrError
from qasr_cli.records import Outcome, Status
from qasr_cli.runs.files.name_keys import path_key
from qasr_cli.runs.inputs.discovery import Discovered
from qasr_cli.runs.inputs.selection import LeftOutKind
from qasr_cli.runs.planning.output_plan import Plan
from qasr_cli.runs.planning.queue import Queue
from qasr_cli.runs.state.journal import OF_THE_FILE

_HOUR_S = 3_600.0
_AGAIN_S = 20 * _HOUR_S  # after a failure that the file caused: from then on the ledger's backoff decides
_SOON_AGAIN_S = _HOUR_S  # a full disk, a missing permission: may be better by now

_State = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _PastAttempt:
    state: _State
    until_s: float  # monotonic


class Attempted:
    """The files that a watch has attempted so far. Only the watch's thread calls it.

    Attributes:
        n_found: Number of sources of the latest pass.
        n_skipped: Number of these that were finished before or wait after a failure.
        n_unsettled: Number of files that still change and are left to the next pass.
    """

    def __init__(self) -> None:
        self.n_found = self.n_skipped = self.n_unsettled = 0
        self._over: dict[Path, _PastAttempt] = {}
        self._begun: dict[Path, _State] = {}
        self._refused: dict[Path, str] = {}

    def begin(self) -> None:
        """Begin a pass."""
        self.n_found = self.n_skipped = self.n_unsettled = 0
        self._begun = {}

    def sift(self, discovered: Discovered, chosen: Queue) -> Queue | None:
        """Return the new part of a queue; None if nothing is new."""
        self.n_found = len(discovered.sources)
        self.n_unsettled = sum(left_out.kind is LeftOutKind.UNSETTLED for left_out in chosen.left_out)
        fresh = [*self._new_refusals(chosen.plans), *self._work(chosen.plans)]
        plans = [replace(plan, source=replace(plan.source, id=n)) for n, plan in enumerate(fresh)]
        self.n_skipped = len(chosen.plans) - len(plans)
        return Queue(plans, chosen.left_out) if plans else None

    def remember(self, outcomes: Sequence[Outcome]) -> None:
        """Remember the outcomes of a pass."""
        for outcome in outcomes:
            state = self._begun.get(path_key(outcome.source.path))
            is_gone = outcome.error is not None and _state(outcome.source.path) is None  # with its mount, say
            if state is not None and not is_gone:
                self._over[path_key(outcome.source.path)] = _PastAttempt(
                    state, time.monotonic() + _rest_s(outcome)
                )

    def _new_refusals(self, plans: Sequence[Plan]) -> list[Plan]:
        """Return the plans with an error that was not reported after the last pass."""
        before = self._refused
        self._refused = {
            path_key(plan.source.path): str(plan.error) for plan in plans if plan.error is not None
        }
        return [
            plan
            for plan in plans
            if plan.error is not None and before.get(path_key(plan.source.path)) != str(plan.error)
        ]

    def _work(self, plans: Sequence[Plan]) -> list[Plan]:
        work = []
        for plan in plans:
            state = _state(plan.source.path) if plan.error is None and not plan.skip else None
            if state is None:  # refused, finished, or gone since
                continue
            attempt = self._over.get(path_key(plan.source.path))
            if attempt is None or attempt.state != state or time.monotonic() > attempt.until_s:
                work.append(plan)
                self._begun[path_key(plan.source.path)] = state
        return work


def _rest_s(outcome: Outcome) -> float:
    """Return for how many seconds a source is left alone."""
    if outcome.status is not Status.FAILED:
        return float("inf")
    code = outcome.error.exit_code if isinstance(outcome.error, QasrError) else ExitCode.INTERNAL
    return _AGAIN_S if code in OF_THE_FILE else _SOON_AGAIN_S


def _state(path: Path) -> _State | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
