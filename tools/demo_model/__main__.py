"""``python -m tools.demo_model STEP``: the recipe's steps, see ``--help``."""

from __future__ import annotations

import argparse
from pathlib import Path


def main() -> None:
    """Run one step of the recipe."""
    parser = argparse.ArgumentParser(prog="python -m tools.demo_model", description="The demo pair's recipe.")
    steps = parser.add_subparsers(dest="step", required=True)
    samples = steps.add_parser("samples", help="make the sample media and their truth")
    samples.add_argument("--out", type=Path, default=Path("samples"))
    arguments = parser.parse_args()
    if arguments.step == "samples":
        from tools.demo_model.samples import make_samples

        make_samples(arguments.out)


if __name__ == "__main__":
    main()
