"""`qasr eval`: what is to be evaluated, and how: references, a suite, or a file of results.

In go references, models and other programs' outputs; out come a table on stdout and a folder:
`results.jsonl`, `report.html`, `report.md`, CSV tables, and the ledger of each model's transcripts, with
which the same command resumes.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from qasr_cli.errors import ExitCode, NoInputError, UsageError, printable
from qasr_cli.evaluation import results
from qasr_cli.evaluation.evaluate import Evaluator
from qasr_cli.evaluation.references import opening
from qasr_cli.evaluation.reports import terminal
from qasr_cli.evaluation.utterances import Utterance
from qasr_cli.options import LogOptions
from qasr_cli.tasks import eval_reports, eval_suite, observers
from qasr_cli.tasks.eval_systems import EvalRequest, EvalSet, Surroundings, evaluate_sets
from qasr_cli.terminal import stdio

logger = logging.getLogger(__name__)


def evaluate(request: EvalRequest, log: LogOptions) -> int:
    """Evaluate systems on references, and return the exit code.

    Raises:
        QasrError: A reference, an output or a normalizer cannot be read, or a model cannot be loaded.
    """
    stdout = stdio.guard()
    if request.references.layout == "list":
        stdout.write("".join(f"{name:14} {looks_for}\n" for name, looks_for in opening.layouts()))
        return ExitCode.OK
    named_files = [path for path in request.inputs if os.path.isfile(path)]
    make_reporter = observers.set_up(observers.chattier(log), named_files)
    chosen = eval_reports.chosen_normalizers(request.evaluation.normalizers)
    around = Surroundings(chosen, make_reporter, stdout.write)
    if request.evaluation.results is not None:
        return _again(request.evaluation.results, request, around)
    if request.evaluation.suite:
        return eval_suite.run(request, around)
    sets = [_opened(path, request) for path in request.inputs]
    return evaluate_sets(_told_apart(request.inputs, sets), request, around)


def _told_apart(paths: Sequence[Path], sets: Sequence[EvalSet]) -> list[EvalSet]:
    """Return the sets; one of a name that another folder's set has gets its path behind the name.

    Figures of two folders that are both called `test` are not summed, and their utterances may have the same
    ids. Files of one folder and kind, such as the parquet files of a split, are one set. Sets are streamed in
    their order, so that the first one keeps its name.

    Raises:
        UsageError: A path stands twice.
        NoInputError: While a set is streamed: it has no utterance.
    """
    real = [os.path.realpath(path) for path in paths]
    twice = next((path for number, path in enumerate(paths) if real[number] in real[:number]), None)
    if twice is not None:
        raise UsageError.about(twice, "the same references twice", "name each once")
    owners: dict[str, tuple[str, str]] = {}

    def renamed(path: Path, whole: str, one: EvalSet) -> EvalSet:
        place = (str(Path(whole).parent), path.suffix) if os.path.isfile(whole) else (whole, "")

        def utterances() -> Iterator[Utterance]:
            is_empty = True
            for utterance in one.utterances():
                is_empty = False
                name = utterance.set_name
                is_first = owners.setdefault(name, place) == place
                yield utterance if is_first else replace(utterance, set_name=f"{name} of {path}")
            if is_empty:
                raise NoInputError.about(path, "no utterance in it", "look at its texts and manifests")

        return replace(one, utterances=utterances)

    return [renamed(*each) for each in zip(paths, real, sets, strict=True)]


def _opened(path: Path, request: EvalRequest) -> EvalSet:
    """Open a reference set, say what it was taken for, and refuse one without any sound.

    Raises:
        NoInputError: None of the first sounds is there, and a model is to be run.
    """
    found = opening.open_set(path, request.references)
    logger.info("%s", printable(found.description))
    if request.models:
        opening.refuse_soundless(found)
    return EvalSet(found.description, found.__iter__, found.is_long)


def _again(path: Path, request: EvalRequest, around: Surroundings) -> int:
    """Derive the figures of a file of results again."""
    head = results.read_head(path)
    folder = eval_reports.prepared_folder(request.evaluation)
    has_detectors = request.evaluation.detectors
    evaluator = Evaluator(around.normalizers, request.references.seed, has_detectors)
    for pair in eval_reports.told(results.read_pairs(path)):
        evaluator.add(pair)
    named = ", ".join(one.name for one in around.normalizers)
    evaluation = evaluator.finish(
        {**head.facts, "seed": str(request.references.seed), "normalizers": named}, head.speeds
    )
    evaluation = replace(evaluation, published=results.read_published(path))
    eval_reports.write(evaluation, folder)
    around.deliver(terminal.render(evaluation, eval_reports.shown_width()))
    return ExitCode.OK
