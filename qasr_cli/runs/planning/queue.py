"""The queue of a run: files that still change are left for later, and `--limit` is applied.

In go plans; out come those of this run, numbered without gaps, and those left out with the reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qasr_cli.options import FindOptions
from qasr_cli.records import Source
from qasr_cli.runs.inputs.folder_walk import UnreadablePath
from qasr_cli.runs.inputs.selection import LeftOut, LeftOutKind
from qasr_cli.runs.planning.output_plan import Plan

# Without --settle: a program that writes a file does so several times a second, and a file that has just been
# copied into a folder should not wait for a later run, so a young file is checked again after this time.
RECHECK_S = 2.0


@dataclass(frozen=True, slots=True)
class Queue:
    """A run's plans, finished and failed ones included, and the files that are left for later."""

    plans: list[Plan]
    left_out: list[LeftOut]


def choose(
    plans: Sequence[Plan],
    failures: Sequence[UnreadablePath],
    options: FindOptions,
    sleep: Callable[[float], None] = time.sleep,
) -> Queue:
    """Return the plans of this run.

    Finished files and those that cannot be written need no settling and do not count for the limit, so
    that a run with `--limit 10` every night gets through any folder.
    """
    is_work = [plan.is_work for plan in plans]
    changing = _changing(
        [plan.source for plan, needs_work in zip(plans, is_work, strict=True) if needs_work], options, sleep
    )
    chosen: list[Plan] = []
    left_out: list[LeftOut] = []
    n_taken = 0
    for plan, needs_work in zip(plans, is_work, strict=True):
        if not needs_work:
            chosen.append(plan)
        elif plan.source.path in changing:
            left_out.append(LeftOut(plan.source.relative, changing[plan.source.path], LeftOutKind.UNSETTLED))
        elif n_taken == options.limit:
            why = f"beyond --limit {options.limit}"
            left_out.append(LeftOut(plan.source.relative, why, LeftOutKind.LIMIT))
        else:
            chosen.append(plan)
            n_taken += 1
    chosen += [
        Plan(Source(0, failure.path, failure.path, is_found=True), {}, error=failure.error)
        for failure in failures
    ]
    # Results go to stdout in the order of these numbers, each once the number before it is settled.
    numbered = [replace(plan, source=replace(plan.source, id=number)) for number, plan in enumerate(chosen)]
    return Queue(numbered, left_out)


def _changing(
    sources: Sequence[Source], options: FindOptions, sleep: Callable[[float], None]
) -> dict[Path, str]:
    """Return the files that changed too recently, each with the reason."""
    if options.settle_s is not None:
        ages = {source.path: _age_s(source.path) for source in sources}
        # A time in the future, beyond a wrong clock's reach, is not when the file changed.
        return {
            path: f"unsettled: changed {max(age_s, 0):.0f} s ago, --settle is {options.settle_s:g}"
            for path, age_s in ages.items()
            if abs(age_s) < options.settle_s
        }
    paths = [source.path for source in sources if source.is_found]
    before = {path: _state(path) for path in paths if abs(_age_s(path)) < RECHECK_S}
    if not before:
        return {}
    sleep(RECHECK_S)
    return {path: "unsettled: still changing" for path, state in before.items() if _state(path) != state}


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:  # gone: decoding reports it
        return float("inf")


def _state(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
