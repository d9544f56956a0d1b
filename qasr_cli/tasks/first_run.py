"""`qasr eval --first-run`: checks a model on this machine, and writes a report to share and a qasr.toml.

In go a model and recordings with truth (a talk of 18 s that ships with qasr, if none is named); out come
`first-run.md`, `first-run.json` and `qasr.toml`, and beside them an ordinary evaluation with its page. These
three files hold no path and no text of the recordings, and replace none that exists.
"""

from __future__ import annotations

import json
import logging
import os
import platform
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from qasr_cli.errors import CannotCreateError, UsageError, printable
from qasr_cli.evaluation.figures import Evaluation
from qasr_cli.evaluation.references import opening
from qasr_cli.evaluation.references.opening import ReferenceSet
from qasr_cli.evaluation.utterances import Utterance
from qasr_cli.options import LogOptions
from qasr_cli.runs.files import atomic_write
from qasr_cli.tasks import (
    bench,
    eval_reports,
    first_run_official,
    first_run_report,
    first_run_trials,
    observers,
)
from qasr_cli.tasks.bench import BenchRequest
from qasr_cli.tasks.eval_systems import EvalRequest, EvalSet, Surroundings, evaluate_sets
from qasr_cli.tasks.first_run_report import ALIGNED, FirstRun
from qasr_cli.terminal import stdio
from qasr_cli.version import __version__

logger = logging.getLogger(__name__)

REPORT, FACTS, SETTINGS, EVALUATION = "first-run.md", "first-run.json", "qasr.toml", "evaluation"
_N_UTTERANCES = 100  # unless --limit says more: a quarter of an hour of most corpora
_STAGES_SHARE = 0.25  # of the time limit


def run(request: EvalRequest, log: LogOptions) -> int:
    """Check a model, write the files, print the report and return the exit code.

    Raises:
        UsageError: Several models, or none.
        CannotCreateError: A report or a qasr.toml exists.
        QasrError: A reference cannot be read, or the model cannot be loaded.
    """
    if len(request.models) != 1:
        raise UsageError("--first-run checks one model", "name one with --model", flag="--first-run")
    stdout = stdio.guard()
    folder = request.evaluation.folder
    _refuse_existing(folder)
    make_reporter = observers.set_up(log, [path for path in request.inputs if os.path.isfile(path)])
    normalizers = eval_reports.chosen_normalizers(request.evaluation.normalizers)
    sets = [_opened(path, request) for path in request.inputs or (bench.SAMPLE.parent,)]
    own = replace(
        request,
        references=replace(request.references, limit=request.references.limit or _N_UTTERANCES),
        evaluation=replace(request.evaluation, folder=folder / EVALUATION, detectors=True),
    )
    found: list[Evaluation] = []

    def keep(evaluation: Evaluation) -> Evaluation:
        found.append(evaluation)
        return evaluation

    around = Surroundings(normalizers, make_reporter, lambda text: None)
    code = evaluate_sets([part for one in sets for part in _both(one)], own, around, keep)
    measured = _measured(request, found[0])
    for path, text in _texts(folder, measured).items():
        atomic_write.write(path, text, is_overwrite=False)
    stdout.write(first_run_report.markdown(measured))
    logger.warning("%s, %s and %s are in %s", REPORT, FACTS, SETTINGS, printable(folder))
    return code


def _measured(request: EvalRequest, evaluation: Evaluation) -> FirstRun:
    (model,) = request.models
    options = replace(request.options, engine=replace(request.options.engine, model=model))
    limit_s = request.evaluation.first_run_seconds
    trials = first_run_trials.measure(options, limit_s * (1 - _STAGES_SHARE))
    best = first_run_trials.best(trials)
    chosen = replace(options, engine=replace(options.engine, dtype=best.dtype))
    stages = bench.measure(BenchRequest(chosen, batch_limit_s=limit_s * _STAGES_SHARE))
    python = request.evaluation.official_python
    official = first_run_official.compare(chosen, python) if python is not None else None
    return FirstRun(
        facts={
            "qasr": __version__,
            "model": stages.model,
            "aligner": stages.aligner or "none",
            "device": stages.device,
            "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
            "python": platform.python_version(),
        },
        sets=evaluation.sets,
        stages=stages,
        trials=tuple(trials),
        best=best,
        official=official,
    )


def _texts(folder: Path, measured: FirstRun) -> dict[Path, str]:
    return {
        folder / REPORT: first_run_report.markdown(measured),
        folder / FACTS: json.dumps(first_run_report.values(measured), indent=2) + "\n",
        folder / SETTINGS: first_run_report.settings(measured),
    }


def _refuse_existing(folder: Path) -> None:
    for name in (REPORT, FACTS, SETTINGS):
        if os.path.lexists(folder / name):
            raise CannotCreateError.about(folder / name, "it exists", "use another -o DIR")


def _opened(path: Path, request: EvalRequest) -> ReferenceSet:
    limit = request.references.limit or _N_UTTERANCES
    found = opening.open_set(path, replace(request.references, limit=limit))
    logger.warning("%s", printable(found.description))
    opening.refuse_soundless(found)
    return found


def _both(one: ReferenceSet) -> list[EvalSet]:
    """Return a set to be recognised, and one of its words with times, which the aligner is given."""

    def timed() -> Iterator[Utterance]:
        for utterance in one:
            if utterance.words and utterance.language and "," not in utterance.language:
                yield replace(utterance, set_name=f"{utterance.set_name}{ALIGNED}")

    recognised = EvalSet(one.description, one.__iter__, one.is_long)
    if next(timed(), None) is None:
        return [recognised]
    return [recognised, EvalSet(f"{one.description}{ALIGNED}", timed, is_aligned=True)]
