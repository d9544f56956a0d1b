"""The drawings of the page: error rates, differences, groups, times of words, confidence, languages.

In go figures; out come names, places and texts, which the template draws. A set has drawings of its own only
up to a number of sets; the tables have all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from qasr_cli.evaluation.figures import (
    CalibrationFigures,
    Comparison,
    Evaluation,
    Group,
    Interval,
    Rate,
    SetFigures,
    TimeFigures,
)
from qasr_cli.evaluation.reports import drawings, wording
from qasr_cli.evaluation.reports.drawings import Axis, Mark, Tick
from qasr_cli.evaluation.scoring import language_id
from qasr_cli.evaluation.scoring.word_times import BIN_MS, EDGE_MS

MAX_SETS = 12  # with drawings of their own
_MAX_GROUPS = 12  # of a kind
_MAX_LANGUAGES = 20  # of a matrix
_PERCENT = 100.0
_N_SHADES = 5


class Strip(NamedTuple):
    """A figure on a strip; `system` is the number of its colour."""

    name: str
    detail: str
    system: int
    mark: Mark | None
    text: str


class Chart(NamedTuple):
    """Strips that share an axis; `zero` is the place of 0 if that is not an end."""

    title: str
    strips: list[Strip]
    ticks: list[Tick]
    zero: float | None = None


class Histogram(NamedTuple):
    """Errors of times of words."""

    title: str
    system: int
    path: str
    ticks: list[Tick]
    zero: float
    bias: float
    text: str


class Curve(NamedTuple):
    """A reliability diagram or a risk-coverage curve: points, a line, axes."""

    title: str
    system: int
    points: list[tuple[float, float]]
    line: str
    across: list[Tick]
    up: list[Tick]
    has_diagonal: bool
    names: tuple[str, str]
    text: str


class Cell(NamedTuple):
    """A cell of a matrix: its count, its share of the row as one of some shades, whether it is right."""

    n: str
    shade: int
    is_right: bool


class Matrix(NamedTuple):
    """A confusion matrix of languages."""

    title: str
    columns: list[str]
    rows: list[tuple[str, list[Cell]]]
    n_left_out: int


def systems(evaluation: Evaluation) -> list[str]:
    """Return the names of all systems in their order."""
    return list(dict.fromkeys(one.system for one in evaluation.sets))


def drawn(evaluation: Evaluation) -> list[SetFigures]:
    """Return the figures of the sets that have drawings of their own."""
    names = list(dict.fromkeys(one.set_name for one in evaluation.sets))[:MAX_SETS]
    return [one for one in evaluation.sets if one.set_name in names]


def rates(evaluation: Evaluation) -> list[Chart]:
    """Return a chart for each set whose rate is known, each with an axis of its own."""
    order, by_chart = systems(evaluation), dict[str, list[tuple[str, Rate]]]()
    for one in evaluation.sets:
        for rate in one.rates[:1]:
            title = f"{one.set_name}: {wording.rate_name(rate.unit, rate.normalizer)}"
            by_chart.setdefault(title, []).append((one.system, rate))
    charts = []
    for title, members in by_chart.items():
        if all(rate.interval is None for _, rate in members):
            continue
        on = drawings.axis(_end(rate.interval) for _, rate in members)
        strips = [_rate_strip(system, rate, order.index(system), on) for system, rate in members]
        charts.append(Chart(title, strips, on.ticks))
    return charts


def _rate_strip(system: str, rate: Rate, number: int, on: Axis) -> Strip:
    if rate.interval is None:
        return Strip(system, "", number, None, wording.NOT_KNOWN)
    few = "" if wording.is_told(rate.interval) else wording.few(rate.interval)
    return Strip(system, few, number, _mark(on, rate.interval), f"{wording.rate(rate)} %")


def _end(interval: Interval | None) -> float:
    """Return the upper end of a rate in percent."""
    if interval is None:
        return 0.0
    return _PERCENT * (interval.value if interval.high is None else interval.high)


def _mark(on: Axis, interval: Interval | None) -> Mark | None:
    if interval is None:
        return None
    low, high = (None if end is None else end * _PERCENT for end in (interval.low, interval.high))
    return drawings.mark(on, interval.value * _PERCENT, low, high)


def comparisons(evaluation: Evaluation) -> list[Chart]:
    """Return the differences of systems on each set, around zero."""
    order, by_set = systems(evaluation), dict[str, list[Comparison]]()
    for one in evaluation.comparisons:
        by_set.setdefault(one.set_name, []).append(one)
    charts = []
    for set_name, members in by_set.items():
        on = drawings.axis(_ends(members), is_around_zero=True)
        strips = [
            Strip(
                f"{one.a} minus {one.b}",
                "",
                order.index(one.a) if one.a in order else 0,
                _mark(on, one.difference),
                wording.interval(one.difference, is_signed=True),
            )
            for one in members
        ]
        charts.append(Chart(set_name, strips, on.ticks, on.at(0.0)))
    return charts


def _ends(members: Iterable[Comparison]) -> Iterator[float]:
    """Yield differences and the ends of their intervals, in points of percent."""
    for one in members:
        for end in (one.difference.value, one.difference.low, one.difference.high):
            if end is not None:
                yield _PERCENT * end


def groups(evaluation: Evaluation) -> list[tuple[str, list[Chart]]]:
    """Return charts by kind of group: each set's parts, with the systems below each other."""
    order, kinds = systems(evaluation), dict[str, list[Chart]]()
    by_chart: dict[tuple[str, str], list[tuple[SetFigures, Group]]] = {}
    for one in drawn(evaluation):
        for group in one.groups:
            by_chart.setdefault((group.kind, one.set_name), []).append((one, group))
    for (kind, set_name), members in by_chart.items():
        names = list(dict.fromkeys(group.name for _, group in members))
        if len(names) > 1:  # a set that is of one kind alone is no drawing
            kinds.setdefault(kind, []).append(_group_chart(set_name, members, names, order))
    return list(kinds.items())


def _group_chart(
    set_name: str, members: Sequence[tuple[SetFigures, Group]], names: Sequence[str], order: Sequence[str]
) -> Chart:
    shown = [(one, group) for one, group in members if group.name in names[:_MAX_GROUPS]]
    on = drawings.axis(_end(group.interval) for _, group in shown)
    shown.sort(key=lambda one: names.index(one[1].name))  # stable: systems stay in their order
    strips, before = [], ""
    for one, group in shown:
        text = wording.NOT_KNOWN if group.interval is None else f"{wording.interval(group.interval)} %"
        name = "" if group.name == before else f"{group.name} ({group.n_utterances:,})"
        strips.append(Strip(name, one.system, order.index(one.system), _mark(on, group.interval), text))
        before = group.name
    title = f"{set_name}, the {_MAX_GROUPS} largest" if len(names) > _MAX_GROUPS else set_name
    return Chart(title, strips, on.ticks)


def histograms(evaluation: Evaluation) -> list[Histogram]:
    """Return the errors of times of words of each set and system."""
    order = systems(evaluation)
    return [_histogram(one, one.times, order) for one in drawn(evaluation) if one.times is not None]


def _histogram(one: SetFigures, times: TimeFigures, order: Sequence[str]) -> Histogram:
    across = Axis(-EDGE_MS, EDGE_MS, drawings.PLOT_WIDTH, 250)
    matched = f"{times.n_matched:,} of {times.n_words:,} words"
    bias = wording.milliseconds(times.bias_ms, is_signed=True)
    return Histogram(
        f"{one.set_name}, {one.system}",
        order.index(one.system),
        drawings.bars(times.histogram, BIN_MS, across),
        across.ticks,
        across.at(0.0),
        across.at(times.bias_ms),
        f"AAS {wording.milliseconds(times.aas_ms)} ms, bias {bias} ms, {matched}",
    )


def curves(evaluation: Evaluation) -> list[Curve]:
    """Return a reliability diagram and a risk-coverage curve for each set and system with confidences."""
    order, found = systems(evaluation), list[Curve]()
    for one in drawn(evaluation):
        if one.calibration is not None and one.calibration.n_words:
            found += _curves(one, one.calibration, order.index(one.system))
    return found


def _curves(one: SetFigures, figures: CalibrationFigures, system: int) -> Iterable[Curve]:
    across = drawings.share_axis(drawings.PLOT_WIDTH)
    up = drawings.share_axis(drawings.PLOT_HEIGHT)
    name, words = f"{one.set_name}, {one.system}", f"{figures.n_words:,} words"
    bins = [(part.confidence, part.right) for part in figures.bins if part.n]
    yield Curve(
        name,
        system,
        drawings.places(bins, across, up),
        drawings.curve(bins, across, up),
        across.ticks,
        up.ticks,
        has_diagonal=True,
        names=("confidence", "share right"),
        text=f"ECE {wording.percent(figures.ece)} points, {words}",
    )
    risks = drawings.thinned(figures.risk_coverage)
    if not risks:
        return
    highest = drawings.axis((risk for _, risk in risks), drawings.PLOT_HEIGHT)
    yield Curve(
        name,
        system,
        [],
        drawings.curve(risks, across, highest),
        across.ticks,
        highest.ticks,
        has_diagonal=False,
        names=("share of words kept", "share wrong among them"),
        text=f"all words: {wording.percent(1 - figures.n_right / figures.n_words)} % wrong",
    )


def matrices(evaluation: Evaluation) -> list[Matrix]:
    """Return the confusion matrix of each set and system with several languages."""
    sums = language_id.by_system(evaluation.sets)
    return [_matrix(system, own) for system, own in sums.items() if len(own) > 1]


def _matrix(system: str, sums: Counter[tuple[str, str]]) -> Matrix:
    sizes: Counter[str] = Counter()
    for (reference, _), n in sums.items():
        sizes[reference] += n
    detected: Counter[str] = Counter()
    for (_, language), n in sums.items():
        detected[language] += n
    rows = [name for name, _ in sizes.most_common(_MAX_LANGUAGES)]
    others = [name for name, _ in detected.most_common() if name and name not in rows]
    columns = [*rows, *others[: max(0, _MAX_LANGUAGES - len(rows))]]
    shown = [*columns, *([""] if detected[""] else [])]
    return Matrix(
        system,
        [name or "none" for name in shown],
        [(row, [_cell(row, column, sums[row, column], sizes[row]) for column in shown]) for row in rows],
        len(sizes) - len(rows) + len(others) - (len(columns) - len(rows)),
    )


def _cell(row: str, column: str, n: int, n_row: int) -> Cell:
    shade = 0 if not n else 1 + min(_N_SHADES - 1, int(n / n_row * _N_SHADES))
    return Cell(f"{n:,}" if n else "", shade, row == column)
