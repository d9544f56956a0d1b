"""Figures of a suite beside those of an evaluation.

In go the tables, the figures of the sets that were on disk, and why the others are missing; out come rows of
ours and published. Computes no rate: it takes those of the sets, and their unweighted means, as the report
does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from qasr_cli.evaluation.figures import Interval, Published, Rate, SetFigures
from qasr_cli.evaluation.suites.suite import Suite, SuiteSet, SuiteTable

_ALIGNER = "aligner"
AVERAGE, DETECTION = "average", "language detection"
_PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class SetKey:
    """A row of a suite: table and set."""

    table: str
    key: str


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found on disk and measured.

    Attributes:
        figures: Of each system, for each row that is on disk.
        missing: Why the others are not.
        models: Published model that each system is; a system that is none of them is left out.
        normalizers: In the order of the report; each gives a row.
        aligners: Systems whose word times are those of the published aligner.
    """

    figures: Mapping[SetKey, Sequence[SetFigures]]
    missing: Mapping[SetKey, str]
    models: Mapping[str, str]
    normalizers: tuple[str, ...]
    aligners: frozenset[str] = frozenset()


def rows(suite: Suite, measured: Measured) -> list[Published]:
    """Return a row for each set, model and normalizer, with means and detection where a table has them."""
    return [row for table in suite.tables for row in _table_rows(table, measured)]


def _table_rows(table: SuiteTable, measured: Measured) -> Iterator[Published]:
    for number, model in enumerate(table.models):
        systems = [name for name, of in measured.models.items() if of == model]
        systems += sorted(measured.aligners) if model == _ALIGNER else []
        for one in table.sets:
            key = SetKey(table.name, one.key)
            found = [figures for figures in measured.figures.get(key, ()) if figures.system in systems]
            yield from _set_rows(table, one, number, found, measured)
        for name in systems or [""]:
            yield from _mean_rows(table, number, name, measured)


def _set_rows(
    table: SuiteTable, one: SuiteSet, number: int, found: Sequence[SetFigures], measured: Measured
) -> Iterator[Published]:
    model, published = table.models[number], one.published[number]
    note = " ".join(filter(None, (one.note, table.note)))
    if not found:
        reason = measured.missing.get(SetKey(table.name, one.key), f"no system is {model}")
        yield Published(table.name, one.key, one.metric, model, published, None, reason)
        return
    for figures in found:
        if one.metric == "AAS":
            ours = None if figures.times is None else Interval(figures.times.aas_ms)
            shares = _matched(figures)
            yield Published(table.name, one.key, "AAS", model, published, ours, _joined(shares, note))
            continue
        for rate in _rates(figures, one.metric, measured.normalizers):
            yield Published(
                table.name,
                one.key,
                f"{one.metric}, {rate.normalizer}",
                model,
                published,
                _in_percent(rate.interval),
                note,
            )


def _rates(figures: SetFigures, metric: str, normalizers: Sequence[str]) -> list[Rate]:
    wanted = [rate for rate in figures.rates if rate.unit.value == metric and rate.normalizer in normalizers]
    return sorted(wanted, key=lambda rate: normalizers.index(rate.normalizer))


def _mean_rows(table: SuiteTable, number: int, system: str, measured: Measured) -> Iterator[Published]:
    """Yield the mean of all sets, and the accuracy of detection over all utterances."""
    model = table.models[number]
    by_set = [
        next(
            (one for one in measured.figures.get(SetKey(table.name, row.key), ()) if one.system == system),
            None,
        )
        for row in table.sets
    ]
    here = [one for one in by_set if one is not None]
    n_missing = len(by_set) - len(here)
    reason = f"{n_missing} of its {len(by_set)} sets are missing" if n_missing else ""
    if table.average:
        for normalizer in measured.normalizers:
            ours = None if n_missing else _mean(table, here, normalizer)
            metric = f"mean rate, {normalizer}"
            yield Published(table.name, AVERAGE, metric, model, table.average[number], ours, reason)
    if table.lid:
        ours = None if n_missing else _detection(here)
        yield Published(table.name, DETECTION, "accuracy", model, table.lid[number], ours, reason)


def _mean(table: SuiteTable, figures: Sequence[SetFigures], normalizer: str) -> Interval | None:
    """Return the unweighted mean of the rates of all sets in percent; None without any.

    Args:
        table: Says which rate each set has.
        figures: Of all its sets, in their order.
        normalizer: Whose rates.
    """
    values = [
        rate.interval.value * _PERCENT
        for row, one in zip(table.sets, figures, strict=True)
        for rate in _rates(one, row.metric, (normalizer,))
        if rate.interval is not None
    ]
    return Interval(fmean(values)) if values else None


def _detection(figures: Sequence[SetFigures]) -> Interval | None:
    """Return the share of utterances whose language was detected right, in percent; None without any."""
    told = [one.lid for one in figures if one.lid is not None]
    n, n_right = sum(lid.n for lid in told), sum(lid.n_right for lid in told)
    return Interval(n_right / n * _PERCENT) if n else None


def _in_percent(interval: Interval | None) -> Interval | None:
    if interval is None:
        return None
    low, high = (None if end is None else end * _PERCENT for end in (interval.low, interval.high))
    return Interval(interval.value * _PERCENT, low, high, interval.n_blocks, interval.blocks)


def _matched(figures: SetFigures) -> str:
    times = figures.times
    if times is None:
        return "no words with times"
    return f"{times.n_matched:,} of {times.n_words:,} words matched, bias {times.bias_ms:+.0f} ms."


def _joined(*parts: str) -> str:
    return " ".join(filter(None, parts))
