"""`qasr eval --suite`: the tables of a release, ours beside the published figures.

In go a suite and a folder of corpora; out come the figures of what is on disk, and a reason for each set that
is not. Word times are those of the aligner alone: it is given the reference's text, as in the release's
tables.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from qasr_cli.errors import NoInputError, QasrError, UsageError, printable
from qasr_cli.evaluation.figures import Evaluation, SetFigures
from qasr_cli.evaluation.references import opening
from qasr_cli.evaluation.suites import published, suite
from qasr_cli.evaluation.suites.published import Measured, SetKey
from qasr_cli.evaluation.suites.suite import Suite, SuiteSet, SuiteTable
from qasr_cli.evaluation.utterances import Utterance
from qasr_cli.options import ReferenceOptions
from qasr_cli.tasks import eval_reports
from qasr_cli.tasks.eval_systems import EvalRequest, EvalSet, Surroundings, evaluate_sets

logger = logging.getLogger(__name__)

_TIMES, _ALIGNER = "AAS", "aligner"


@dataclass(frozen=True, slots=True)
class _Found:
    """What of a suite is on disk: the sets by their rows, and why the others are not."""

    sets: Mapping[SetKey, EvalSet]
    missing: Mapping[SetKey, str]


def run(request: EvalRequest, around: Surroundings) -> int:
    """Evaluate the models on a suite, and return the exit code.

    Raises:
        UsageError: There is no folder of data.
        NoInputError: None of the suite's sets is on disk.
        QasrError: As `evaluate_sets`.
    """
    whole = suite.load(request.evaluation.suite)
    data = request.evaluation.data
    if data is None:
        raise UsageError("--suite needs --data", "name the folder with the corpora", flag="--data")
    found = _find(whole, data, request.references)
    if not found.sets:
        patterns = [table.patterns(one)[0] for table in whole.tables for one in table.sets]
        raise NoInputError.about(
            data, f"no set of {whole.name} in it", f"looked for {', '.join(patterns[:4])}, …"
        )
    for key, reason in found.missing.items():
        logger.info("%s %s: %s", key.table, key.key, reason)
    logger.info("%d of %d sets are on disk", len(found.sets), len(found.sets) + len(found.missing))
    models = {name: _published_name(model) for name, model in eval_reports.named(request.models)}

    def finish(evaluation: Evaluation) -> Evaluation:
        measured = Measured(
            _by_row(found, evaluation.sets),
            found.missing,
            {name: model for name, model in models.items() if model},
            tuple(one.name for one in around.normalizers),
        )
        return replace(evaluation, published=tuple(published.rows(whole, _with_aligner(whole, measured))))

    return evaluate_sets(list(found.sets.values()), request, around, finish)


def _find(whole: Suite, data: Path, options: ReferenceOptions) -> _Found:
    sets: dict[SetKey, EvalSet] = {}
    missing: dict[SetKey, str] = {}
    for table in whole.tables:
        for one in table.sets:
            key = SetKey(table.name, one.key)
            paths = table.locate(one, data)
            if not paths:
                looked_for = " or ".join(table.patterns(one))
                missing[key] = "; ".join(filter(None, (f"not found: {looked_for}", table.access)))
                continue
            try:
                sets[key] = _set(table, one, paths, options)
            except QasrError as error:
                missing[key] = printable(error.message)
    return _Found(sets, missing)


def _set(table: SuiteTable, one: SuiteSet, paths: list[Path], options: ReferenceOptions) -> EvalSet:
    """Return a row's references, by the row's name and in its language."""
    own = replace(options, layout=table.layout, split=one.split)
    opened = [opening.open_set(path, own) for path in paths]

    def utterances() -> Iterator[Utterance]:
        for found in opened:
            for utterance in found:
                yield replace(
                    utterance, set_name=_name(table, one), language=one.language or utterance.language
                )

    is_aligned = one.metric == _TIMES
    described = f"{_name(table, one)}: {'; '.join(found.description for found in opened)}"
    return EvalSet(
        described,
        utterances,
        is_whole=opened[0].is_long and not is_aligned,
        is_aligned=is_aligned,
        join_ms=table.join_ms,
    )


def _name(table: SuiteTable, one: SuiteSet) -> str:
    return f"{table.name} {one.key}"


def _by_row(found: _Found, sets: tuple[SetFigures, ...]) -> dict[SetKey, list[SetFigures]]:
    """Return the figures of each row; a set of several languages has several, and the first counts."""
    return {
        key: [one for one in sets if one.set_name == f"{key.table} {key.key}"]
        or [one for one in sets if one.set_name.startswith(f"{key.table} {key.key} (")]
        for key in found.sets
    }


def _published_name(model: str) -> str:
    """Return the name that a model has in suites; "" for another one."""
    lower = model.lower()
    return next((name for name in ("0.6b", "1.7b") if lower == name or f"qwen3-asr-{name}" in lower), "")


def _with_aligner(whole: Suite, measured: Measured) -> Measured:
    """Return what was measured, with the first system as the aligner in tables of word times."""
    tables = {table.name for table in whole.tables if _ALIGNER in table.models}
    figures = {key: found[:1] if key.table in tables else found for key, found in measured.figures.items()}
    systems = {one.system for key, found in figures.items() if key.table in tables for one in found}
    return replace(measured, figures=figures, aligners=frozenset(systems))
