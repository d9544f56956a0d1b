"""Fuzz for a number of inputs or a time, keep what is found, and say so; see the package."""

from __future__ import annotations

import argparse
import logging
import sys
import time

import tests.fuzz
from tests.fuzz import campaign
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

_A_ROUND = 500  # inputs, when there is a time limit: each target gets its share again and again


def main() -> int:
    """Fuzz; return 1 if anything is found."""
    parser = argparse.ArgumentParser(description=(tests.fuzz.__doc__ or "").splitlines()[0])
    parser.add_argument("--inputs", type=int, default=10_000, help="in all; default: 10,000")
    parser.add_argument("--seconds", type=float, help="fuzz for this time instead, again and again")
    parser.add_argument("--target", action="append", choices=[target.name for target in TARGETS])
    parser.add_argument("--seed", type=int, default=int(time.time()), help="default: another one each time")
    asked = parser.parse_args()
    chosen = [target for target in TARGETS if not asked.target or target.name in asked.target]
    logging.disable()  # warnings about what is passed over
    sys.stdout.write(f"seed {asked.seed}\n")
    begin_s = time.monotonic()
    until_s = None if asked.seconds is None else begin_s + asked.seconds
    n_a_round = asked.inputs if until_s is None else min(asked.inputs, _A_ROUND)
    n_inputs = n_faults = 0
    for number in range(1 if until_s is None else sys.maxsize):
        if until_s is not None and time.monotonic() > until_s:
            break
        for target in chosen:
            share = max(1, n_a_round * target.share // sum(one.share for one in chosen))
            faults = campaign.fuzz(target, share, asked.seed + number, until_s)
            n_inputs, n_faults = n_inputs + faults.n_inputs, n_faults + len(faults.inputs)
            _report(target, faults)
    sys.stdout.write(f"{n_inputs:,} inputs in {time.monotonic() - begin_s:.0f} s, {n_faults} faults\n")
    return min(n_faults, 1)


def _report(target: Target, faults: campaign.Faults) -> None:
    sys.stdout.write(f"{target.name:<12} {faults.n_inputs:>6,} inputs, {len(faults.inputs)} faults\n")
    for place, path in zip(faults.inputs, campaign.keep(target, faults), strict=True):
        sys.stdout.write(f"  {place}\n    kept as {path.relative_to(campaign.CORPUS.parent)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
