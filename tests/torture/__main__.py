"""Print what came of a torture; see the package."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import tests.torture
from tests.torture.torture import Setting, torture


def main() -> None:
    """Torture and tell."""
    parser = argparse.ArgumentParser(description=(tests.torture.__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=50)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", help="module:factory; the demo model without it")
    asked = parser.parse_args()
    engine = ["--engine", asked.engine] if asked.engine else ["--model", "demo"]
    arguments = [*engine, "--chunk-seconds", "8", "--batch-size", "8"]
    with tempfile.TemporaryDirectory() as name:
        toll = torture(Path(name), Setting(asked.files, asked.kills, arguments, asked.seed))
    kills = ", ".join(f"{number} {name}" for name, number in sorted(toll.kills.items()))
    sys.stdout.write(
        f"{asked.files} files, {sum(toll.kills.values())} kills ({kills}), {toll.n_in_time} of them at work; "
        f"{toll.n_rounds} rounds, all results the same bytes as of a whole run ({toll.whole_s:.1f} s)\n"
        f"{toll.known} chunks were known in the last runs of the rounds; "
        f"slowest end after SIGTERM {toll.slowest_end_s:.1f} s\n"
    )


if __name__ == "__main__":
    main()
