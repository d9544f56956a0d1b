"""The resume policy: a source that is in the ledger is skipped, transcribed again, or left for later.

In go a plan, made from the outputs alone, and the source's entry; out comes the plan for this run. Reads
media and outputs if their times do not show whether they changed, and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from qasr_cli.errors import ExitCode
from qasr_cli.records import Status
from qasr_cli.runs.files.file_identity import Identity
from qasr_cli.runs.files.name_keys import name_key
from qasr_cli.runs.planning.output_plan import Plan
from qasr_cli.runs.state import backoff
from qasr_cli.runs.state.ledger import LedgerEntry


def resume_plan(
    plan: Plan,
    entry: LedgerEntry,
    fingerprint: str,
    key_of: Callable[[Path], str],
    n_retries: int,
    now_s: float,
) -> Plan:
    """Return the plan of a source for this run.

    Args:
        plan: The plan by its existing outputs.
        entry: The source's latest entry.
        fingerprint: Fingerprint of this run's options.
        key_of: Returns the key of a file's name in the ledger.
        n_retries: How many of the next runs try a failed source again.
        now_s: Current time, in seconds since 1970.
    """
    is_same_media = entry.media is not None and entry.media.is_of(plan.source.path)
    if not is_same_media or entry.fingerprint != fingerprint:
        if plan.existing and all(
            _is_made(plan, path, entry, fingerprint, key_of) for path in plan.existing.values()
        ):
            return plan
        return _renewed(plan, entry, key_of, "options changed" if is_same_media else "media changed")
    # A doubtful result is a result; and outputs that appeared after a failure are not qasr's.
    has_failed = entry.status is Status.FAILED and entry.exit_code != ExitCode.QUALITY
    if plan.skip and not (has_failed and entry.outputs):
        return plan
    if entry.status is Status.SKIPPED:
        return replace(plan, targets={}, skip=entry.reason)
    return _retried(plan, entry, key_of, n_retries, now_s) if has_failed else plan


def _is_made(
    plan: Plan, path: Path, entry: LedgerEntry, fingerprint: str, key_of: Callable[[Path], str]
) -> bool:
    """Whether a file was made from this media with these options, before a run with other ones."""
    return any(
        name_key(output.path) == key_of(path)
        and output.fingerprint == fingerprint
        and output.media is not None
        and output.media.is_of(plan.source.path)
        for output in entry.outputs
    )


def _retried(
    plan: Plan, entry: LedgerEntry, key_of: Callable[[Path], str], n_retries: int, now_s: float
) -> Plan:
    if not backoff.is_waiting(entry.at_s, entry.n_failures, n_retries, now_s):
        note = f"failed before: {entry.reason}"
        return _renewed(plan, entry, key_of, note) if entry.outputs else replace(plan, note=note)
    moment = backoff.in_words(backoff.next_try_s(entry.at_s, entry.n_failures, n_retries))
    times = "once" if entry.n_failures == 1 else f"{entry.n_failures} times"
    return replace(plan, targets={}, skip=f"failed {times}: {entry.reason}; tried again from {moment} on")


def _renewed(plan: Plan, entry: LedgerEntry, key_of: Callable[[Path], str], why: str) -> Plan:
    """Return a plan that replaces qasr's outputs; outputs that were edited since are left alone."""
    if not plan.existing:
        return replace(plan, note=why)
    replacing: dict[Path, Identity] = {}
    for path in plan.existing.values():
        identities = [output.identity for output in entry.outputs if name_key(output.path) == key_of(path)]
        unchanged = next((output for output in identities if output.is_of(path)), None)
        if unchanged is None:
            state = "was edited since" if identities else "is not from that run"
            skip = f"{why}, and {path.name} {state} (--overwrite replaces it)"
            return replace(plan, targets={}, skip=skip)
        replacing[path] = unchanged
    return replace(plan, targets=plan.places, skip="", note=why, replacing=replacing)
