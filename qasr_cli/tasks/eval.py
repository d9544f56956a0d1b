"""`qasr eval`: references, systems, figures, reports.

In go references, models and other programs' outputs; out come a table on stdout and a folder:
`results.jsonl`, `report.html`, `report.md`, CSV tables, and the ledger of each model's transcripts, with
which the same command resumes. Loads one model at a time.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qasr_cli.errors import CannotCreateError, ExitCode, NoInputError, UnavailableError, printable
from qasr_cli.evaluation import results
from qasr_cli.evaluation.answers import AnswerFile, RunFacts
from qasr_cli.evaluation.evaluate import Evaluator
from qasr_cli.evaluation.figures import Evaluation, SpeedFigures
from qasr_cli.evaluation.hypotheses.opening import HypothesisSet, open_hypotheses
from qasr_cli.evaluation.normalization import normalizers
from qasr_cli.evaluation.normalization.normalizers import Normalizer
from qasr_cli.evaluation.references import opening
from qasr_cli.evaluation.references.opening import ReferenceSet
from qasr_cli.evaluation.reports import csv_tables, html_page, markdown, terminal
from qasr_cli.evaluation.utterances import Pair, Utterance
from qasr_cli.operating_system import processes
from qasr_cli.options import EvalOptions, LogOptions, Options, ReferenceOptions
from qasr_cli.runs.files import atomic_write
from qasr_cli.runs.reports.arguments import shown_arguments
from qasr_cli.tasks import eval_models, eval_sources, observers
from qasr_cli.tasks.eval_models import Done, ModelSystem
from qasr_cli.terminal import stdio
from qasr_cli.terminal.events import Reporter
from qasr_cli.timebase import MS_PER_S
from qasr_cli.version import __version__

logger = logging.getLogger(__name__)

RESULTS, PAGE, MARKDOWN, LEDGERS, TABLES = "results.jsonl", "report.html", "report.md", "answers", "tables"
_PIPE_WIDTH = 10_000  # a pipe folds nothing
_ADVICE = "qasr+numbers"


@dataclass(frozen=True, slots=True)
class EvalRequest:
    """What is to be evaluated.

    Attributes:
        inputs: Corpora, manifests or media beside texts.
        models: Models to run, one after the other; empty runs none.
        options: The whole tree of transcription; the model in it is replaced by each of `models`.
    """

    inputs: tuple[Path, ...]
    models: tuple[str, ...]
    options: Options
    references: ReferenceOptions
    evaluation: EvalOptions


@dataclass(frozen=True, slots=True)
class RunSystem:
    """A model that was run, its ledger, and what came of it."""

    system: ModelSystem
    ledger: AnswerFile
    done: Done


def evaluate(request: EvalRequest, log: LogOptions) -> int:
    """Evaluate systems on references, and return the exit code.

    Raises:
        QasrError: A reference, an output or a normalizer cannot be read, or a model cannot be loaded.
    """
    stdout = stdio.guard()
    if request.references.layout == "list":
        stdout.write("".join(f"{name:14} {looks_for}\n" for name, looks_for in opening.layouts()))
        return ExitCode.OK
    make_reporter = observers.set_up(log, [path for path in request.inputs if os.path.isfile(path)])
    chosen = _normalizers(request.evaluation.normalizers)
    if request.evaluation.results is not None:
        evaluation = _again(request.evaluation.results, chosen, request)
        _write_reports(evaluation, request.evaluation.folder)
        stdout.write(terminal.render(evaluation, _width()))
        return ExitCode.OK
    return _evaluate_sets(request, chosen, make_reporter, stdout.write)


def _evaluate_sets(
    request: EvalRequest,
    chosen: Sequence[Normalizer],
    make_reporter: Callable[[], Reporter],
    deliver: Callable[[str], None],
) -> int:
    processes.require_posix()
    sets = [_opened(path, request.references) for path in request.inputs]
    others = [open_hypotheses(files) for files in request.evaluation.hypotheses]
    for one in others:
        logger.warning("%s", one.description)
    folder = _prepared_folder(request.evaluation)
    with contextlib.ExitStack() as ledgers:
        ran = [_run(name, sets, request, make_reporter, ledgers) for name in _named(request.models)]
        evaluator = Evaluator(chosen, request.references.seed)
        facts = _facts(request, sets, others, ran)
        with results.writing(folder / RESULTS, facts) as writer:
            for pair in _pairs(sets, ran, others):
                writer.add(pair, evaluator.add(pair))
        evaluation = evaluator.finish(facts, {one.system.name: _speed(one.ledger.runs) for one in ran})
    _write_reports(evaluation, folder)
    deliver(terminal.render(evaluation, _width()))
    logger.warning("%s and the other reports are in %s", PAGE, printable(folder))
    return _exit_code(ran)


def _opened(path: Path, options: ReferenceOptions) -> ReferenceSet:
    """Open a reference set, say what it was taken for, and refuse one without any sound."""
    found = opening.open_set(path, options)
    logger.warning("%s", printable(found.description))
    missing = opening.first_missing(iter(found))
    if missing is not None:
        raise NoInputError.about(
            missing, f"no such sound, nor the next ones of {path}", "are the texts where the corpus has them?"
        )
    return found


def _normalizers(names: Sequence[str]) -> list[Normalizer]:
    """Return the normalizers; a default one whose package is missing is left out with a notice."""
    found = []
    for name in names:
        try:
            found.append(normalizers.get(name))
        except UnavailableError as error:
            if name != _ADVICE or len(names) == 1 or names != EvalOptions().normalizers:
                raise
            logger.warning("%s; %s. Its figures are left out.", error, error.hint)
    return found


def _prepared_folder(options: EvalOptions) -> Path:
    """Return the folder of the evaluation: new, empty, or one that an evaluation has made.

    Raises:
        CannotCreateError: It holds something else.
    """
    folder = options.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = os.listdir(folder)  # noqa: PTH208 - names only
    except OSError as error:
        raise CannotCreateError.about(folder, error.strerror or str(error), "use another -o DIR") from error
    is_own = LEDGERS in names or RESULTS in names
    if names and not is_own:
        raise CannotCreateError.about(
            folder, "a folder with other files, and no evaluation in it", "use another -o DIR"
        )
    if options.overwrite:
        shutil.rmtree(folder / LEDGERS, ignore_errors=True)
    return folder


def _named(models: Sequence[str]) -> list[tuple[str, str]]:
    """Return a name for reports for each model: the last part of a path, or all of it if two are alike."""
    short = [Path(model).name or model for model in models]
    return [
        (model if short.count(name) > 1 else name, model) for name, model in zip(short, models, strict=True)
    ]


def _run(
    named: tuple[str, str],
    sets: Sequence[ReferenceSet],
    request: EvalRequest,
    make_reporter: Callable[[], Reporter],
    ledgers: contextlib.ExitStack,
) -> RunSystem:
    """Run one model over all sets, and return what came of it, with its ledger open."""
    name, model = named
    options = replace(request.options, engine=replace(request.options.engine, model=model))
    folder = request.evaluation.folder
    system = ModelSystem(name, options, folder, make_reporter)
    ledger = ledgers.enter_context(AnswerFile(folder / LEDGERS, name, system.shard))
    done = eval_models.transcribe(system, [(one, one.is_long) for one in sets], ledger)
    if done.n_resumed:
        logger.warning("%s: %d sources had been transcribed before", name, done.n_resumed)
    if done.n_elsewhere:
        logger.warning("%s: %d sources of other shards are not there yet", name, done.n_elsewhere)
    return RunSystem(system, ledger, done)


def _pairs(
    sets: Sequence[ReferenceSet],
    ran: Sequence[RunSystem],
    others: Sequence[HypothesisSet],
) -> Iterator[Pair]:
    """Yield every utterance with the answer of every system."""
    for one in sets:
        for batch in eval_sources.rounds(one):
            known: dict[str, Utterance] = {}
            for run in ran:
                found = eval_models.answers(batch, run.system, run.ledger, run.done, is_whole=one.is_long)
                for utterance, answer in found:
                    known.setdefault(utterance.id, utterance)
                    yield Pair(run.system.name, known[utterance.id], answer)
            for other in others:
                for utterance in batch:
                    whole = known.get(utterance.id, utterance)
                    yield Pair(other.name, whole, other.answer(whole))


def _again(path: Path, chosen: Sequence[Normalizer], request: EvalRequest) -> Evaluation:
    """Derive the figures of a file of results again."""
    facts, pairs = results.read(path)
    evaluator = Evaluator(chosen, request.references.seed)
    for pair in pairs:
        evaluator.add(pair)
    shown = {name: value for name, value in facts.items() if isinstance(value, str) and name != "schema"}
    return evaluator.finish(shown | {"normalizers": ", ".join(one.name for one in chosen)})


def _facts(
    request: EvalRequest,
    sets: Sequence[ReferenceSet],
    others: Sequence[HypothesisSet],
    ran: Sequence[RunSystem],
) -> dict[str, str]:
    models = [_described(one.system.name, one.ledger.runs) for one in ran]
    facts = {
        "qasr": __version__,
        "command": " ".join(["qasr", *shown_arguments(sys.argv[1:])]),
        "references": "; ".join(one.description for one in sets),
        "models": "; ".join(models),
        "other systems": "; ".join(one.description for one in others),
        "normalizers": ", ".join(request.evaluation.normalizers),
        "seed": str(request.references.seed),
    }
    return {name: value for name, value in facts.items() if value}


def _described(name: str, runs: Sequence[RunFacts]) -> str:
    if not runs:
        return name
    last = runs[-1]
    return f"{name} ({last.model}, aligner {last.aligner or 'none'}, {last.device})"


def _speed(runs: Iterable[RunFacts]) -> SpeedFigures:
    """Return the speed of all calls together: audio by wall seconds, models loaded."""
    all_runs = list(runs)
    audio_ms, wall_s = sum(one.audio_ms for one in all_runs), sum(one.wall_s for one in all_runs)
    return SpeedFigures(
        audio_ms=audio_ms,
        wall_s=wall_s or None,
        rtfx=audio_ms / MS_PER_S / wall_s if wall_s else None,
        peak_bytes=max((one.peak_bytes for one in all_runs), default=0) or None,
        device=all_runs[-1].device if all_runs else "",
    )


def _write_reports(evaluation: Evaluation, folder: Path) -> None:
    texts: Mapping[Path, str] = {
        folder / PAGE: html_page.render(evaluation, folder),
        folder / MARKDOWN: markdown.render(evaluation),
        **{folder / TABLES / name: text for name, text in csv_tables.render(evaluation).items()},
    }
    for path, text in texts.items():
        atomic_write.write(path, text, is_overwrite=True)


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.__stdout__ and sys.__stdout__.isatty() else _PIPE_WIDTH


def _exit_code(ran: Sequence[RunSystem]) -> int:
    """Return the exit code of runs, the worst first: of a single source its own, of several 3."""
    codes = [one.done.report.exit_code for one in ran]
    return next((code for code in codes if code), ExitCode.OK)
