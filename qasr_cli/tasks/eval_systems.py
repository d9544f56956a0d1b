"""Systems on sets: the road of an evaluation, from references to reports.

In go sets of references, models and other programs' outputs; out comes the folder of an evaluation, a table
and an exit code. Models are run one after the other, then every pair is scored as it is streamed.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qasr_cli.errors import ExitCode, UsageError, printable
from qasr_cli.evaluation import results
from qasr_cli.evaluation.answers import AnswerFile, RunFacts
from qasr_cli.evaluation.evaluate import Evaluator
from qasr_cli.evaluation.figures import Evaluation
from qasr_cli.evaluation.hypotheses.opening import HypothesisSet, by_recording, open_hypotheses
from qasr_cli.evaluation.normalization.normalizers import Normalizer
from qasr_cli.evaluation.reports import terminal
from qasr_cli.evaluation.suites import joins
from qasr_cli.evaluation.utterances import Pair, Utterance
from qasr_cli.operating_system import processes
from qasr_cli.options import EvalOptions, Options, ReferenceOptions
from qasr_cli.runs.reports.arguments import shown_arguments
from qasr_cli.tasks import eval_confidence, eval_models, eval_reports, eval_sources, joined_sound
from qasr_cli.tasks.eval_models import Done, ModelSystem
from qasr_cli.tasks.eval_sources import EvalSource
from qasr_cli.terminal.events import Reporter
from qasr_cli.version import __version__

logger = logging.getLogger(__name__)


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
class EvalSet:
    """A set that systems are compared on.

    Attributes:
        description: What it was taken for, on one line.
        utterances: Streams its utterances, each time anew.
        is_whole: Whole recordings are transcribed, and not the parts that the references say.
        is_aligned: The words of its texts are timed, in place of recognised ones.
        join_ms: Its clips are joined up to so many ms; 0 takes them one at a time.
    """

    description: str
    utterances: Callable[[], Iterator[Utterance]]
    is_whole: bool = False
    is_aligned: bool = False
    join_ms: int = 0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an evaluation uses.

    Attributes:
        normalizers: The first one's figures are the main ones.
        make_reporter: Called for each round of a model's run.
        deliver: Writes texts to stdout.
    """

    normalizers: Sequence[Normalizer]
    make_reporter: Callable[[], Reporter]
    deliver: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RunSystem:
    """A model that was run, its ledger, and what came of it."""

    system: ModelSystem
    ledger: AnswerFile
    done: Done

    @property
    def runs(self) -> list[RunFacts]:
        """Its calls with these settings, earlier ones as well."""
        return self.ledger.runs_of(self.system.settings)


def evaluate_sets(
    sets: Sequence[EvalSet],
    request: EvalRequest,
    around: Surroundings,
    finish: Callable[[Evaluation], Evaluation] = lambda evaluation: evaluation,
) -> int:
    """Run the models, score every pair, write the reports and return the exit code.

    Args:
        sets: What the systems are compared on.
        request: Models, other programs' outputs, and the folder.
        around: Normalizers, progress and stdout.
        finish: Called with the figures before they are written.

    Raises:
        UsageError: A model and another program have one name: their figures could not be told apart.
        QasrError: A reference or output cannot be read, a model cannot be loaded, or the folder not written.
    """
    processes.require_posix()
    _refuse_equal_names(request)
    others = [open_hypotheses(files) for files in request.evaluation.hypotheses]
    for one in others:
        logger.info("%s", printable(one.description))
    folder = eval_reports.prepared_folder(request.evaluation)
    with contextlib.ExitStack() as ledgers:
        ran = [_run(name, sets, request, around, ledgers) for name in eval_reports.named(request.models)]
        has_detectors = request.evaluation.detectors
        evaluator = Evaluator(around.normalizers, request.references.seed, has_detectors)
        facts = _facts(request, sets, others, ran)
        facts["normalizers"] = ", ".join(one.name for one in around.normalizers)  # without those left out
        speeds = {one.system.name: eval_reports.speed(one.runs) for one in ran}
        with results.writing(folder / eval_reports.RESULTS, facts, speeds) as writer:
            for pair in eval_reports.told(_pairs(sets, ran, others, request.references.seed)):
                writer.add(pair, evaluator.add(pair))
            evaluation = finish(evaluator.finish(facts, speeds))
            writer.add_published(evaluation.published)
    eval_reports.write(evaluation, folder)
    around.deliver(terminal.render(evaluation, eval_reports.shown_width()))
    if request.evaluation.fit_confidence:
        models = {one.system.name: (one.system.options.engine, one.runs) for one in ran}
        eval_confidence.fit(evaluator.evidence, models)
    logger.info("%s and the other reports are in %s", eval_reports.PAGE, printable(folder))
    return _exit_code(ran)


def _refuse_equal_names(request: EvalRequest) -> None:
    models = {name for name, _ in eval_reports.named(request.models)}
    for one in request.evaluation.hypotheses:
        if one.name in models:
            raise UsageError(
                f"--hyp: a model is named {one.name}, too",
                f"give another name: NAME={one.path}",
                flag="--hyp",
            )


def _run(
    named: tuple[str, str],
    sets: Sequence[EvalSet],
    request: EvalRequest,
    around: Surroundings,
    ledgers: contextlib.ExitStack,
) -> RunSystem:
    """Run one model over all sets, and return what came of it, with its ledger open."""
    name, model = named
    options = replace(request.options, engine=replace(request.options.engine, model=model))
    folder = request.evaluation.folder
    system = ModelSystem(name, options, folder, around.make_reporter)
    ledger = ledgers.enter_context(AnswerFile(folder / eval_reports.LEDGERS, name, system.shard))
    rounds = (sources for one in sets for _, sources in _rounds(one, system, request.references.seed))
    done = eval_models.run_rounds(system, rounds, ledger)
    if done.n_resumed:
        logger.info("%s: sources transcribed before: %d", name, done.n_resumed)
    if done.n_elsewhere:
        logger.warning("%s: sources of other shards that are not there yet: %d", name, done.n_elsewhere)
    return RunSystem(system, ledger, done)


def _rounds(
    one: EvalSet, system: ModelSystem, seed: int
) -> Iterator[tuple[list[Utterance], list[EvalSource]]]:
    """Yield a set's utterances round by round, with the sources that a model answers them by."""
    settings = system.settings
    if not one.is_aligned:
        for batch in eval_sources.rounds(one.utterances()):
            yield batch, eval_sources.sources_of(batch, settings, is_whole=one.is_whole)
        return
    if not one.join_ms:
        for batch in eval_sources.rounds(one.utterances()):
            yield batch, eval_sources.aligned_sources(batch, settings)
        return
    clips = joined_sound.timed(one.utterances())
    for join in joins.joined(clips, one.join_ms, seed):
        sources = eval_sources.joined_sources([join], join.parts[0][0].set_name, settings)
        yield [utterance for utterance, _ in sources[0].utterances], sources


def _pairs(
    sets: Sequence[EvalSet], ran: Sequence[RunSystem], others: Sequence[HypothesisSet], seed: int
) -> Iterator[Pair]:
    """Yield every utterance with the answer of every system."""
    for one in sets:
        if not ran:
            yield from _answered(one.utterances(), others)
            continue
        by_system = [_rounds(one, run.system, seed) for run in ran]
        for rounds in zip(*by_system, strict=True):
            known: dict[tuple[str, str], Utterance] = {}  # parts of a set have the same ids
            for run, (_, sources) in zip(ran, rounds, strict=True):
                for utterance, answer in eval_models.answers(sources, run.system, run.ledger, run.done):
                    whole = known.setdefault((utterance.set_name, utterance.id), utterance)
                    yield Pair(run.system.name, whole, answer)
            if one.is_aligned:
                continue  # other programs were not given the text
            seen = (known.get((u.set_name, u.id), u) for u in rounds[0][0])
            yield from _answered(seen, others)


def _answered(utterances: Iterable[Utterance], others: Sequence[HypothesisSet]) -> Iterator[Pair]:
    for group in by_recording(utterances):
        for other in others:
            answers = other.answers(group)
            yield from (Pair(other.name, *pair) for pair in zip(group, answers, strict=True))


def _facts(
    request: EvalRequest,
    sets: Sequence[EvalSet],
    others: Sequence[HypothesisSet],
    ran: Sequence[RunSystem],
) -> dict[str, str]:
    models = [eval_reports.described(one.system.name, one.runs) for one in ran]
    facts = {
        "qasr": __version__,
        "command": " ".join(["qasr", *shown_arguments(sys.argv[1:])]),
        "references": "; ".join(one.description for one in sets),
        "models": "; ".join(models),
        "other systems": "; ".join(one.description for one in others),
        "seed": str(request.references.seed),
    }
    return {name: value for name, value in facts.items() if value}


def _exit_code(ran: Sequence[RunSystem]) -> int:
    """Return the exit code of runs, the worst first: of a single source its own, of several 3."""
    codes = [one.done.report.exit_code for one in ran]
    return next((code for code in codes if code), ExitCode.OK)
