"""What is to be done about a source that a run before met: nothing, all of it anew, or to wait.

In go a plan, made by looking at the outputs alone, and the source's entry; out comes the plan as it is then.
Reads media and outputs where their times do not tell whether they changed, and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from qasr_cli.errors import ExitCode
from qasr_cli.records import Status
from qasr_cli.runs.files.file_identity import Identity
from qasr_cli.runs.planning.output_plan import Plan
from qasr_cli.runs.state import backoff
from qasr_cli.runs.state.ledger import LedgerEntry


def judge(
    plan: Plan,
    entry: LedgerEntry,
    fingerprint: str,
    name_of: Callable[[Path], str],
    n_retries: int,
    now_s: float,
) -> Plan:
    """Return what is to be done about a source.

    Args:
        plan: By what is there of its outputs.
        entry: What came of it the last time.
        fingerprint: Of this run's options.
        name_of: Returns what the ledger calls a file.
        n_retries: How often a failure is tried again in the next runs.
        now_s: In seconds since 1970.
    """
    is_same_media = entry.media is not None and entry.media.is_of(plan.source.path)
    if not is_same_media or entry.fingerprint != fingerprint:
        if plan.existing and all(
            _is_made(plan, path, entry, fingerprint, name_of) for path in plan.existing.values()
        ):
            return plan
        return _renewed(plan, entry, name_of, "options changed" if is_same_media else "media changed")
    # A doubtful result is one; and what somebody put there after a failure is theirs.
    has_failed = entry.status is Status.FAILED and entry.exit_code != ExitCode.QUALITY
    if plan.skip and not (has_failed and entry.outputs):
        return plan
    if entry.status is Status.SKIPPED:
        return replace(plan, targets={}, skip=entry.reason)
    return _retried(plan, entry, name_of, n_retries, now_s) if has_failed else plan


def _is_made(
    plan: Plan, path: Path, entry: LedgerEntry, fingerprint: str, name_of: Callable[[Path], str]
) -> bool:
    """Whether a file was made from this media with these options, before a run with others."""
    return any(
        one.path == name_of(path)
        and one.fingerprint == fingerprint
        and one.media is not None
        and one.media.is_of(plan.source.path)
        for one in entry.outputs
    )


def _retried(
    plan: Plan, entry: LedgerEntry, name_of: Callable[[Path], str], n_retries: int, now_s: float
) -> Plan:
    if not backoff.is_waiting(entry.at_s, entry.n_failures, n_retries, now_s):
        note = f"failed before: {entry.reason}"
        return _renewed(plan, entry, name_of, note) if entry.outputs else replace(plan, note=note)
    moment = backoff.in_words(backoff.next_try_s(entry.at_s, entry.n_failures, n_retries))
    times = "once" if entry.n_failures == 1 else f"{entry.n_failures} times"
    return replace(plan, targets={}, skip=f"failed {times}: {entry.reason}; tried again from {moment} on")


def _renewed(plan: Plan, entry: LedgerEntry, name_of: Callable[[Path], str], why: str) -> Plan:
    """Return that what is ours is made anew; what somebody has worked on since is not ours any more."""
    if not plan.existing:
        return replace(plan, note=why)
    replacing: dict[Path, Identity] = {}
    for path in plan.existing.values():
        ours = [one.identity for one in entry.outputs if one.path == name_of(path)]
        written = next((one for one in ours if one.is_of(path)), None)
        if written is None:
            whose = "was edited since" if ours else "is not from that run"
            skip = f"{why}, and {path.name} {whose} (--overwrite replaces it)"
            return replace(plan, targets={}, skip=skip)
        replacing[path] = written
    return replace(plan, targets=plan.places, skip="", note=why, replacing=replacing)
