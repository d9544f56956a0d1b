"""``python -m tools.demo_model STEP``: the recipe's steps, see ``--help``."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

_STEPS = {
    "all": "everything: banks, all trainings, checkpoints, figures",
    "bank": "speak the training sentences, fetch the recordings of real people",
    "train": "train the recogniser and the aligner",
    "export": "write the trained weights as checkpoints",
    "evaluate": "print the figures of a pair, through transformers' own path",
    "samples": "make the sample media and their truth",
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.demo_model", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    for name, what in _STEPS.items():
        step = steps.add_parser(name, help=what)
        if name == "samples":
            step.add_argument("--out", type=Path, default=Path("samples"), help="folder for the media")
            continue
        if name == "evaluate":
            step.add_argument("--pair", type=Path, default=Path("qasr_cli/demo"), help="folder of the pair")
            step.add_argument(
                "--part", choices=("dev", "test"), default="dev", help="held-out sentences to use"
            )
            step.add_argument("--clips", type=int, default=60, help="clips of each kind")
            step.add_argument(
                "--packages", type=Path, help="folder with the recordings of real people; left out without it"
            )
            continue
        step.add_argument("--out", type=Path, default=Path("build/demo-model"), help="working folder")
        step.add_argument("--device", default="cpu", help="cpu or cuda")
        step.add_argument(
            "--without-debian", action="store_true", help="leave out real people and flite, which Debian has"
        )
        step.add_argument(
            "--rehearsal",
            action="store_true",
            help="do it in small, for the way alone: the pair knows nothing",
        )
        step.add_argument("--processes", type=int, help="training processes; default two on a CPU")
    return parser


def _make(arguments: argparse.Namespace) -> None:
    from tools.demo_model import recipe
    from tools.demo_model.learn import Place

    on_cpu = arguments.device == "cpu"
    cores = os.cpu_count() or 2
    place = Place(
        device=arguments.device,
        processes=arguments.processes or (min(2, cores) if on_cpu else 1),
        workers=0 if on_cpu else max(2, cores // 2 - 1),
        bank_processes=cores,
        folder=arguments.out,
        debian=not arguments.without_debian,
        rehearsal=arguments.rehearsal,
    )
    steps = {
        "bank": lambda: recipe.make_banks(place),
        "train": lambda: recipe.train(place),
        "export": lambda: recipe.export(place, place.folder / "pair"),
    }
    for step in steps if arguments.step == "all" else (arguments.step,):
        steps[step]()
    if arguments.step == "all" and place.rehearsal:
        from tools.demo_model.pair import Pair

        Pair.load(place.folder / "pair")  # more than that it loads cannot be asked of it
    elif arguments.step == "all":
        from tools.demo_model.evaluate import evaluate

        packages = place.folder / "packages" if place.debian else None
        evaluate(place.folder / "pair", "dev", n_clips=60, packages=packages)


def main() -> None:
    """Run one step of the recipe."""
    arguments = _parser().parse_args()
    if arguments.step == "samples":
        from tools.demo_model.samples import make_samples

        make_samples(arguments.out)
    elif arguments.step == "evaluate":
        from tools.demo_model.evaluate import evaluate

        evaluate(arguments.pair, arguments.part, arguments.clips, arguments.packages)
    else:
        _make(arguments)


if __name__ == "__main__":
    main()
