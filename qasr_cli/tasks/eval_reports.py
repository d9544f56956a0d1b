"""What evaluations of references and of suites share: their folder, normalizers, names, reports.

In go options and figures; out come the files of a folder. Evaluates nothing itself.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from qasr_cli.errors import CannotCreateError, UnavailableError
from qasr_cli.evaluation import answers, results
from qasr_cli.evaluation.answers import RunFacts
from qasr_cli.evaluation.figures import Evaluation, SpeedFigures
from qasr_cli.evaluation.normalization import normalizers
from qasr_cli.evaluation.normalization.normalizers import Normalizer
from qasr_cli.evaluation.references import layout
from qasr_cli.evaluation.reports import csv_tables, html_page, markdown
from qasr_cli.evaluation.utterances import Pair
from qasr_cli.options import EvalOptions
from qasr_cli.runs.files import atomic_write
from qasr_cli.timebase import MS_PER_S

logger = logging.getLogger(__name__)

RESULTS, PAGE, MARKDOWN, LEDGERS, TABLES = "results.jsonl", "report.html", "report.md", "answers", "tables"
_TEMPORARY = ".qasr-"  # what killed processes leave
_PIPE_WIDTH = 10_000  # a pipe folds nothing
_ADVICE = "qasr+numbers"
_TOLD_EVERY_S = 10


def chosen_normalizers(names: Sequence[str]) -> list[Normalizer]:
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


def prepared_folder(options: EvalOptions) -> Path:
    """Return the folder of the evaluation: new, empty, or one that an evaluation has made.

    Raises:
        CannotCreateError: It holds something else.
        LockedError: Another process evaluates there, and it is to begin anew.
    """
    folder = options.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = os.listdir(folder)  # noqa: PTH208 - names only
    except OSError as error:
        raise CannotCreateError.about(folder, error.strerror or str(error), "use another -o DIR") from error
    if not _is_own(folder, names):
        raise CannotCreateError.about(
            folder, "a folder with other files, and no evaluation in it", "use another -o DIR"
        )
    if options.overwrite and options.results is None and LEDGERS in names:
        answers.forget(folder / LEDGERS)
    return folder


def _is_own(folder: Path, names: Sequence[str]) -> bool:
    """Whether an evaluation has made a folder: it has our results or ledgers, or nothing but our names."""
    if results.is_results(folder / RESULTS):
        return True
    ledgers = layout.listed(folder / LEDGERS)
    if ledgers and all(answers.is_ledger(folder / LEDGERS / name) for name in ledgers):
        return True
    others = {name for name in names if not name.startswith(_TEMPORARY)} - {LEDGERS, PAGE, MARKDOWN, TABLES}
    return not others and (PAGE in names or not {MARKDOWN, TABLES} & set(names))


def named(models: Sequence[str]) -> list[tuple[str, str]]:
    """Return a name for reports for each model: the last part of a path, or all of it if two are alike."""
    short = [Path(model).name or model for model in models]
    return [
        (model if short.count(name) > 1 else name, model) for name, model in zip(short, models, strict=True)
    ]


def described(name: str, runs: Sequence[RunFacts]) -> str:
    """Return a model with its revision, aligner and device, for people."""
    if not runs:
        return name
    last = runs[-1]
    return f"{name} ({last.model}, aligner {last.aligner or 'none'}, {last.device})"


def speed(runs: Iterable[RunFacts]) -> SpeedFigures:
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


def told(pairs: Iterable[Pair]) -> Iterator[Pair]:
    """Yield the pairs that are to be scored, and say now and then how many there were.

    How many there will be is not known: references are streamed.
    """
    next_s = time.monotonic() + _TOLD_EVERY_S
    for number, pair in enumerate(pairs):
        if time.monotonic() >= next_s:
            next_s = time.monotonic() + _TOLD_EVERY_S
            logger.info("answers scored: %s", f"{number:,}")
        yield pair


def write(evaluation: Evaluation, folder: Path) -> None:
    """Write the page and the tables into the folder of an evaluation.

    Raises:
        QasrError: One cannot be written.
    """
    texts: Mapping[Path, str] = {
        folder / PAGE: html_page.render(evaluation, folder),
        folder / MARKDOWN: markdown.render(evaluation),
        **{folder / TABLES / name: text for name, text in csv_tables.all_tables(evaluation).items()},
    }
    for path, text in texts.items():
        if text:
            atomic_write.write(path, text, is_overwrite=True)
        else:  # one of an earlier evaluation, of other systems or with other options
            with contextlib.suppress(OSError):
                path.unlink()


def shown_width() -> int:
    """Return the columns of the terminal that stdout is; a pipe folds nothing."""
    return shutil.get_terminal_size().columns if sys.__stdout__ and sys.__stdout__.isatty() else _PIPE_WIDTH
